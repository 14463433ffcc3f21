"""The judge as TRL's reward functions: one for each term, one judging for all of them.

They are coroutines: TRL awaits all of them together, so that other asynchronous reward functions go on while programs
run.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from lowres_code._util.files import JsonLines
from lowres_code.evaluation.run import check_infrastructure
from lowres_code.judge import INFRA_ERROR, Judge, Judgement
from lowres_code.problem import Problem
from lowres_code.reward import RewardTerm

Column = list[float | None]
RewardFunction = Callable[..., Awaitable[Column]]


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
        self._columns: dict[str, Column] = {}
        self._judging: asyncio.Future[None] | None = None
        first, *others = self._terms
        self.functions: list[RewardFunction] = [self._asking(first), *map(self._waiting, others)]

    def _asking(self, term: RewardTerm) -> RewardFunction:
        """The function that TRL calls first: it has the batch judged for all of them."""

        async def reward(completions: list[list[dict[str, str]]], problem: list[int], **context: Any) -> Column:
            texts = [messages[-1]["content"] for messages in completions]
            self._judging = asyncio.ensure_future(asyncio.to_thread(self._judge_batch, texts, problem, context))
            await self._judging
            return self._columns[term.name]

        reward.__name__ = term.name
        return reward

    def _waiting(self, term: RewardTerm) -> RewardFunction:
        async def reward(**_: Any) -> Column:
            if self._judging is None:
                raise RuntimeError("reward functions must be awaited together, in their order")
            await self._judging
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
        for name in ("correct", "runs", "syntax"):
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
