"""A backend for conformance checks that runs what no language needs to bring: hostile programs in Python, by name.

It runs in the same isolation as the language that is verified: the same isolation, the same files to read, the same
environment.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lowres_code.language.base import Diagnostic, Execution, Language, Limits, Status
from lowres_code.problem import Test


@dataclass
class Probe(Language):
    """A program is the name of a probe and its argument: ``"read /etc/passwd"``."""

    name: str = "probe"
    title: str = "Probe"
    suffix: str = ".txt"
    fences: tuple[str, ...] = ()
    guidance: str = ""
    forks: bool = True
    reads: tuple[Path, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def like(cls, language: Language) -> Probe:
        """A probe in the isolation of a language."""
        return cls(forks=language.forks, reads=language.read_only_paths(), variables=dict(language.environment()))

    def check_syntax(self, program: str) -> tuple[Diagnostic, ...]:
        """Nothing is looked for."""
        return ()

    def execute(self, program: str, test: Test, limits: Limits) -> Execution:
        """Run the probe; its answer is what it has seen."""
        name, _, argument = program.partition(" ")
        return Execution(Status.OK, answer=PROBES[name](argument))

    def read_only_paths(self) -> tuple[Path, ...]:
        """The language's."""
        return self.reads

    def environment(self) -> Mapping[str, str]:
        """The language's."""
        return self.variables


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "refused"


def _write(path: str) -> str:
    try:
        Path(path).write_text("the probe was here", encoding="utf-8")
    except OSError:
        return "refused"
    return "written"


def _connect(port: str) -> str:
    try:
        with socket.socket() as caller:
            caller.connect(("127.0.0.1", int(port)))
    except OSError:
        return "refused"
    return "connected"


def _variable(name: str) -> str:
    """Of this process, and of all that it can see."""
    if name in os.environ:
        return "seen"
    others = Path("/proc").glob("[0-9]*/environ")
    return "seen" if any(name in _read(str(file)) for file in others) else "unseen"


def _signal(process: str) -> str:
    try:
        os.kill(int(process), 0)
    except OSError:
        return "refused"
    return "reached"


FOLDERS = (".", "..", "/tmp", "/var/tmp", "/dev/shm", "/run")  # where programs could leave something


def _state(name: str) -> str:
    """Whether something that this probe leaves behind was there already."""
    before = any(Path(folder, name).exists() for folder in FOLDERS)
    for folder in FOLDERS:
        _write(f"{folder}/{name}")
    return "seen" if before else "clean"


def forget_state(name: str) -> None:
    """Remove, from outside, what the probe ``state`` has left where the isolation did not hold."""
    for folder in FOLDERS[2:]:
        with contextlib.suppress(OSError):
            Path(folder, name).unlink()


def _fork(argument: str) -> str:
    """More processes than any program may have, all at once."""
    for _ in range(int(argument)):
        try:
            child = os.fork()
        except OSError:
            return "stopped"
        if child == 0:
            time.sleep(10)
            os._exit(0)
    return "not stopped"


def _memory(_: str) -> str:
    kept = []
    while True:
        kept.append(bytes(1 << 24))  # never touched: the limit is reached at once, on the slowest machine too


def _flood(_: str) -> str:
    while True:
        os.write(1, b"spam " * 1000)


def _loop(_: str) -> str:
    while True:
        pass


def _sleep(_: str) -> str:
    time.sleep(3600)
    return "awake"


def _close(_: str) -> str:
    """Every descriptor that there is."""
    os.closerange(0, 256)
    return "closed"


def _bytes(_: str) -> str:
    os.write(1, b"\xff\xfe\x00")
    return "written"


PROBES: Mapping[str, Callable[[str], str]] = {
    "read": _read,
    "write": _write,
    "connect": _connect,
    "variable": _variable,
    "signal": _signal,
    "state": _state,
    "fork": _fork,
    "memory": _memory,
    "flood": _flood,
    "loop": _loop,
    "sleep": _sleep,
    "close": _close,
    "bytes": _bytes,
}
