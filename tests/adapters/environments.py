"""Environments in which other people's tools are really installed, each in the version that docs/adapters.md names.

They are made anew for each run of the tests, unless ``LOWRES_CODE_TOOLS`` names a folder in which they are kept.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import tomli

from tests.conftest import ROOT
from tests.scratch import scratch_environment

VERSIONS = {
    "inspect-ai": "0.3.285",
    "lm-eval": "0.4.13",
    "nemo-gym": "0.4.0",
    "openenv": "0.10.0",
    "verifiers": "0.4.0",
    "verl": "0.9.1",
}
BESIDE = {"lm-eval": ["tenacity", "aiohttp", "tiktoken"], "verifiers": ["uv"]}  # what the way that is tried needs
NOT_FOR_JUDGING = ("torch", "transformers", "trl", "peft", "datasets", "reasoning-gym")


@dataclass(frozen=True)
class Environment:
    """Where a tool is installed."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def run(self, *words: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the environment; it finds the modules beside this one."""
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        own = {"PATH": path, "PYTHONPATH": str(Path(__file__).parent), "OPENAI_API_KEY": "none", **environment}
        done = subprocess.run(
            [*map(str, words)], cwd=cwd, env={**os.environ, **own}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{words}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return done

    def script(self, name: str, *words: str, cwd: Path) -> str:
        """The last line that a script prints."""
        file = Path(__file__).parent / "scripts" / name
        return self.run(self.python, file, *words, cwd=cwd).stdout.splitlines()[-1]


def environment_of(tool: str, scratch: Path) -> Environment:
    """The environment of a tool, made if need be; the test fails if it cannot be installed."""
    kept = os.environ.get("LOWRES_CODE_TOOLS")
    folder = (Path(kept).resolve() if kept else scratch) / f"{tool}-{VERSIONS[tool]}"
    made = Environment(folder)
    if not (folder / "whole").exists():
        shutil.rmtree(folder, ignore_errors=True)
        _make(tool, made)
        (folder / "whole").touch()
    asked = f"from importlib.metadata import version; print(version({tool!r}))"
    found = made.run(made.python, "-c", asked, cwd=folder).stdout.strip()
    print(tool, found)
    assert found == VERSIONS[tool]
    return made


def _make(tool: str, made: Environment) -> None:
    wanted = [f"{tool}=={VERSIONS[tool]}", *BESIDE.get(tool, [])]
    if tool != "nemo-gym":
        scratch_environment(made.folder)
        return _install(made, *wanted)
    subprocess.run([_newer_python(), "-m", "venv", made.folder], check=True)
    project = tomli.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    _install(made, *wanted, *(one for one in project if not one.startswith(NOT_FOR_JUDGING)))
    return _install(made, "--no-deps", "--editable", str(ROOT))


def _install(made: Environment, *words: str) -> None:
    made.run(made.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *words, cwd=made.folder)


def _newer_python() -> str:
    """A Python that NeMo Gym can be installed in."""
    for python in (sys.executable, "python3.12", "python3.13"):
        asked = [python, "-c", "import sys, venv; sys.exit(sys.version_info < (3, 12))"]
        if shutil.which(python) and not subprocess.run(asked, capture_output=True, check=False).returncode:
            return python
    pytest.skip("NeMo Gym needs Python 3.12 or later, and none is on the path")
