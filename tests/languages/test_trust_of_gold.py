"""Programs that people wrote are hardly ever taken for bare constants."""

from __future__ import annotations

import json

import pytest
from lowres_code import Judge, Problem, Test
from lowres_code.trust import is_bare

from tests.conftest import SHARED


@pytest.mark.slow
def test_gold_programs_are_not_bare() -> None:
    """Four of the 660 are: two state their answer, and two use a number that was computed in prose."""
    file = SHARED / "gsm8k-prolog" / "test-even.jsonl"
    if not file.is_file():
        pytest.skip("needs shared data: gsm8k-prolog")
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    problems = [Problem(row["id"], row["question"], (Test(expected=row["answer"]),)) for row in rows]
    with Judge("prolog") as judge:
        judged = judge.analyse(judge.judge([f"<code>{row['program']}</code>" for row in rows], problems))
    bare = [problem.id for one, problem in zip(judged, problems, strict=True) if is_bare(one, problem.question)]
    assert bare == [f"gsm8k-test-{number}" for number in (48, 340, 532, 1074)]
    assert len(bare) < 0.02 * len(rows)
