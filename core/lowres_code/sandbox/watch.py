"""Watching one child from the worker: its output is drained while it runs, and it ends when it passes a limit.

What it has left running ends, too.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from pathlib import Path
from typing import NamedTuple

from lowres_code.language.base import Limits, Status, status_of_signal
from lowres_code.sandbox.system import LIMIT_SIGNALS

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_EVERY_S = 0.5  # so often the CPU time of all processes is added up


class Ended(NamedTuple):
    """How a child ended, seen from the worker."""

    wait_status: int
    stdout: bytes
    stderr: bytes
    killed_for: Status | None
    cpu_s: float
    wall_s: float
    peak_mb: float

    @property
    def exit_code(self) -> int | None:
        """The child's own, a signal's number negative; ``None`` if it was killed for a limit."""
        code = os.waitstatus_to_exitcode(self.wait_status)
        return None if self.killed_for else -code if code in LIMIT_SIGNALS else code

    def status(self, limits: Limits) -> Status:
        """The status of a program that ended without a result."""
        if os.WIFSIGNALED(self.wait_status):
            number = os.WTERMSIG(self.wait_status)
            # An interpreter that is not itself at fault has run out of C stack.
            overflow = number in (signal.SIGSEGV, signal.SIGBUS)
            return Status.MEMORY_LIMIT if overflow else status_of_signal(number, self.cpu_s, limits)
        code = os.WEXITSTATUS(self.wait_status)
        if code in LIMIT_SIGNALS:
            return status_of_signal(code, self.cpu_s, limits)
        return Status.NO_ANSWER if code == 0 else Status.RUNTIME_ERROR


class _Output:
    """What a program prints, kept up to a limit."""

    def __init__(self, descriptors: tuple[int, int], most: int) -> None:
        self._most = most
        self._length = 0
        self._taken = {descriptor: bytearray() for descriptor in descriptors}
        for descriptor in descriptors:
            os.set_blocking(descriptor, False)

    @property
    def overflows(self) -> bool:
        return self._length > self._most

    def read(self, descriptor: int) -> bool:
        """Take what is there; ``False`` when nothing is, or nothing will ever be again."""
        try:
            data = os.read(descriptor, 1 << 16)
        except BlockingIOError:
            return False
        self._taken[descriptor] += data
        self._length += len(data)
        return data != b""

    def read_rest(self) -> None:
        for descriptor in self._taken:
            while not self.overflows and self.read(descriptor):
                pass

    def texts(self) -> tuple[bytes, bytes]:
        """Standard output and standard error, together no longer than the limit; what is cut is the latter."""
        out, err = map(bytes, self._taken.values())
        return out[: self._most], err[: max(0, self._most - len(out))]


class _ProcessTimes:
    """CPU seconds of all processes of a program: it may keep its children out of its own account.

    What this worker sees in ``/proc`` is itself, the first process of its namespace, and the program's.
    """

    def __init__(self, at_most: float, now: float) -> None:
        self._at_most = at_most
        self._looked = now
        self._ticks: dict[tuple[str, bytes], int] = {}

    def over(self) -> bool:
        """Whether processes that are or have been seen took more; looks at them every half second."""
        if time.monotonic() - self._looked >= _EVERY_S:
            self._looked = time.monotonic()
            for stat in Path("/proc").glob("[0-9]*/stat"):
                if stat.parent.name not in ("1", str(os.getpid())):
                    self._look_at(stat)
        return self.seen > self._at_most

    @property
    def seen(self) -> float:
        """What it has seen until it looked last."""
        return sum(self._ticks.values()) / _TICKS_A_SECOND

    def _look_at(self, stat: Path) -> None:
        with contextlib.suppress(OSError):  # it has just ended
            fields = stat.read_bytes().rpartition(b")")[2].split()  # from the third on; see proc(5)
            self._ticks[stat.parent.name, fields[19]] = int(fields[11]) + int(fields[12])


def watch(child: int, streams: tuple[int, int], limits: Limits, counted: bool) -> Ended:
    """Drain the child's output until it ends; kill it when it passes the output or the wall limit.

    Args:
        child: the first process of the program.
        streams: what it prints to.
        limits: its limits.
        counted: whether ``/proc`` shows this worker the program's processes and no others, so that their CPU time can
            be added up.
    """
    started = time.monotonic()
    output = _Output(streams, limits.output_kb * 1024)
    times = _ProcessTimes(limits.cpu_s + 1, started) if counted else None
    killed_for = _wait(child, streams, output, started + limits.wall_s, times)
    if killed_for or not counted:  # in a process namespace all are gone with the first
        _kill(child)
    _, wait_status, used = os.wait4(child, 0)
    output.read_rest()
    stdout, stderr = output.texts()
    return Ended(
        wait_status,
        stdout,
        stderr,
        Status.OUTPUT_LIMIT if output.overflows else killed_for,
        round(max(used.ru_utime + used.ru_stime, times.seen if times else 0.0), 4),
        round(time.monotonic() - started, 4),
        round(used.ru_maxrss / 1024, 1),
    )


def _wait(
    child: int, streams: tuple[int, int], output: _Output, deadline: float, times: _ProcessTimes | None
) -> Status | None:
    """Until the child ends (``None``) or must be ended."""
    pidfd = os.pidfd_open(child)
    try:
        poll = select.poll()
        for descriptor in (pidfd, *streams):
            poll.register(descriptor, select.POLLIN)
        while True:
            left = deadline - time.monotonic()
            ready = poll.poll(max(0.0, min(left, _EVERY_S)) * 1000)
            ended = False
            for descriptor, _ in ready:
                if descriptor == pidfd:
                    ended = True
                elif not output.read(descriptor):
                    poll.unregister(descriptor)
            if output.overflows:
                return Status.OUTPUT_LIMIT
            if ended:
                return None
            if time.monotonic() >= deadline or (times and times.over()):
                return Status.TIMEOUT
    finally:
        os.close(pidfd)


def _kill(child: int) -> None:
    """Kill a child of ours that nobody has reaped yet, and its process group."""
    for signal_to in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            signal_to(child, signal.SIGKILL)


def kill_orphans(rounds: int = 200) -> bool:
    """Kill what a program has left running; such processes have become this worker's children.

    Returns:
        ``False`` if some are still there after ``rounds`` tries.
    """
    for attempt in range(rounds):
        for orphan in _children():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(orphan, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return True
        time.sleep(0.001 if attempt < 20 else 0.01)
    return False


def _children() -> list[int]:
    me = os.getpid()
    try:
        return [int(child) for child in Path(f"/proc/{me}/task/{me}/children").read_text().split()]
    except OSError:  # a kernel without this file: the worker retires instead
        return []
