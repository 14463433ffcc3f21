"""Every gold answer of GSM8K, where its files are."""

from __future__ import annotations

import json
import re

import pytest
from lowres_code.answers import same_answer

from tests.conftest import SHARED
from tests.unit.test_columns import from_file

GSM8K = SHARED / "gsm8k"


@pytest.mark.skipif(not GSM8K.is_dir(), reason="no shared/data/gsm8k beside the project")
@pytest.mark.parametrize(("name", "size", "commas"), [("train", 7473, 79), ("test", 1319, 14)])
def test_every_gold_of_gsm8k_is_read(name: str, size: int, commas: int) -> None:
    """Counted in the files by other means: problems, and golds that hold a comma."""
    found = from_file(GSM8K / f"{name}.jsonl", answer_after="####")
    golds = [str(problem.tests[0].expected) for problem in found]
    assert len(found) == size
    assert all(re.fullmatch(r"-?[0-9]+(,[0-9]{3})*(\.[0-9]+)?", gold) for gold in golds)
    assert sum("," in gold for gold in golds) == commas
    lines = (GSM8K / f"{name}.jsonl").read_text().splitlines()
    plain = sorted(json.loads(line)["answer"].split("\n#### ")[1] for line in lines)
    assert sorted(golds) == plain
    assert all(same_answer(gold, gold.replace(",", "")) for gold in golds)
    by_pattern = from_file(GSM8K / f"{name}.jsonl", answer_pattern="#### (.*)")
    assert by_pattern == found
