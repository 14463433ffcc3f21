"""Programs run by served judges: as `lowres_code.sandbox.pool`, but elsewhere."""

from __future__ import annotations

import dataclasses
import itertools
import logging
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from lowres_code.errors import JudgeError, LowresCodeError, UsageError
from lowres_code.language.base import Execution, Language, Limits
from lowres_code.remote.place import Place, problems
from lowres_code.remote.server import BusyError, Server, UnavailableError
from lowres_code.remote.waiting import CLOSED, JobQueue, WaitingJob
from lowres_code.remote.wire import line_of
from lowres_code.sandbox.runner import Ask, Job, Runner, ended

PATIENCE_S = 60.0  # so long jobs wait while no server answers anything
MOST_LOSSES = 5  # times that a server breaks off with a job, until it is given up: it may be what takes servers down
_ROUNDS = 2  # batches on their way for each worker, so that none waits for the network
_MOST_JOBS, _MOST_BYTES = 16, 4 * 2**20  # of a batch

log = logging.getLogger("lowres_code.remote")


@dataclass(slots=True, eq=False)
class _Sent(WaitingJob):
    """A job on its way: its number, and the line that says it."""

    number: int
    line: bytes


class RemotePool(Runner):
    """Judges served at one or several addresses, which share the work; what one drops, another gets.

    A job is an ``infra_error`` if no server has answered anything for `PATIENCE_S`, or if `MOST_LOSSES` times one
    broke off while it had the job. A server is asked what it is before the first program is sent there, after every
    failure, and when nothing was heard of it for a while; one that is not what it should be is dropped.
    """

    def __init__(
        self, language: Language, servers: Sequence[str], size: int | None = None, isolation: str = "auto"
    ) -> None:
        """Args:
            language: of the programs.
            servers: addresses, as in ``http://127.0.0.1:8000``. A token is taken from the environment variable
                ``LOWRES_CODE_TOKEN``.
            size: programs at a time; by default as many as the servers have workers.
            isolation: that each must have; ``"auto"`` is any.

        Raises:
            JudgeError: none of them answers.
            UsageError: one is no address, does not serve this version of the language, or has another isolation.
        """
        super().__init__(language)
        self._language, self._size, self._asked_isolation = language, size, isolation
        self._isolations: set[str] = set()
        self._places = [Place(Server(url)) for url in dict.fromkeys(servers)]
        self._numbers = itertools.count()
        self._waiting: JobQueue[_Sent] = JobQueue()
        self._closed = threading.Event()
        self._threads: list[threading.Thread] = []
        try:
            self._connect()
        except LowresCodeError:
            self._disconnect()
            raise
        for place in self._places:
            self._staff(place)

    def _connect(self) -> None:
        for place in self._places:
            try:
                self._meet(place)
            except JudgeError as error:  # noqa: PERF203 - one that is down may come back
                place.fails(str(error))
        if not self._isolations:
            raise JudgeError(problems(self._places))

    def _meet(self, place: Place) -> None:
        """Ask a server what it is now; see `Place.meet`."""
        place.meet(self._language, self._asked_isolation)
        self._isolations.add(place.isolation)
        self.isolation = ", ".join(sorted(self._isolations))
        known = [one for one in self._used() if one.workers]
        self._longest = min(one.longest for one in known)
        self.size = self._size or sum(one.workers for one in known)

    def _staff(self, place: Place) -> None:
        """Have as many threads send to a server as its workers want."""
        while place.threads < _ROUNDS * max(1, place.workers):
            thread = threading.Thread(target=self._send, args=[place], name="remote judge", daemon=True)
            place.threads += 1
            self._threads.append(thread)
            thread.start()

    def _used(self) -> list[Place]:
        return [place for place in self._places if not place.dropped]

    def start(self) -> None:
        """Nothing: that they answer was seen when this was made."""

    def close(self) -> None:
        """Give up what is on its way."""
        self._closed.set()
        self._waiting.end()
        self._disconnect()
        try:
            ended(self._threads)
        finally:  # whoever waits may be interrupted
            self._end_all()

    def _disconnect(self) -> None:
        for place in self._places:
            place.server.close()

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
        self._put([sent])
        return sent.future

    def _put(self, jobs: Iterable[_Sent]) -> None:
        """Some server is to have them."""
        for sent in jobs:
            self._waiting.put(sent)
        if self._closed.is_set() or not self._used():  # meanwhile
            self._end_all()

    def _end_all(self) -> None:
        """What waits when no thread takes it any more."""
        for sent in self._waiting.drained():
            if self._closed.is_set():
                sent.give_up(CLOSED)
            elif sent.is_wanted():
                sent.future.set_exception(UsageError(problems(self._places)))

    def _batch(self, most: int = _MOST_JOBS, wait: bool = True) -> list[_Sent]:
        """What waits, as much as goes together; wait for the first, if there is none, until this is closed.

        A job that was lost goes alone, so that what takes a server down takes few others with it.
        """
        taken: list[_Sent] = []
        size = 0
        while len(taken) < most and size <= _MOST_BYTES and (sent := self._waiting.next(wait and not taken)):
            if len(sent.line) > self._longest:
                sent.give_up(f"it is longer than the {self._longest} bytes that its judge takes")
                continue
            if sent.losses and taken:
                self._put([sent])
                break
            taken.append(sent)
            size += len(sent.line)
            most = 1 if sent.losses else most
        return taken

    def _send(self, place: Place) -> None:
        """Send one batch after another to a server, until this is closed or the server is dropped."""
        while not self._closed.is_set() and not place.dropped:
            batch = self._batch()
            if place.is_trusted():
                self._has_taken(place, batch)
            else:
                self._put(batch)
                with place.turn:  # one thread alone, so that what it tries holds nobody up
                    self._look_at(place)

    def _look_at(self, place: Place) -> None:
        """See whether a server may be used: what it is and, if it has failed, whether it can run a program."""
        self._closed.wait(place.pause_s())
        if self._closed.is_set() or place.dropped or place.is_trusted():
            return
        place.tries += place.failing_since is not None
        if not self._is_fine(place):
            return
        self._staff(place)
        if place.failing_since is not None and (batch := self._batch(1, wait=False)) and self._has_taken(place, batch):
            place.works()

    def _is_fine(self, place: Place) -> bool:
        """Whether a server answers, and is what it should be."""
        try:
            self._meet(place)
        except UsageError as error:
            self._drop(place, str(error))
        except Exception as error:  # whatever it is, it may pass
            self._failed(place, error)
        else:
            return True
        return False

    def _drop(self, place: Place, reason: str) -> None:
        place.problem, place.dropped = reason, True
        log.warning("%s; it gets no more programs", reason)
        self._put([])

    def _has_taken(self, place: Place, batch: Sequence[_Sent]) -> bool:
        """Have jobs run, and put back what is to be tried again; whether the server did what it was asked."""
        waiting = {sent.number: sent for sent in batch}
        try:
            if waiting:
                self._run(place, waiting)
        except BusyError as busy:
            self._put(waiting.values())
            self._closed.wait(busy.after_s)
        except UsageError as error:
            for sent in waiting.values():
                sent.future.set_exception(error)
        except Exception as error:  # whatever it is costs nobody the verdict, if another try succeeds
            self._failed(place, error, waiting.values())
            return False
        return True

    def _run(self, place: Place, waiting: dict[int, _Sent]) -> None:
        """Have jobs run, by their numbers; those that have been answered are taken out."""
        url = place.server.url
        for done in place.server.run(self._language.name, b"".join(sent.line for sent in waiting.values())):
            sent = waiting.pop(done.n, None)
            if sent is None:
                raise UnavailableError(f"the judge at {url} answers what it was not asked")
            place.answered_at = time.monotonic()
            if done.refused:
                sent.future.set_exception(UsageError(f"the judge at {url} refuses a program: {done.refused}"))
            else:
                sent.future.set_result(done.execution())
            if not waiting:  # whatever else the server has to say
                return
        raise UnavailableError(f"the judge at {url} has ended before {len(waiting)} programs were done")

    def _failed(self, place: Place, error: Exception, lost: Iterable[_Sent] = ()) -> None:
        """Take note of a failure, and put back what was lost by it, unless it was lost too often."""
        reason = str(error) or type(error).__name__
        place.fails(reason)
        for sent in lost:
            sent.losses += 1
            if sent.losses == MOST_LOSSES:
                sent.give_up(f"lost {sent.losses} times: {reason}")
            else:
                self._put([sent])
        self._lose_patience()

    def _lose_patience(self) -> None:
        """Give up what has waited for too long while no server answered anything."""
        used = self._used()
        failing = [place.failing_since for place in used if place.failing_since is not None]
        if not failing or len(failing) < len(used):
            return
        silent_since = max(*failing, *(place.answered_at for place in used))
        for sent in self._waiting.drained():
            if time.monotonic() - max(silent_since, sent.since) > PATIENCE_S:
                sent.give_up(problems(used))
            else:
                self._put([sent])
