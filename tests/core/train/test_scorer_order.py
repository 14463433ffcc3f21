"""Columns of rewards in whatever order they are awaited: one judging for all, and each batch its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lowres_code._util.files import JsonLines, read_json_lines
from lowres_code.judge import Judge
from lowres_code.judgement import Judgement
from lowres_code.language.base import Limits
from lowres_code.problem import Problem, Test
from lowres_code.reward import TERMS
from lowres_code.train.scorer import Scorer

from tests.core.train.test_scorer import RIGHT, WRONG, State


class CountingJudge(Judge):
    """Remembers what it was asked."""

    asked: list[list[str]]

    def judge(self, completions: Any, problems: Any, every_test: bool = False) -> list[Judgement]:
        self.asked.append(list(completions))
        return super().judge(completions, problems, every_test)


@pytest.fixture
def counting(judge: Judge) -> Iterator[CountingJudge]:
    counting = CountingJudge(judge.language, Limits(), judge.isolation, workers=1)
    counting.asked = []
    with counting:
        yield counting


def asked(function: Any, texts: list[str], rows: list[int], step: int = 4) -> Any:
    """What TRL awaits."""
    state = State()
    state.global_step = step
    completions = [[{"content": text}] for text in texts]
    return function(completions=completions, problem=rows, trainer_state=state, log_metric=lambda name, value: None)


PROBLEMS = [Problem("a", "q", (Test("1"),)), Problem("b", "q", (Test("2"),))]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
@pytest.mark.parametrize("together", [True, False])
def test_a_batch_is_judged_once_in_whatever_order_its_columns_are_awaited(
    order: tuple[int, ...], together: bool, counting: CountingJudge, tmp_path: Path
) -> None:
    scorer = Scorer(counting, PROBLEMS, TERMS[:3], JsonLines(tmp_path / "s.jsonl"))
    first, second = ([RIGHT, "none"], [0, 0]), ([WRONG, WRONG], [0, 1])

    async def columns(batch: tuple[list[str], list[int]]) -> list[Any]:
        coroutines = [asked(scorer.functions[number], *batch) for number in order]
        return await asyncio.gather(*coroutines) if together else [await coroutine for coroutine in coroutines]

    async def both() -> list[list[Any]]:
        return [await columns(first), await columns(second)]

    assert asyncio.run(both()) == [[[1, 0]] * 3, [[[0, 1], [1, 1], [1, 1]][number] for number in order]]
    assert counting.asked == [first[0], second[0]]
    assert len(list(read_json_lines(tmp_path / "s.jsonl"))) == 4


def test_batches_that_are_awaited_in_turn_keep_their_own_columns(counting: CountingJudge, tmp_path: Path) -> None:
    """The same texts for other problems, or in another step, are another batch."""
    scorer = Scorer(counting, PROBLEMS, TERMS[:2], JsonLines(tmp_path / "s.jsonl"))
    correct, runs = scorer.functions

    async def mixed() -> list[Any]:
        return [
            await asked(correct, [RIGHT], [0]),
            await asked(correct, [RIGHT], [1]),
            await asked(correct, [RIGHT], [0], step=5),
            *await asyncio.gather(
                asked(runs, [RIGHT], [1]), asked(runs, [RIGHT], [0]), asked(runs, [RIGHT], [0], step=5)
            ),
        ]

    assert asyncio.run(mixed()) == [[1], [0], [1], [1], [1], [1]]
    assert len(counting.asked) == 3
    assert asyncio.run(asked(correct, [RIGHT], [0])) == [1]  # a sampler that repeats itself: judged, and recorded, anew
    assert len(counting.asked) == 4


def test_a_function_that_is_cancelled_takes_nothing_from_the_others(counting: CountingJudge, tmp_path: Path) -> None:
    scorer = Scorer(counting, PROBLEMS, TERMS[:2], JsonLines(tmp_path / "s.jsonl"))

    async def cancelling() -> Any:
        first, second = (asyncio.ensure_future(asked(each, [RIGHT], [0])) for each in scorer.functions)
        await asyncio.sleep(0)
        first.cancel()
        return await second

    assert asyncio.run(cancelling()) == [1]
    assert len(counting.asked) == 1


def test_wrong_use_of_the_functions_raises(counting: CountingJudge, tmp_path: Path) -> None:
    scorer = Scorer(counting, PROBLEMS, TERMS[:2], JsonLines(tmp_path / "s.jsonl"))
    with pytest.raises(ValueError, match="2 completions of 1 problems"):
        asyncio.run(asked(scorer.functions[0], [RIGHT, RIGHT], [0]))

    async def only_the_first() -> None:
        for step in range(20):
            await asked(scorer.functions[0], [RIGHT], [0], step)

    with pytest.raises(RuntimeError, match="every reward function must be asked for every batch"):
        asyncio.run(only_the_first())
