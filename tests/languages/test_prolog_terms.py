"""Terms that are read without Prolog are those that SWI-Prolog reads."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import PROLOG

SCRIPT = Path(__file__).with_name("random_terms.pl")


@pytest.mark.skipif(not shutil.which("swipl"), reason="needs SWI-Prolog (swipl)")
def test_random_terms_in_random_spellings_are_the_same_where_swi_prolog_says_so() -> None:
    done = subprocess.run(
        ["swipl", str(SCRIPT)], capture_output=True, env={"LANG": "C.UTF-8", "PATH": "/usr/bin:/bin"}, check=True
    )
    pairs = [record.split("\x1f") for record in done.stdout.decode().split("\x1e")[:-1]]
    wrong = [pair for pair in pairs if PROLOG.compare(pair[0], pair[1]) != (pair[2] == "same")]
    assert sum(verdict == "same" and left != right for left, right, verdict in pairs) > 400
    assert sum(verdict == "different" for _, _, verdict in pairs) > 400
    assert wrong == []
