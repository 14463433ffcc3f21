"""Programs run by served judges: as `lowres_code.sandbox.pool`, but elsewhere."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import queue
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from lowres_code.errors import JudgeError, LowresCodeError, UsageError
from lowres_code.language.base import Diagnostic, Execution, Language, Limits, Status
from lowres_code.remote.server import BusyError, Server, UnavailableError
from lowres_code.remote.wire import line_of
from lowres_code.sandbox.runner import Ask, Job, Runner

PATIENCE_S = 60.0  # so long a job is tried anew, from its first failure on
_ROUNDS = 2  # batches on their way for each worker, so that none waits for the network
_MOST_JOBS, _MOST_BYTES = 16, 4 * 2**20  # of a batch
_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 5.0


@dataclass(slots=True)
class _Sent:
    """A job on its way."""

    number: int
    line: bytes
    future: Future[Execution] = field(default_factory=Future)
    begun: bool = False
    failing_since: float | None = None


class RemotePool(Runner):
    """Judges served at one or several addresses, which share the work; what one drops, another gets.

    A job that no server answers within `PATIENCE_S` is an ``infra_error``.
    """

    def __init__(self, language: Language, servers: Sequence[str], size: int | None = None) -> None:
        """Args:
            language: of the programs.
            servers: addresses, as in ``http://127.0.0.1:8000``. A token is taken from the environment variable
                ``LOWRES_CODE_TOKEN``.
            size: programs at a time; by default as many as the servers have workers.

        Raises:
            JudgeError: none of them answers.
            UsageError: one is no address, or does not serve this version of the language.
        """
        super().__init__(language)
        self._language = language.name
        self._servers = [Server(url) for url in dict.fromkeys(servers)]
        self._numbers = itertools.count()
        self._waiting: queue.SimpleQueue[_Sent | None] = queue.SimpleQueue()
        self._closed = threading.Event()
        try:
            workers = self._connect(language)
        except LowresCodeError:
            self._disconnect()
            raise
        self.size = size or sum(workers.values())
        self._threads = [
            threading.Thread(target=self._send, args=[server], name="remote judge", daemon=True)
            for server in self._servers
            for _ in range(_ROUNDS * workers.get(server, 1))
        ]
        for thread in self._threads:
            thread.start()

    def _connect(self, language: Language) -> dict[Server, int]:
        """How many workers each server that answers has."""
        found, errors = {}, []
        for server in self._servers:
            try:
                found[server] = server.language(language)
            except JudgeError as error:  # noqa: PERF203 - one that is down may come back
                errors.append(str(error))
        if not found:
            raise JudgeError("; ".join(errors))
        self._longest = min(longest for _, longest in found.values())
        self.isolation = ", ".join(sorted({one.isolation for one, _ in found.values()}))
        return {server: one.workers for server, (one, _) in found.items()}

    def start(self) -> None:
        """Nothing: that they answer was seen when this was made."""

    def close(self) -> None:
        """Give up what is on its way."""
        self._closed.set()
        self._waiting.put(None)
        self._disconnect()
        for thread in self._threads:
            thread.join()
        self._give_up_all()

    def _give_up_all(self) -> None:
        """What waits when no thread takes it any more."""
        with contextlib.suppress(queue.Empty):
            while True:
                if (sent := self._waiting.get_nowait()) is not None:
                    self._give_up(sent, "the judge was closed before the program ran")

    def _disconnect(self) -> None:
        for server in self._servers:
            server.close()

    def _submit(self, ask: Ask, job: Job, limits: Limits) -> Future[Execution]:
        if self._closed.is_set():
            raise UsageError("this judge is closed")
        program, test = job
        number = next(self._numbers)
        line = line_of(
            {
                "n": number,
                "program": program,
                "ask": ask,
                "stdin": test.stdin,
                "query": test.query,
                "limits": dataclasses.asdict(limits),
            }
        )
        sent = _Sent(number, line)
        if len(line) > self._longest:
            sent.future.set_result(_failure(f"it is longer than the {self._longest} bytes that its judge takes"))
        else:
            self._waiting.put(sent)
            if self._closed.is_set():  # meanwhile
                self._give_up_all()
        return sent.future

    def _next(self) -> _Sent | None:
        with contextlib.suppress(queue.Empty):
            return self._waiting.get_nowait()
        return None

    def _batch(self) -> list[_Sent]:
        """What waits, as much as goes together; nothing when this is closed."""
        taken: list[_Sent] = []
        size, sent = 0, self._waiting.get()
        while sent is not None:
            if sent.begun or sent.future.set_running_or_notify_cancel():
                sent.begun = True
                taken.append(sent)
                size += len(sent.line)
            if taken and (len(taken) == _MOST_JOBS or size > _MOST_BYTES):
                return taken
            sent = self._next() if taken else self._waiting.get()
            if sent is None and taken and not self._closed.is_set():
                return taken
        self._waiting.put(None)  # the other threads are to end, too
        return taken

    def _send(self, server: Server) -> None:
        """Send one batch after another to a server, until this is closed."""
        failures = 0
        while not self._closed.is_set() and (waiting := {sent.number: sent for sent in self._batch()}):
            failures = 0 if self._has_taken(server, waiting) else failures + 1
            if failures:
                self._closed.wait(min(_PAUSE_S * 2**failures, _LONGEST_PAUSE_S))

    def _has_taken(self, server: Server, waiting: dict[int, _Sent]) -> bool:
        """Have jobs run, and put back what is to be tried again; whether the server did what it was asked."""
        try:
            self._run(server, waiting)
        except BusyError as busy:
            self._put_back(waiting)
            self._closed.wait(busy.after_s)
        except UsageError as error:
            for sent in waiting.values():
                sent.future.set_exception(error)
        except Exception as error:  # whatever it is costs nobody the verdict, if another try succeeds
            self._try_again(waiting, str(error) or type(error).__name__)
            return False
        return True

    def _run(self, server: Server, waiting: dict[int, _Sent]) -> None:
        """Have jobs run, by their numbers; those that have been answered are taken out."""
        for done in server.run(self._language, b"".join(sent.line for sent in waiting.values())):
            sent = waiting.pop(done.n, None)
            if sent is None:
                raise UnavailableError(f"the judge at {server.url} answers what it was not asked")
            if done.refused:
                sent.future.set_exception(UsageError(f"the judge at {server.url} refuses a program: {done.refused}"))
            else:
                sent.future.set_result(done.execution())
            if not waiting:  # whatever else the server has to say
                return
        if waiting:
            raise UnavailableError(f"the judge at {server.url} has ended before {len(waiting)} programs were done")

    def _put_back(self, waiting: dict[int, _Sent]) -> None:
        for sent in waiting.values():
            self._waiting.put(sent)

    def _try_again(self, waiting: dict[int, _Sent], reason: str) -> None:
        """Put back what may be tried again, and give up the rest."""
        now = time.monotonic()
        for number, sent in [*waiting.items()]:
            sent.failing_since = sent.failing_since or now
            if now - sent.failing_since > PATIENCE_S:
                self._give_up(waiting.pop(number), reason)
        self._put_back(waiting)

    @staticmethod
    def _give_up(sent: _Sent, reason: str) -> None:
        if sent.begun or sent.future.set_running_or_notify_cancel():
            sent.future.set_result(_failure(reason))


def _failure(reason: str) -> Execution:
    return Execution(Status.INFRA_ERROR, diagnostics=(Diagnostic(reason),))
