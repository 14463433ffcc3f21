"""How much of a file is held while it is judged."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest
from lowres_code import Judge
from lowres_code._util.progress import no_progress
from lowres_code.judgement import FailureWindow
from lowres_code.scoring.rows import Columns, open_rows
from lowres_code.scoring.score import _Samples, _Scoring
from lowres_code.scoring.tally import Tally

from tests.core.scoring.test_score import write


@pytest.mark.parametrize(("code", "rows"), [(1_000, 5), (4_000, 2)])
def test_code_that_is_appended_counts_for_the_test_and_for_its_control(
    code: int, rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row of 1,000 characters of code counts 2,200 and its program of 8, of 4,000 it counts 8,200: of 10,000."""
    monkeypatch.setattr("lowres_code.scoring.score.MOST_WAITING", 10_000)
    tests = "assert(f() == 1)\n".ljust(code - 100, "-")
    row = {"program": "return 1", "append": tests, "prefix": "-" * 100}
    file = write(tmp_path / "rows.jsonl", [row] * 20)
    with Judge("lua") as judge, open_rows(file, Columns(), judge.language) as read:
        scoring = _Scoring(judge, Tally(None), None, FailureWindow(), no_progress, None, False)
        items = scoring._items(_Samples(read, 0, False))
        begun = next(number for number in count(1) if next(items) and not scoring._has_room())
    assert begun == rows
