"""The judge as TRL's reward functions: one for each term, one judging for all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lowres_code.evaluate import check_infrastructure
from lowres_code.files import JsonLines
from lowres_code.judge import INFRA_ERROR, Judge, Judgement
from lowres_code.problem import Problem
from lowres_code.reward import RewardTerm

RewardFunction = Callable[..., list[float | None]]


class Scorer:
    """Judges each batch once and hands every reward term its column.

    Attributes:
        functions: for TRL, one for each term, named like it.
    """

    def __init__(
        self, judge: Judge, problems: Sequence[Problem], terms: Sequence[RewardTerm], samples: JsonLines
    ) -> None:
        """Args:
        judge: of the language.
        problems: by their row in the data set that TRL trains on.
        terms: TRL calls their functions in this order.
        samples: receives every judged completion.
        """
        self._judge = judge
        self._problems = problems
        self._terms = terms
        self._samples = samples
        self._columns: dict[str, list[float | None]] = {}
        first, *others = self._terms
        self.functions: list[RewardFunction] = [self._judging(first), *map(self._reading, others)]

    def _judging(self, term: RewardTerm) -> RewardFunction:
        """The function that TRL calls first: it judges the batch for all of them."""

        def reward(completions: list[list[dict[str, str]]], problem: list[int], **context: Any) -> list[float | None]:
            self._judge_batch([messages[-1]["content"] for messages in completions], problem, context)
            return self._columns[term.name]

        reward.__name__ = term.name
        return reward

    def _reading(self, term: RewardTerm) -> RewardFunction:
        def reward(**_: Any) -> list[float | None]:
            return self._columns[term.name]

        reward.__name__ = term.name
        return reward

    def _judge_batch(self, texts: list[str], rows: list[int], context: Mapping[str, Any]) -> None:
        started = time.monotonic()
        problems = [self._problems[row] for row in rows]
        judgements = self._judge.judge(texts, problems)
        self._columns = {term.name: [term.score(judgement) for judgement in judgements] for term in self._terms}
        self._report(problems, judgements, time.monotonic() - started, context)
        check_infrastructure(judgements)

    def _report(
        self, problems: list[Problem], judgements: list[Judgement], seconds: float, context: Mapping[str, Any]
    ) -> None:
        log_metric = context["log_metric"]
        log_metric("judge_s", seconds)
        for name in ("correct", "runs", "parses"):
            log_metric(f"share/{name}", sum(getattr(judgement, name) for judgement in judgements) / len(judgements))
        log_metric("share/infra_error", sum(j.verdict == INFRA_ERROR for j in judgements) / len(judgements))
        step = context["trainer_state"].global_step + 1  # the step that is being made
        self._samples.append(
            *(self._sample(step, row, *pair) for row, pair in enumerate(zip(problems, judgements, strict=True)))
        )

    def _sample(self, step: int, row: int, problem: Problem, judgement: Judgement) -> dict[str, Any]:
        execution = judgement.execution
        return {
            "step": step,
            "problem": problem.id,
            "completion": judgement.completion.text,
            "program": judgement.completion.program,
            "verdict": judgement.verdict,
            "answer": execution.answer if execution else None,
            "rewards": {name: column[row] for name, column in self._columns.items()},
        }
