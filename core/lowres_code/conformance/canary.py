"""Things outside the isolation that a program must not reach: a file, a variable, a port. Made for one verification."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(slots=True)
class Canary:
    """The secret, and where it lies.

    Attributes:
        secret: text that no program must ever see.
        file: in the user's home, if that can be written to; holds the secret, and must stay as it is.
        variable: of this process's environment; its value is the secret.
        listener: a socket of this machine that nobody must call.
        process: the number of a process that nobody must be able to signal.
    """

    secret: str
    file: Path
    variable: str
    listener: socket.socket
    process: int

    @property
    def port(self) -> int:
        """Of the listener."""
        return int(self.listener.getsockname()[1])

    def fill(self, program: str) -> str:
        """A snippet with this canary's path, port and variable in their places."""
        values = {"@PATH@": str(self.file), "@PORT@": str(self.port), "@VARIABLE@": self.variable}
        for mark, value in values.items():
            program = program.replace(mark, value)
        return program

    def untouched(self) -> bool:
        """Whether the file still holds the secret and nothing else."""
        try:
            return self.file.read_text(encoding="utf-8") == self.secret
        except (OSError, UnicodeDecodeError):
            return False

    def called(self) -> bool:
        """Whether anybody has called the port since this was last asked."""
        called = False
        with contextlib.suppress(BlockingIOError):
            while True:
                self.listener.accept()[0].close()
                called = True
        return called


@contextmanager
def _waiting() -> Iterator[int]:
    """A process that does nothing. Not this one: in a container it may have the number that each program has."""
    with subprocess.Popen(["sleep", "infinity"]) as process:
        try:
            yield process.pid
        finally:
            process.kill()


@contextmanager
def canary() -> Iterator[Canary]:
    """A canary that is gone at the end of ``with``."""
    secret = f"canary-{secrets.token_hex(8)}"
    variable = f"LOWRES_CODE_{secret.replace('-', '_').upper()}"
    home = Path.home() if os.access(Path.home(), os.W_OK) else Path(tempfile.gettempdir())
    file = home / f".{secret}"
    with socket.create_server(("127.0.0.1", 0)) as listener, _waiting() as process:
        listener.setblocking(False)
        os.environ[variable] = secret
        try:
            file.write_text(secret, encoding="utf-8")
            yield Canary(secret, file, variable, listener, process)
        finally:
            os.environ.pop(variable, None)
            file.unlink(missing_ok=True)
