"""Threads: of a user, where a program has none of its own and the kernel counts them with it; of a worker's Python."""

from __future__ import annotations

import contextlib
import os
import re
import threading
import time

_FOUND = re.compile(rb"\nUid:\t(\d+)[^\0]*?\nThreads:\t(\d+)")


class ThreadCount:
    """The threads of this process's real user, its own among them; looked at again when that is some time ago."""

    def __init__(self, every_s: float) -> None:
        """every_s: a look takes some milliseconds, for it reads a file of each process on the machine."""
        self._every_s = every_s
        self._looked = -every_s
        self._threads = 0

    def now(self) -> int:
        """As they are, or were at the last look."""
        if time.monotonic() - self._looked >= self._every_s:
            self._threads, self._looked = threads_of(os.getuid()), time.monotonic()
        return self._threads


def must_have_one() -> None:
    """See that Python has one thread here: a fork has no other, and would wait for ever for what another holds.

    Raises:
        RuntimeError: it has more.
    """
    if others := [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]:
        raise RuntimeError(
            f"load() has left threads of Python running, which a fork has not and may wait for: {', '.join(others)}"
        )


def threads_of(user: int) -> int:
    """Threads of all processes whose real user this is."""
    threads = 0
    for process in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):  # it has just ended
            found = _FOUND.search(_read(f"/proc/{process}/status"))
            threads += int(found[2]) if found and int(found[1]) == user else 0
    return threads


def _read(path: str) -> bytes:
    file = os.open(path, os.O_RDONLY)
    try:
        return os.read(file, 4096)
    finally:
        os.close(file)
