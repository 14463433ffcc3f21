"""One worker, seen from outside: asked, sent the next question ahead, replaced when it dies or hangs."""

from __future__ import annotations

import contextlib
import secrets
import selectors
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass

from lowres_code.errors import JudgeError
from lowres_code.language.base import Execution, Language, Limits, Status
from lowres_code.problem import Test
from lowres_code.sandbox import frames
from lowres_code.sandbox.isolation import Isolation
from lowres_code.sandbox.process import WorkerGoneError, WorkerProcess
from lowres_code.sandbox.question import Question
from lowres_code.sandbox.runner import Ask

_START_S = 60.0
_GRACE_S = 10.0
_SILENT = "no answer within the time that its program has"
_AHEAD = 1  # questions that wait at a worker while it works on another
_TAKE_BACK_S = 2 * frames.LATE_S  # from a worker that is so long at its work what waits there: it will drop that
LOOK_EVERY_S = frames.LATE_S


@dataclass(slots=True)
class _Sent:
    """A question at a worker. ``taken_back``: it is asked elsewhere; what this worker says of it is nobody's."""

    question: Question
    identity: bytes
    taken_back: bool = False


class WorkerClient:
    """A worker, started when it is needed and replaced when it fails, and the questions that it has.

    Not thread-safe. Only `ask` and `start` wait. `send`, `event` and `look` return the questions that
    the worker has no more; those that are not done must be asked again, here or elsewhere.
    """

    def __init__(
        self,
        language: Language,
        isolation: Isolation,
        warm_up: str = "",
        selector: selectors.BaseSelector | None = None,
    ) -> None:
        """Selector: where its workers are registered, with this object as their data; by default one of its own."""
        self._language, self._isolation, self._warm_up = language, isolation, warm_up
        self._selector = selector or selectors.DefaultSelector()
        self._process: WorkerProcess | None = None
        self._sent: deque[_Sent] = deque()
        self._started: Future[None] = Future()
        self._late = 0  # of its programs; what had been sent behind one of these it drops
        self._since = 0.0  # when it was started, or came to the first of its questions

    @property
    def idle(self) -> bool:
        """Whether it has no question."""
        return not self._sent

    @property
    def runs(self) -> bool:
        """Whether there is a worker."""
        return self._process is not None

    def waits(self) -> bool:
        """Whether it is about to start or has a question, so that it must be looked at."""
        return bool(self._sent) or (self._process is not None and not self._started.done())

    @property
    def room(self) -> bool:
        """Whether it takes one more question, though that may have to wait; what waits for its start is not moved."""
        return self._started.done() and len(self._sent) <= _AHEAD

    def begin(self) -> Future[None]:
        """Start the worker unless it runs.

        Returns:
            Done when it is ready; raises `JudgeError` if it does not come up.

        Raises:
            UsageError: the language cannot be sent to it.
            JudgeError: it cannot be started.
        """
        if self._process is None:
            self._started, self._late, self._since = Future(), 0, time.monotonic()
            self._process = WorkerProcess(self._language, self._isolation, self._warm_up, self._selector, self)
        return self._started

    def send(self, question: Question) -> list[Question]:
        """Put a question to the worker; what is wrong with question or language is raised."""
        sent = _Sent(question, secrets.token_bytes(frames.IDENTITY))
        try:
            started = self.begin()
            assert self._process is not None
            self._process.send(question.request(frames.Stamp(sent.identity, self._late)))
        except JudgeError as error:
            question.failed(str(error))
            return [question]
        if not self._sent and started.done():
            self._since = time.monotonic()
        self._sent.append(sent)
        return []

    def event(self, mask: int) -> list[Question]:
        """Write and read, as a selector says that it can be done."""
        if self._process is None:
            return []
        back: list[Question] = []
        try:
            if mask & selectors.EVENT_WRITE:
                self._process.flush()
            if mask & selectors.EVENT_READ:
                for message in self._process.receive():
                    back += self._take(message)
        except Exception as error:  # also what is no fault of the worker's: others have nothing to do with it
            back += self._gone(str(error) if isinstance(error, WorkerGoneError) else repr(error))
        return back

    def _take(self, message: list[bytes]) -> Iterator[Question]:
        """What a worker has said."""
        self._since = time.monotonic()
        if not self._started.done():
            self._started.set_result(None)
            return
        try:
            reply, blobs = frames.unpack_reply(message)
        except ValueError as error:
            raise WorkerGoneError(f"it answered with no reply: {error}") from error
        asked = self._sent and reply.identity == self._sent[0].identity
        if not asked or reply.status >= len(Status):
            raise WorkerGoneError("it answered what it was not asked")
        sent = self._sent[0]
        failed = not sent.taken_back and not sent.question.answered(reply, blobs)
        self._sent.popleft()  # not before: if that raises, it is asked again
        if not sent.taken_back:
            yield sent.question
        if reply.retire or failed:
            yield from self._rest()
            self._end()
        elif reply.wall_s > frames.LATE_S:
            self._late += 1
            yield from self._rest()

    def _rest(self) -> list[Question]:
        """The questions that wait, which are no more this worker's."""
        rest = [sent.question for sent in self._sent if not sent.taken_back]
        self._sent.clear()
        return rest

    def excuse(self, now: float) -> None:
        """It cannot have been heard until now."""
        self._since = now

    def look(self, now: float) -> list[Question]:
        """Whether it is over its time, or so long at its work that what waits must not wait here."""
        if self._process is None:
            return []
        spent = now - self._since
        if not self._started.done():
            return self._gone(_SILENT) if spent > _START_S else []
        if self._sent and spent > self._sent[0].question.limits.wall_s + _GRACE_S:
            return self._gone(_SILENT)
        waiting = [sent for sent in list(self._sent)[1:] if not sent.taken_back] if spent > _TAKE_BACK_S else []
        for sent in waiting:
            sent.taken_back = True
        return [sent.question for sent in waiting]

    def _gone(self, problem: str, last: bool = False) -> list[Question]:
        """The worker is lost; that is a failure of the first question that it had, and of no other."""
        if not self._started.done():
            said = self._process.last_words() if self._process else ""
            problem = f"the worker for {self._language.name!r} does not start ({problem}): {said}"
            self._started.set_exception(JudgeError(problem))
        if self._sent and not self._sent[0].taken_back:
            self._sent[0].question.failed(problem, last)
        self._end()
        return self._rest()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(Exception):  # whatever it is, those who have asked must hear of what became of it
                process.end()

    def start(self) -> None:
        """Start the worker unless it runs, and wait until it is ready.

        Raises:
            UsageError: the language cannot be sent to it.
            JudgeError: it does not come up.
        """
        started = self.begin()
        while not started.done():
            self._wait()
        started.result()

    def ask(self, ask: Ask, program: str, test: Test, limits: Limits) -> Execution:
        """One question about one program; waits for the answer.

        Returns:
            The execution; ``infra_error`` if two workers have failed under it.
        """
        question = Question(self._language, self._isolation, ask, (program, test), limits)
        if question.begin():
            while not question.future.done():
                if self.idle:
                    self.send(question)
                else:
                    self._wait()
        return question.future.result()

    def _wait(self) -> None:
        for _, mask in self._selector.select(LOOK_EVERY_S):
            self.event(mask)
        self.look(time.monotonic())

    def release(self) -> list[Question]:
        """End the worker, and with it all that runs in it; what was asked is asked no more."""
        return self._gone("the judge was closed", last=True)
