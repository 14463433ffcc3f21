"""A virtual environment of its own that sees what is installed here: packages are tried in it without a network."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

COMMANDS = {"pip": "pip", "pytest": "pytest", "lowres-code": "lowres_code"}


def scratch_environment(folder: Path, python: str = sys.executable) -> Path:
    """Make one; the folder of its commands, which are Python modules of here run by its own python."""
    subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True)
    (own,) = folder.glob("lib/python*/site-packages")
    # As if what is here were installed in editable mode: a worker, too, looks where such files say.
    (own / "__editable__.here.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
    for command, module in COMMANDS.items():
        script = folder / "bin" / command
        script.write_text(f'#!/bin/sh\nexec {folder}/bin/python -m {module} "$@"\n')
        script.chmod(0o755)
    return folder / "bin"
