"""One worker, seen from outside: starts it, asks it, replaces it when it dies or hangs."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import os
import secrets
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

from lowres_code.errors import JudgeError, UsageError
from lowres_code.language.base import LIMIT_BOUNDS, Diagnostic, Execution, Language, Limits, Status
from lowres_code.language.messages import failure_said
from lowres_code.problem import Test
from lowres_code.sandbox import frames
from lowres_code.sandbox.isolation import SCRATCH, SYSTEM, Isolation, programs_need_a_user, wrap
from lowres_code.sandbox.packages import import_roots, is_hidden, python_folders, without_hidden
from lowres_code.sandbox.results import result_of
from lowres_code.sandbox.runner import Ask
from lowres_code.sandbox.scratch import empty
from lowres_code.sandbox.startup import WorkerConfig

LONGEST_PROGRAM = 32 * 2**20  # bytes; half of the scratch directory
_START_S = 60.0
_GRACE_S = 10.0


_STATUSES = tuple(Status)


@functools.lru_cache(64)
def _head(ask: Ask, limits: Limits) -> bytes:
    return json.dumps([ask, {name: getattr(limits, name) for name in LIMIT_BOUNDS}]).encode()


class WorkerGoneError(Exception):
    """The worker ended or did not answer in time."""


class WorkerClient:
    """A worker process and the pipe to it. Not thread-safe: one request at a time."""

    def __init__(self, language: Language, isolation: Isolation, warm_up: str = "") -> None:
        self._language = language
        self._isolation = isolation
        self._warm_up = warm_up
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None
        self._scratch: str | None = None
        self._unread = bytearray()
        self._closed = False

    def ask(self, ask: Ask, program: str, test: Test, limits: Limits) -> Execution:
        """One question about one program. A worker that fails is replaced and asked once more.

        Returns:
            The execution; ``infra_error`` if a fresh worker failed too.
        """
        if len(program.encode("utf-8", "surrogatepass")) > LONGEST_PROGRAM:
            long = Diagnostic(f"the program is longer than {LONGEST_PROGRAM >> 20} MB")
            return Execution(Status.MEMORY_LIMIT, diagnostics=(long,), isolation=self._isolation)
        execution = self._ask(ask, program, test, limits)
        fine = execution.status in (Status.OK, Status.INFRA_ERROR)
        if fine or ask != "execute" or not self._language.checks_failures:
            return execution
        # Whatever it did before it failed: in a new process, where nothing of it is left.
        checked = self._ask("check_syntax", program, Test(), limits)
        if checked.status is Status.INFRA_ERROR:
            return checked
        if checked.status is not Status.SYNTAX_ERROR:
            return execution
        return dataclasses.replace(execution, status=Status.SYNTAX_ERROR, diagnostics=checked.diagnostics)

    def _ask(self, ask: Ask, program: str, test: Test, limits: Limits) -> Execution:
        texts = (program, test.stdin) if test.query is None else (program, test.stdin, test.query)
        blobs = [text.encode("utf-8", "surrogatepass") for text in texts]  # no program is ever near the answer
        problem = ""
        for _ in range(2):
            if self._closed:
                break
            try:
                reply, told = self._exchange(_head(ask, limits), blobs, limits.wall_s + _GRACE_S)
                execution = self._execution(ask, limits, reply, told)
            except (WorkerGoneError, JudgeError) as gone:  # the latter: it was gone before it had started
                self._end()
                problem = str(gone)
                continue
            if execution.status is not Status.INFRA_ERROR:
                return execution
            self._end()
            problem = "; ".join(diagnostic.message for diagnostic in execution.diagnostics)
        return Execution(Status.INFRA_ERROR, diagnostics=(Diagnostic(problem),), isolation=self._isolation)

    def start(self) -> None:
        """Start the worker unless it runs.

        Raises:
            UsageError: the language cannot be sent to it.
            JudgeError: it does not come up.
        """
        if self._process is not None:
            return
        try:
            config = self._launch()
        except UsageError:
            self._end()
            raise
        except OSError as error:  # no space for a file, no process to be had
            self._end()
            raise JudgeError(f"the worker for {self._language.name!r} cannot be started: {error}") from error
        try:
            self._send(config)
            self._receive(_START_S)
        except WorkerGoneError as gone:
            said = self._last_words()
            self._end()
            raise JudgeError(f"the worker for {self._language.name!r} does not start ({gone}): {said}") from gone

    def _launch(self) -> bytes:
        """Start the process; what it is to be told."""
        kind = type(self._language)
        command = [os.path.abspath(sys.executable), "-m", "lowres_code.sandbox.worker"]
        own = (kind.__module__, self._language.packages)
        environment = {"PYTHONPATH": os.pathsep.join(map(str, import_roots(*own))), **self._language.environment()}
        python = python_folders(*own)
        read_only = (*python, *self._language.read_only_paths())
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
        root = str(SCRATCH)
        if self._isolation != "namespaces":  # no file system of its own; it may be killed, so this is ours to remove
            root = self._scratch = tempfile.mkdtemp(prefix=f"lowres-code-{os.getpid()}-")
        readable = (*without_hidden(SYSTEM + read_only), *filter(is_hidden, python))
        config = self._config(root, readable).pickled()
        self._process = subprocess.Popen(
            wrap(self._isolation, command, read_only, environment),
            env={},  # not even bubblewrap sees the user's environment
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,  # Ctrl-C at the terminal is for the program that owns the worker
        )
        return config

    def _config(self, root: str, readable: tuple[Path, ...]) -> WorkerConfig:
        user = 0
        if self._isolation == "namespaces" and programs_need_a_user():
            user = 2**30 + secrets.randbelow(2**30)  # of its own, so that only its own processes count
        # Nothing counts the processes of root's programs, or those of the isolation landlock.
        counted = self._isolation == "namespaces" and (user != 0 or os.geteuid() != 0)
        return WorkerConfig(
            language=self._language,
            warm_up=self._warm_up,
            isolation=self._isolation,
            root=root,
            readable=readable,
            user=user,
            may_fork=counted or self._language.forks,
        )

    def _execution(self, ask: Ask, limits: Limits, reply: frames.ReplyHead, blobs: list[bytes]) -> Execution:
        data, out, err = blobs
        stdout, stderr = (text.decode("utf-8", "replace") for text in (out, err))
        result = result_of(data, self._language, limits) if data else Execution(Status.RUNTIME_ERROR)
        status, answer, exit_code = result.status, result.answer, result.exit_code
        if reply.status >= 0:
            status, answer, exit_code = _STATUSES[reply.status], None, reply.exit_code if reply.has_code else None
        if ask == "execute" and status is Status.NO_ANSWER and not data and self._language.prints:
            status = Status.OK  # it has ended by itself, with exit code 0
        if ask == "execute" and status is Status.OK and answer is None:
            status, answer = (Status.OK, stdout) if stdout else (Status.NO_ANSWER, None)
        failed = bool(data and exit_code)  # a command; what is in an interpreter that dies depends on the moment
        said = failure_said(stderr, f"{self._language.stem}{self._language.suffix}") if failed else ()
        return Execution(
            status=status,
            answer=answer,
            stdout=stdout,
            stderr=stderr,
            diagnostics=(*said, *result.diagnostics),
            cpu_s=reply.cpu_s,
            wall_s=reply.wall_s,
            peak_mb=reply.peak_mb,
            isolation=self._isolation,
            exit_code=exit_code,
        )

    def close(self) -> None:
        """End the worker, and with it all that runs in it; from any thread, also while it is being asked.

        The thread that asks sees the worker's end and cleans up; call `release` once no thread asks any more.
        """
        self._closed = True
        process = self._process
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # a session of our own making, not reaped yet

    def release(self) -> None:
        """`close`, and give back what is left."""
        self._closed = True
        self._end()

    def _end(self) -> None:
        process, self._process, self._unread = self._process, None, bytearray()
        streams = [self._errors]
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # a session of our own making
            process.wait()
            streams += [process.stdin, process.stdout]
        if self._scratch is not None:
            with contextlib.suppress(OSError):  # a program may still be ending
                empty(self._scratch)
                os.rmdir(self._scratch)
            self._scratch = None
        for stream in streams:
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()

    def _exchange(self, head: bytes, texts: list[bytes], timeout_s: float) -> tuple[frames.ReplyHead, list[bytes]]:
        identity = secrets.token_bytes(16)
        self.start()
        self._send(frames.pack(head, identity, *texts))
        told, *blobs = self._receive(timeout_s)
        reply = frames.unpack_reply_head(told)
        if reply.identity != identity or self._unread:
            raise WorkerGoneError("it answered what it was not asked")
        if reply.retire:
            self._end()
        return reply, blobs

    def _send(self, data: bytes) -> None:
        assert self._process is not None and self._process.stdin is not None
        try:
            self._process.stdin.write(data)
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise WorkerGoneError("it had ended") from error

    def _receive(self, timeout_s: float) -> list[bytes]:
        deadline = time.monotonic() + timeout_s
        return frames.unpack(lambda size: self._read(size, deadline))

    def _read(self, size: int, deadline: float) -> bytes:
        """Just so many bytes of the worker's."""
        assert self._process is not None and self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        while len(self._unread) < size:
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                raise WorkerGoneError("no answer within the time that its program has")
            data = os.read(descriptor, 1 << 16)  # all that a pipe holds; of more, memory is mapped anew each time
            if not data:
                raise WorkerGoneError("it ended")
            self._unread += data
        taken = bytes(self._unread[:size])
        del self._unread[:size]
        return taken

    def _last_words(self) -> str:
        if self._errors is None:
            return ""
        self._errors.seek(0)
        return " | ".join(self._errors.read().decode("utf-8", "replace").strip().splitlines()[-3:])
