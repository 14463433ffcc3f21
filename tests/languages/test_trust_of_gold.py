"""Programs that people wrote are hardly ever taken for bare constants, guesses, or answers that hang on names."""

from __future__ import annotations

import json

import pytest
from lowres_code import Judge, Problem, Test
from lowres_code.judgement import Judgement
from lowres_code.metamorphic import follow
from lowres_code.solutions import count_answers
from lowres_code.trust import is_bare

from tests.conftest import SHARED

FILE = SHARED / "gsm8k-prolog" / "test-even.jsonl"


@pytest.fixture(scope="module")
def gold() -> dict[str, tuple[Problem, Judgement]]:
    """The 660 gold programs, with all that can be told of them; one does not give its answer."""
    if not FILE.is_file():
        pytest.skip("needs shared data: gsm8k-prolog")
    rows = [json.loads(line) for line in FILE.read_text().splitlines()]
    problems = [Problem(row["id"], row["question"], (Test(expected=row["answer"]),)) for row in rows]
    with Judge("prolog") as judge:
        judged = judge.analyse(judge.judge([f"<code>{row['program']}</code>" for row in rows], problems))
        judged = follow(judge, count_answers(judge, judged, problems), problems)
    assert [problem.id for one, problem in zip(judged, problems, strict=True) if not one.correct] == ["gsm8k-test-454"]
    return {problem.id: (problem, one) for problem, one in zip(problems, judged, strict=True)}


@pytest.mark.slow
def test_gold_programs_are_not_bare(gold: dict[str, tuple[Problem, Judgement]]) -> None:
    """Four of the 660 are: two state their answer, and two use a number that was computed in prose."""
    bare = [name for name, (problem, one) in gold.items() if is_bare(one, problem)]
    assert bare == [f"gsm8k-test-{number}" for number in (48, 340, 532, 1074)]
    assert len(bare) < 0.02 * len(gold)


@pytest.mark.slow
def test_gold_programs_follow_a_renaming(gold: dict[str, tuple[Problem, Judgement]]) -> None:
    """None that is right is found out; 14 have no name of their own but solve/1."""
    found = [one.follows.renaming for _, one in gold.values() if one.follows]
    assert (found.count(False), found.count(True)) == (0, 644)


@pytest.mark.slow
def test_gold_programs_have_one_answer(gold: dict[str, tuple[Problem, Judgement]]) -> None:
    assert {one.answers for _, one in gold.values() if one.correct} == {1}
