"""Commands run by an ordinary user, also where the tests are run by root, whom some limits do not hold."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scratch import scratch_environment

USER = 54_321  # nobody's


def lowres_code_of_an_ordinary_user(folder: Path) -> list[str]:
    """The words that run ``lowres-code`` so, in an environment that is made in ``folder``.

    For root it is run by another user, with a Python that this user can run; where there is none, the test is skipped.
    """
    if os.geteuid() != 0:
        return [sys.executable, "-m", "lowres_code"]
    folder.chmod(0o755)
    who = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "env", f"HOME={folder}"]
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    for number, python in enumerate(filter(None, (sys.executable, shutil.which(f"python{version}", path="/usr/bin")))):
        own = scratch_environment(folder / str(number), python) / "python"
        probe = "import subprocess, sys, lowres_code.judge; subprocess.run([sys.executable, '-c', ''], check=True)"
        if subprocess.run([*who, own, "-c", probe], capture_output=True, check=False).returncode == 0:
            return [*who, str(own), "-m", "lowres_code"]
    pytest.skip(f"no Python {version} here that another user can run")
