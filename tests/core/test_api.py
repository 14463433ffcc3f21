from __future__ import annotations

import shutil

import lowres_code
import pytest


@pytest.mark.skipif(not shutil.which("bwrap"), reason="needs bubblewrap (bwrap)")
def test_a_judge_of_a_language_by_its_name_judges() -> None:
    with lowres_code.Judge("python", workers=1) as judge:
        problems = [lowres_code.Problem("a", "q", (lowres_code.Test("42"),))] * 2
        judged = judge.judge(["<code>\nprint(6 * 7)\n</code>", "<code>\nprint(6 + 7)\n</code>"], problems)
        assert [judgement.verdict for judgement in judged] == ["correct", "wrong_answer"]
