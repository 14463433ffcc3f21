"""Problems made on the spot by reasoning-gym (arXiv 2505.24760): endless, offline, each with its gold answer."""

from __future__ import annotations

import ast
import itertools
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Annotated, Any

from pydantic import Field, model_validator

from lowres_code.errors import UsageError, near_match
from lowres_code.problem import Problem, Test
from lowres_code.sources import Part, ProblemSource, SourceOptions, part_of

TaskOptions = Mapping[str, Any]


def entries(task: str, options: TaskOptions, part: Part, seed: int) -> Iterator[dict[str, Any]]:
    """reasoning-gym entries of one task (``question``, ``answer``, ``metadata``) that belong to ``part``.

    They do not end, unless a thousand in a row belong elsewhere: such a task has no question in this part.

    Raises:
        UsageError: unknown task or option.
    """
    elsewhere = 0
    for entry in _all_entries(task, options, seed):
        question = entry["question"].strip()
        elsewhere += 1
        if part_of(question) == part and _is_sound(entry):
            elsewhere = 0
            yield {**entry, "question": question}
        elif elsewhere > 1000:
            return


def _all_entries(task: str, options: TaskOptions, seed: int) -> Iterator[dict[str, Any]]:
    import reasoning_gym
    from reasoning_gym.factory import DATASETS

    if task not in DATASETS:
        raise UsageError(f"reasoning-gym has no task {task!r}: {near_match(task, DATASETS)}")
    try:
        for block in itertools.count():
            yield from reasoning_gym.create_dataset(task, seed=seed * 1_000_003 + block, size=256, **options)
    except (TypeError, AssertionError, ValueError, IndexError) as error:
        raise UsageError(f"reasoning-gym task {task!r} refuses {dict(options)}: {error}") from error


def _is_sound(entry: Mapping[str, Any]) -> bool:
    """Whether the question determines its answer and the answer is right, where reasoning-gym is known to slip.

    Some equations come out as ``0 = 0``, without their variable; some quotients are no integers, and are given as 0.
    """
    meta = entry["metadata"]
    if "equation" in meta:
        return re.search(rf"\b{meta['variable']}\b", meta["equation"]) is not None
    if "/" in meta.get("expression", ""):
        return _value(ast.parse(meta["expression"], mode="eval").body) == Fraction(entry["answer"])
    return True


_OPERATORS: dict[type[ast.AST], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def _value(node: ast.expr) -> Fraction:
    match node:
        case ast.BinOp(left, op, right):
            return _OPERATORS[type(op)](_value(left), _value(right))
        case ast.UnaryOp(ast.USub(), operand):
            return -_value(operand)
        case ast.Constant(value=int(number)):
            return Fraction(number)
    raise ValueError(f"cannot read {ast.unparse(node)!r} as arithmetic")


def reasoning_gym_problems(
    tasks: Mapping[str, TaskOptions], weights: Mapping[str, int], part: Part, size: int, seed: int
) -> list[Problem]:
    """``size`` problems, no question twice, the tasks in turn.

    A task whose questions run out leaves its place to the others.

    Args:
        tasks: options of reasoning-gym for each task, by the task's name; for instance
            ``{"gcd": {}, "chain_sum": {"max_terms": 4}}``.
        weights: how many problems of a task there are in each round; 1 for tasks that are not named.
        part: ``"train"`` or ``"eval"``; see `part_of`.
        size: how many problems.
        seed: of the generators.
    """
    streams = {task: _fresh(task, options, part, seed) for task, options in tasks.items()}
    problems: list[Problem] = []
    while len(problems) < size:
        round_ = [p for task, stream in streams.items() for p in itertools.islice(stream, weights.get(task, 1))]
        if not round_:
            break
        problems += round_
    return problems[:size]


def _fresh(task: str, options: TaskOptions, part: Part, seed: int) -> Iterator[Problem]:
    """The task's problems without repetition; ends when a thousand entries in a row bring nothing new."""
    seen: set[str] = set()
    stale = 0
    for entry in entries(task, options, part, seed):
        stale += 1
        if entry["question"] not in seen:
            seen.add(entry["question"])
            stale = 0
            yield Problem(
                id=f"{task}-{part}-{seed}-{len(seen)}",
                question=entry["question"],
                tests=(Test(expected=str(entry["answer"])),),
                task=task,
            )
        elif stale > 1000:
            return


class ReasoningGymOptions(SourceOptions):
    """``tasks``: reasoning-gym's options for each task, by its name; ``weights``: problems of a task in each round."""

    tasks: dict[str, dict[str, Any]]
    weights: dict[str, Annotated[int, Field(ge=0)]] = Field(default={})

    @model_validator(mode="after")
    def _weights_are_of_tasks(self) -> ReasoningGymOptions:
        for name in self.weights:
            if name not in self.tasks:
                raise ValueError(f"weights.{name}: no such task; {near_match(name, self.tasks)}")
        return self


class ReasoningGym(ProblemSource[ReasoningGymOptions]):
    """Problems made on the spot, offline; training and evaluation never share a question."""

    name = "reasoning_gym"
    options = ReasoningGymOptions

    def problems(self, options: ReasoningGymOptions, part: Part, size: int, seed: int) -> list[Problem]:
        """The tasks in turn."""
        return reasoning_gym_problems(options.tasks, options.weights, part, size, seed)
