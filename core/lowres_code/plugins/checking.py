"""Checkers of plugins, in a process of their own: one that does not come back is ended, and costs one verdict.

The process has the rights of whoever runs the judge, for a plugin is trusted as this package is. What it is asked
about is not: a program has written the answer, perhaps to keep a regular expression busy for ever.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

from lowres_code.checkers import Checker, CheckerError, Option

CHECKER_S = 10.0  # seconds that a checker may take, by the clock
_START_S = 60.0


def in_own_process(checker: Checker) -> Checker:
    """The same checker, asked in the process that all checkers of plugins share."""

    @functools.wraps(checker.accepts)
    def accepts(expected: str, actual: str, stdin: str, **options: Option) -> bool:
        return bool(_PROCESS.ask(checker.name, (expected, actual, stdin), options))

    return Checker(checker.name, checker.meaning, accepts)


class CheckerProcess:
    """The process, started when it is first asked; for any number of threads, one after another."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._asked = 0

    def forget(self) -> None:
        """In a fork: the process belongs to the parent, which alone may ask and end it."""
        self._parents = self._process  # kept, for who lets go of one that runs is warned
        self._process, self._lock = None, threading.Lock()

    def ask(self, name: str, texts: tuple[str, str, str], options: Mapping[str, Option]) -> object:
        """What a checker says.

        Raises:
            ValueError: it refuses the expected answer or the options.
            CheckerError: it fails, or takes longer than `CHECKER_S`.
        """
        with self._lock:
            reply = self._reply(name, {"name": name, "texts": texts, "options": dict(options)})
        if "refused" in reply:
            raise ValueError(reply["refused"])
        if "failed" in reply:
            raise CheckerError(f"checker {name!r} fails: {reply['failed']}")
        return reply["said"]

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def _reply(self, name: str, request: Mapping[str, object]) -> dict[str, Any]:
        try:
            return self._exchanged(self._started(), request)
        except BaseException as error:  # also Ctrl-C: an answer that is not waited for must not be taken for the next
            self.close()
            if isinstance(error, TimeoutError):
                raise CheckerError(f"checker {name!r} fails: it took over {CHECKER_S:g} s") from error
            if isinstance(error, OSError | EOFError):
                raise CheckerError(f"checker {name!r} fails: its process has ended ({error})") from error
            raise

    def _exchanged(self, process: subprocess.Popen[bytes], request: Mapping[str, object]) -> dict[str, Any]:
        """Raises `EOFError` if what comes is not the answer to this."""
        assert process.stdin is not None
        self._asked += 1
        process.stdin.write(json.dumps({**request, "id": self._asked}).encode() + b"\n")
        process.stdin.flush()
        line = self._line(process, CHECKER_S)
        try:
            reply: dict[str, Any] = json.loads(line)
            is_answer = reply["id"] == self._asked
        except (ValueError, LookupError, TypeError):  # several lines, for one
            is_answer = False
        if not is_answer:
            raise EOFError("it answers something else")
        return reply

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "lowres_code.plugins.checker_process"],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONSAFEPATH": "1"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C at the terminal is for the program that asks
            )
            self._line(self._process, _START_S)
        return self._process

    @staticmethod
    def _line(process: subprocess.Popen[bytes], seconds: float) -> bytes:
        """A line of the process's.

        Raises:
            TimeoutError: it did not come.
            EOFError: nothing will come any more.
        """
        assert process.stdout is not None
        deadline, line = time.monotonic() + seconds, b""
        poll = select.poll()
        poll.register(process.stdout, select.POLLIN)
        while not line.endswith(b"\n"):
            if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                raise TimeoutError
            data = os.read(process.stdout.fileno(), 1 << 16)
            if not data:
                raise EOFError("no answer")
            line += data
        return line


_PROCESS = CheckerProcess()
atexit.register(_PROCESS.close)
os.register_at_fork(after_in_child=_PROCESS.forget)
