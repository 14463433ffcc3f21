"""Commands where a user may not write: told in a line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest


@pytest.fixture
def unprivileged() -> list[str]:
    """What runs a command as a user who may not write everywhere."""
    if os.getuid() != 0:
        return []
    if not shutil.which("setpriv"):
        pytest.skip("needs setpriv (util-linux), since this is root")
    prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    if subprocess.run(
        [*prefix, sys.executable, "-c", "import lowres_code"], check=False, capture_output=True
    ).returncode:
        pytest.skip("other users cannot read this source tree")
    return prefix


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["train", "--lang", "python", "--recipe", "quickstart"], "cannot write in '{here}': choose another folder"),
        (["train", "--lang", "python", "--recipe", "quickstart", "--out", "run"], "cannot write in '{here}'"),
        (["train", "--lang", "python", "--recipe", "hidden/r.toml"], "Permission denied"),
        (["train", "--resume", "hidden/run"], "Permission denied"),
        (["report", "hidden/run"], "Permission denied"),
        (["recipe", "show", "hidden/r.toml"], "Permission denied"),
        (["lang", "show", "hidden/l.toml"], "Permission denied"),
        (["lang", "new", "x1"], "Permission denied"),
        (["run", "hidden/p.py", "--lang", "python"], "Permission denied"),
        (["report", ".", "--out", "page.html"], "cannot write 'page.html': Permission denied"),
        (["eval", "pocket", "--lang", "python", "--out", "e"], "'e' cannot hold an evaluation: Permission denied"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_folder_that_is_somebody_elses(arguments: list[str], said: str, unprivileged: list[str]) -> None:
    with tempfile.TemporaryDirectory() as here:
        (Path(here) / "hidden").mkdir(mode=0)
        Path(here).chmod(0o555)
        command = [*unprivileged, sys.executable, "-m", "lowres_code", *arguments]
        done = subprocess.run(command, cwd=here, capture_output=True, text=True, check=False)
        Path(here).chmod(0o755)
    assert said.format(here=here) in done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode in {1, 2}
