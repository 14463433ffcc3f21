"""A worker: loads an interpreter once, then forks a child for each program.

Runs as ``python -m lowres_code.sandbox.worker MODULE:CLASS WARM_UP LAYER SCRATCH`` inside its isolation, without
torch or numpy. It reads one JSON request a line on standard input and writes one JSON reply a line; when the input
ends, so does it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import importlib
import json
import os
import selectors
import signal
import sys
import time
from pathlib import Path
from typing import Any, BinaryIO

from lowres_code.language import Diagnostic, EmbeddedLanguage, Execution, Limits, Status
from lowres_code.sandbox.child import ResultMemory, answer, become_subreaper, confine, hide_from_children

_MAX_LINE = 64 * 2**20


@dataclasses.dataclass(slots=True)
class Ended:
    """How a child ended, seen from the worker."""

    wait_status: int
    stdout: bytes
    stderr: bytes
    killed_for: Status | None
    cpu_s: float
    wall_s: float
    peak_mb: float


class Worker:
    """Runs programs one after another, each in a forked child."""

    def __init__(self, language: EmbeddedLanguage, layer: str, root: Path) -> None:
        """Root: an empty directory in which each program in turn gets its scratch directory."""
        self._language = language
        self._layer = layer
        self._root = root
        self._memory = ResultMemory(16 * 2**20)

    def serve(self, requests: BinaryIO, replies: BinaryIO) -> None:
        """Answer requests until they end, or until a program has left processes behind.

        Such a worker says ``"retire": true`` and ends; with it, in the layer ``namespaces``, all processes end.
        """
        private = (requests.fileno(), replies.fileno())
        retire = False
        while not retire and (line := requests.readline(_MAX_LINE)):
            request = json.loads(line)
            reply = {"id": request.pop("id"), **self._run(request, private)}
            retire = not _kill_orphans()
            replies.write(json.dumps({**reply, "retire": retire}).encode() + b"\n")
            replies.flush()

    def _run(self, request: dict[str, Any], private: tuple[int, ...]) -> dict[str, Any]:
        limits = Limits(**request["limits"])
        scratch = self._root / "program"  # the same for every program, so that messages are the same
        _empty(self._root)
        scratch.mkdir(mode=0o700)
        self._memory.clear()
        stdin = _stdin_file(request["test"]["stdin"])
        out_read, out_write = os.pipe()
        err_read, err_write = os.pipe()
        child = os.fork()
        if child == 0:
            theirs = (stdin, out_write, err_write)
            self._become_program(request, limits, scratch, theirs, (*private, out_read, err_read))
        for descriptor in (stdin, out_write, err_write):
            os.close(descriptor)
        try:
            ended = _watch(child, (out_read, err_read), limits)
        finally:
            os.close(out_read)
            os.close(err_read)
            _empty(self._root)
        return self._execution(ended, limits)

    def _become_program(
        self, request: dict[str, Any], limits: Limits, scratch: Path, streams: tuple[int, ...], close: tuple[int, ...]
    ) -> None:
        """In the child: never returns."""
        code = 1
        try:
            for target, descriptor in enumerate(streams):
                os.dup2(descriptor, target)
            for descriptor in (*close, *streams):
                os.close(descriptor)
            os.chdir(scratch)
            confine(limits, 4 * len(request["program"]))
            result = answer(self._language, request, limits)
            code = 0 if self._memory.write(result) else 111
        except BaseException as error:  # nothing of the program has run yet: this is the judge's own failure
            failure = Execution(Status.INFRA_ERROR, diagnostics=(Diagnostic(f"before the program: {error!r}"),))
            self._memory.write(dataclasses.asdict(failure))
        finally:
            os._exit(code)

    def _execution(self, ended: Ended, limits: Limits) -> dict[str, Any]:
        result = self._memory.read() or {"status": None, "answer": None, "diagnostics": []}
        forced = ended.killed_for or (None if result["status"] else _status_of_death(ended, limits))
        if forced:
            result |= {"status": forced.value, "answer": None}
        return result | {
            "stdout": ended.stdout.decode("utf-8", "replace"),
            "stderr": ended.stderr.decode("utf-8", "replace"),
            "cpu_s": ended.cpu_s,
            "wall_s": ended.wall_s,
            "peak_mb": ended.peak_mb,
            "isolation": self._layer,
        }


def _status_of_death(ended: Ended, limits: Limits) -> Status:
    """The status of a program that ended without a result."""
    if not os.WIFSIGNALED(ended.wait_status):
        return Status.NO_ANSWER if os.WEXITSTATUS(ended.wait_status) == 0 else Status.RUNTIME_ERROR
    number = os.WTERMSIG(ended.wait_status)
    if number == signal.SIGXCPU or (number == signal.SIGKILL and ended.cpu_s >= limits.cpu_s):
        return Status.TIMEOUT
    if number == signal.SIGXFSZ:
        return Status.OUTPUT_LIMIT
    if number in (signal.SIGABRT, signal.SIGBUS):  # how allocators give up
        return Status.MEMORY_LIMIT
    return Status.RUNTIME_ERROR


class _Output:
    """What a program prints, kept up to a limit."""

    def __init__(self, descriptors: tuple[int, int], room: int) -> None:
        self._room = room
        self.taken = {descriptor: bytearray() for descriptor in descriptors}
        for descriptor in descriptors:
            os.set_blocking(descriptor, False)

    @property
    def overflows(self) -> bool:
        return sum(map(len, self.taken.values())) > self._room

    def read(self, descriptor: int) -> bool:
        """Take what is there; ``False`` when nothing is, or nothing will ever be again."""
        try:
            data = os.read(descriptor, 1 << 16)
        except BlockingIOError:
            return False
        self.taken[descriptor] += data
        return bool(data)

    def read_rest(self) -> None:
        for descriptor in self.taken:
            while not self.overflows and self.read(descriptor):
                pass

    def texts(self) -> tuple[bytes, bytes]:
        out, err = (bytes(data[: self._room]) for data in self.taken.values())
        return out, err


def _watch(child: int, streams: tuple[int, int], limits: Limits) -> Ended:
    """Drain the child's output until it ends; kill it when it passes the output or the wall limit."""
    started = time.monotonic()
    output = _Output(streams, limits.output_kb * 1024)
    killed_for = _wait(child, output, started + limits.wall_s)
    _kill(child)
    _, wait_status, used = os.wait4(child, 0)
    output.read_rest()
    stdout, stderr = output.texts()
    return Ended(
        wait_status=wait_status,
        stdout=stdout,
        stderr=stderr,
        killed_for=Status.OUTPUT_LIMIT if output.overflows else killed_for,
        cpu_s=round(used.ru_utime + used.ru_stime, 4),
        wall_s=round(time.monotonic() - started, 4),
        peak_mb=round(used.ru_maxrss / 1024, 1),
    )


def _wait(child: int, output: _Output, deadline: float) -> Status | None:
    """Until the child ends (``None``) or must be ended."""
    pidfd = os.pidfd_open(child)
    try:
        with selectors.DefaultSelector() as selector:
            for descriptor in (pidfd, *output.taken):
                selector.register(descriptor, selectors.EVENT_READ)
            while True:
                ready = {key.fd for key, _ in selector.select(max(0.0, deadline - time.monotonic()))}
                for descriptor in ready - {pidfd}:
                    if not output.read(descriptor):
                        selector.unregister(descriptor)
                if output.overflows:
                    return Status.OUTPUT_LIMIT
                if pidfd in ready:
                    return None
                if not ready:
                    return Status.TIMEOUT
    finally:
        os.close(pidfd)


def _kill(child: int) -> None:
    """Kill a child of ours that nobody has reaped yet, and its process group."""
    for signal_to in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            signal_to(child, signal.SIGKILL)


def _kill_orphans(rounds: int = 200) -> bool:
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


def _stdin_file(text: str) -> int:
    descriptor = os.memfd_create("stdin")
    os.write(descriptor, text.encode("utf-8", "surrogatepass"))
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _empty(folder: Path) -> None:
    """Remove all that is in a folder, whatever rights a program has taken from its parts."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o700)
            _empty(path)
            path.rmdir()
        else:
            path.unlink()


def main() -> None:
    """Serve on standard input and output; programs get neither."""
    specification, warm_up, layer, root = sys.argv[1:]
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    become_subreaper()
    hide_from_children()
    module, _, name = specification.partition(":")
    language: EmbeddedLanguage = getattr(importlib.import_module(module), name)()
    language.load(warm_up)
    gc.freeze()  # forked children must not touch, and so copy, every page at a collection
    worker = Worker(language, layer, Path(root))
    replies.write(b'{"ready": true}\n')
    replies.flush()
    worker.serve(requests, replies)


if __name__ == "__main__":
    main()
