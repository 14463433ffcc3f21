"""The process of one worker, seen from outside: how it starts, what goes to it and comes from it, how it ends."""

from __future__ import annotations

import contextlib
import os
import secrets
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import IO

from lowres_code.errors import JudgeError
from lowres_code.language.base import Language
from lowres_code.sandbox import frames
from lowres_code.sandbox.isolation import SCRATCH, SYSTEM, Isolation, programs_need_a_user, wrap
from lowres_code.sandbox.packages import import_roots, is_hidden, python_folders, without_hidden
from lowres_code.sandbox.scratch import empty
from lowres_code.sandbox.startup import WorkerConfig

_CHUNK = 1 << 16  # all that a pipe holds; of more, memory is mapped anew each time

# A fork by another thread would keep the pipe whose end says that a process has started; one by a signal that comes to
# this thread meanwhile does no harm.
_no_fork = threading.RLock()
os.register_at_fork(before=_no_fork.acquire, after_in_parent=_no_fork.release, after_in_child=_no_fork.release)


class WorkerGoneError(Exception):
    """The worker ended, did not answer in time, or says what no worker says."""


class WorkerProcess:
    """A worker that runs, and the pipes to it; nothing here waits for it."""

    def __init__(
        self, language: Language, isolation: Isolation, warm_up: str, selector: selectors.BaseSelector, owner: object
    ) -> None:
        """Start it; it is told what it is for, and says that it is ready by its first message.

        Args:
            language: whose programs it runs.
            isolation: what stands around it.
            warm_up: what it loads before.
            selector: where it is registered while it lives.
            owner: the data of its registration there.

        Raises:
            UsageError: the language cannot be sent to it.
            JudgeError: there is no space for a file, no process to be had.
        """
        self._selector, self._owner = selector, owner
        self._unsent = bytearray()
        self._waits_to_send = False
        self._inbox = frames.Inbox()
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None
        self._scratch: str | None = None
        try:
            config = self._launch(language, isolation, warm_up)
            selector.register(self._out, selectors.EVENT_READ, owner)
            self.send(frames.pack(config))
        except OSError as error:
            self.end()
            raise JudgeError(f"the worker for {language.name!r} cannot be started: {error}") from error
        except BaseException:
            self.end()
            raise

    def _launch(self, language: Language, isolation: Isolation, warm_up: str) -> bytes:
        """Start the process; what it is to be told."""
        kind = type(language)
        command = [os.path.abspath(sys.executable), "-m", "lowres_code.sandbox.worker"]
        own = (kind.__module__, language.packages)
        environment = {"PYTHONPATH": os.pathsep.join(map(str, import_roots(*own))), **language.environment()}
        python = python_folders(*own)
        read_only = (*python, *language.read_only_paths())
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in end()
        root = str(SCRATCH)
        if isolation != "namespaces":  # no file system of its own; it may be killed, so this is ours to remove
            root = self._scratch = tempfile.mkdtemp(prefix=f"lowres-code-{os.getpid()}-")
        readable = (*without_hidden(SYSTEM + read_only), *filter(is_hidden, python))
        config = _config(language, isolation, warm_up, root, readable).pickled()
        wrapped = wrap(isolation, command, read_only, environment)
        with _no_fork:
            self._process = subprocess.Popen(
                wrapped,
                env={},  # not even bubblewrap sees the user's environment
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                bufsize=0,
                start_new_session=True,  # Ctrl-C at the terminal is for the program that owns the worker
            )
        for descriptor in (self._in, self._out):
            os.set_blocking(descriptor, False)
        return config

    @property
    def pid(self) -> int:
        """Of the first process: the worker's own, or what stands around it."""
        assert self._process is not None
        return self._process.pid

    @property
    def _in(self) -> int:
        assert self._process is not None and self._process.stdin is not None
        return self._process.stdin.fileno()

    @property
    def _out(self) -> int:
        assert self._process is not None and self._process.stdout is not None
        return self._process.stdout.fileno()

    def send(self, data: bytes) -> None:
        """Send this as soon as the pipe takes it; that the worker has ended is seen by `receive` alone."""
        self._unsent += data
        if not self._waits_to_send:
            self.flush()

    def flush(self) -> None:
        """Send what the pipe takes now."""
        try:
            while self._unsent:
                del self._unsent[: os.write(self._in, self._unsent[:_CHUNK])]
        except BlockingIOError:
            pass
        except BrokenPipeError:  # what it has said before is yet to be read
            self._unsent.clear()
        if bool(self._unsent) != self._waits_to_send:
            self._waits_to_send = not self._waits_to_send
            if self._waits_to_send:
                self._selector.register(self._in, selectors.EVENT_WRITE, self._owner)
            else:
                self._selector.unregister(self._in)

    def receive(self) -> list[list[bytes]]:
        """The messages that are whole by now.

        Raises:
            WorkerGoneError: the worker has ended, or sends no messages.
        """
        try:
            data = os.read(self._out, _CHUNK)
        except BlockingIOError:
            return []
        if not data:
            raise WorkerGoneError("it ended")
        try:
            return self._inbox.messages(data)
        except ValueError as error:
            raise WorkerGoneError(str(error)) from error

    def last_words(self) -> str:
        """The last lines of its standard error."""
        if self._errors is None:
            return ""
        self._errors.seek(0)
        return " | ".join(self._errors.read().decode("utf-8", "replace").strip().splitlines()[-3:])

    def end(self) -> None:
        """Kill it, and give back what it had."""
        if self._process is not None:
            for descriptor in (self._in, self._out):
                with contextlib.suppress(KeyError):  # it was not registered
                    self._selector.unregister(descriptor)
            with contextlib.suppress(OSError):  # it has ended; or it may not be killed, and ends with its input
                os.killpg(self._process.pid, signal.SIGKILL)  # a session of our own making
                self._process.wait()
        if self._scratch is not None:
            with contextlib.suppress(OSError):  # a program may still be ending
                empty(self._scratch)
                os.rmdir(self._scratch)
        streams = (self._process.stdin, self._process.stdout) if self._process else ()
        for stream in (self._errors, *streams):
            if stream is not None:
                stream.close()


def _config(
    language: Language, isolation: Isolation, warm_up: str, root: str, readable: tuple[Path, ...]
) -> WorkerConfig:
    user = 0
    if isolation == "namespaces" and programs_need_a_user():
        user = 2**30 + secrets.randbelow(2**30)  # of its own, so that only its own processes count
    # Nothing counts the processes of root's programs, or those of the isolation landlock.
    counted = isolation == "namespaces" and (user != 0 or os.geteuid() != 0)
    may_fork = counted or language.forks
    return WorkerConfig(language, warm_up, isolation, root, readable, user, may_fork)
