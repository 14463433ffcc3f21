"""What `make setup` does on machines that lack things. Python and apt-get are stand-ins that write down their calls."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOOLS = ("sh", "env", "rm", "mkdir", "touch", "chmod", "cp", "dirname", "cat")
PYTHON = """#!/bin/sh
case "$*" in *"-m venv"*) mkdir -p .venv/bin; cp "$0" .venv/bin/python; cp "$0" .venv/bin/pip;; esac
echo "$(dirname "$0")/python $*" >> calls
"""

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


class Machine:
    """A copy of the Makefile, and a folder with all the commands that there are."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.bin = folder / "project", folder / "bin"
        for path in (self.folder, self.bin):
            path.mkdir()
        for name in ("Makefile", "pyproject.toml"):
            shutil.copy(ROOT / name, self.folder)
        for name in TOOLS:
            (self.bin / name).symlink_to(str(shutil.which(name)))
        self.add("python3", PYTHON)

    def add(self, name: str, script: str = "#!/bin/sh\n") -> None:
        (self.bin / name).write_text(script)
        (self.bin / name).chmod(0o755)

    def make(self, target: str) -> subprocess.CompletedProcess[str]:
        command = [str(shutil.which("make")), target, "TORCH=torch"]
        environment = {**os.environ, "PATH": str(self.bin), "MAKEFLAGS": "", "MAKELEVEL": "0"}
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    def calls(self) -> str:
        return (self.folder / "calls").read_text()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    machine.add("id", "#!/bin/sh\necho 1000\n")
    return machine


def test_without_bubblewrap_and_sudo_the_rest_is_set_up_and_what_is_missing_is_said(machine: Machine) -> None:
    machine.add("apt-get", "#!/bin/sh\necho apt-get $* >> calls\n")
    machine.add("swipl")
    done = machine.make("setup")
    assert done.returncode == 0, done.stderr
    assert "missing: bubblewrap; there is no sudo here: run as root: apt-get install bubblewrap" in done.stdout
    assert (machine.folder / ".venv" / ".ready").is_file()
    assert "install -qq --disable-pip-version-check -e ." in machine.calls()
    assert "apt-get" not in machine.calls()


def test_the_tests_need_all(machine: Machine) -> None:
    done = machine.make("toolchains")
    assert done.returncode != 0
    assert "missing: swi-prolog-nox bubblewrap sbcl lua5.4" in done.stdout


def test_without_apt_get_the_rest_is_set_up(machine: Machine) -> None:
    done = machine.make("setup")
    assert done.returncode == 0, done.stderr
    assert "missing: swi-prolog-nox bubblewrap; there is no apt-get here" in done.stdout
    assert (machine.folder / ".venv" / ".ready").is_file()


def test_what_cannot_be_installed_is_said_and_the_rest_is_set_up(machine: Machine) -> None:
    machine.add("id", "#!/bin/sh\necho 0\n")
    machine.add("apt-get", "#!/bin/sh\necho apt-get $* >> calls\necho no network\nexit 100\n")
    done = machine.make("setup")
    assert done.returncode == 0, done.stderr
    assert "missing: swi-prolog-nox bubblewrap; they cannot be installed (see .system.log" in done.stdout
    assert (machine.folder / ".system.log").read_text() == "no network\n"
    assert (machine.folder / ".venv" / ".ready").is_file()


def test_what_is_missing_is_installed_through_sudo_and_only_that(machine: Machine) -> None:
    machine.add("sudo", '#!/bin/sh\necho sudo >> calls\nexec "$@"\n')
    machine.add("apt-get", "#!/bin/sh\necho apt-get $* >> calls\n")
    machine.add("swipl")
    done = machine.make("setup")
    assert (done.returncode, "missing:" in done.stdout) == (0, False), done.stdout
    assert "sudo\napt-get install -y -q --no-install-recommends bubblewrap\n" in machine.calls()
    machine.add("bwrap")
    (machine.folder / "calls").unlink()
    machine.make("setup")
    assert "apt-get" not in machine.calls()
