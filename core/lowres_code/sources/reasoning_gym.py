"""Problems made on the spot by reasoning-gym (arXiv 2505.24760): endless, offline, each with its gold answer."""

from __future__ import annotations

import contextlib
import io
import itertools
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field, model_validator

from lowres_code._util.records import difficulty_text
from lowres_code.errors import UsageError, near_match
from lowres_code.problem import Problem, Test
from lowres_code.sources import Part, ProblemSource, SourceOptions, part_of
from lowres_code.sources.choice import spread
from lowres_code.sources.reasoning_gym_rules import Entry
from lowres_code.sources.reasoning_gym_tasks import refusal, rule_of

TaskOptions = Mapping[str, Any]

BLOCK = 256  # entries of a data set; entry n of one with seed s is made by the seed s + n
MOST_OTHERS, OTHERS_SEED = 300, 8_191  # some generators take tens of milliseconds for each


def entries(task: str, options: TaskOptions, part: Part, seed: int) -> Iterator[Entry]:
    """reasoning-gym entries of one task (``question``, ``answer``, ``metadata``) that belong to ``part``.

    They do not end, unless a thousand in a row belong elsewhere: such a task has no question in this part. They come
    again and again, as in the text that the embedded model was taught on: each data set has one that is new.

    Raises:
        UsageError: the task is unknown or cannot be used, or refuses an option.
    """
    return (entry for entry, _ in judged_entries(task, options, part, seed, stride=1))


def judged_entries(
    task: str, options: TaskOptions, part: Part, seed: int, stride: int = BLOCK
) -> Iterator[tuple[Entry, Test]]:
    """As `entries`, each with the test that says which answers are right, and hardly any twice.

    ``stride`` says how far the seeds of two data sets in a row are apart.
    """
    rule = rule_of(task)
    elsewhere = 0
    for dataset, entry in _all_entries(task, options, seed, stride):
        elsewhere += 1
        if part_of(entry["question"]) == part and (test := rule.test(dataset, entry)) is not None:
            elsewhere = 0
            yield entry, test
        elif elsewhere > 1000:
            return


def _all_entries(task: str, options: TaskOptions, seed: int, stride: int) -> Iterator[tuple[Any, Entry]]:
    """Entries, each with the data set that made it."""
    import reasoning_gym

    try:
        for first in itertools.count(seed * 1_000_003, stride):
            dataset = reasoning_gym.create_dataset(task, seed=first, size=BLOCK, **options)
            for number in range(BLOCK):
                with contextlib.redirect_stdout(io.StringIO()):  # some say what they do
                    entry = dataset[number]
                yield dataset, {**entry, "question": entry["question"].strip()}
    except Exception as error:  # each generator has its own way to refuse an option
        reason = str(error) or type(error).__name__
        raise UsageError(f"reasoning-gym task {task!r} refuses {dict(options)}: {reason}") from error


def reasoning_gym_problems(
    tasks: Mapping[str, TaskOptions], weights: Mapping[str, int], part: Part, size: int, seed: int
) -> list[Problem]:
    """``size`` problems, no question twice, the tasks mixed as `spread` does: fewer are the beginning of more.

    A task whose questions run out leaves its place to the others.

    Args:
        tasks: options of reasoning-gym for each task, by the task's name; for instance
            ``{"gcd": {}, "chain_sum": {"max_terms": 4}}``.
        weights: how many problems of a task there are for one of a task that is not named.
        part: ``"train"`` or ``"eval"``; see `part_of`.
        size: how many problems.
        seed: of the generators, and of who comes first where tasks are level.
    """
    streams = [(weights.get(task, 1), _fresh(task, options, part, seed)) for task, options in tasks.items()]
    return list(itertools.islice(spread(streams, seed), size))


def _fresh(task: str, options: TaskOptions, part: Part, seed: int) -> Iterator[Problem]:
    """The task's problems without repetition; ends when a thousand entries in a row bring nothing new."""
    seen: set[str] = set()
    stale = 0
    for entry, test in judged_entries(task, options, part, seed):
        stale += 1
        if entry["question"] not in seen:
            seen.add(entry["question"])
            stale = 0
            yield Problem(
                id=f"{task}-{part}-{seed}-{len(seen)}",
                question=entry["question"],
                tests=(test,),
                task=task,
                difficulty=difficulty_text(entry["metadata"].get("difficulty")),
            )
        elif stale > 1000:
            return


class ReasoningGymOptions(SourceOptions):
    """Problems of the library reasoning-gym, made on the spot.

    Attributes:
        tasks: reasoning-gym's options for each task, by its name.
        weights: how many problems of a task there are for one of a task that is not named.
    """

    tasks: dict[str, dict[str, Any]]
    weights: dict[str, Annotated[int, Field(ge=0)]] = Field(default={})

    @model_validator(mode="after")
    def _tasks_can_be_used(self) -> ReasoningGymOptions:
        wrong = [said for name in self.tasks if (said := refusal(name))]
        unknown = (name for name in self.weights if name not in self.tasks)
        wrong += [f"weights.{name}: no such task; {near_match(name, self.tasks)}" for name in unknown]
        if wrong:
            raise ValueError("; ".join(wrong))
        return self


class ReasoningGym(ProblemSource[ReasoningGymOptions]):
    """Problems made on the spot, offline; training and evaluation never share a question."""

    name = "reasoning_gym"
    options = ReasoningGymOptions

    def problems(self, options: ReasoningGymOptions, part: Part, size: int, seed: int) -> list[Problem]:
        """The tasks mixed by their weights."""
        return reasoning_gym_problems(options.tasks, options.weights, part, size, seed)

    def others(self, options: ReasoningGymOptions, task: str) -> Iterator[Problem]:
        """`MOST_OTHERS` of the generator's, with a seed of their own."""
        if task not in options.tasks:
            return iter(())
        return itertools.islice(_fresh(task, options.tasks[task], "train", OTHERS_SEED), MOST_OTHERS)
