"""One thread that has all workers of a pool: gives each the next question, and takes what they say."""

from __future__ import annotations

import contextlib
import os
import selectors
import time
import weakref
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future

from lowres_code.errors import UsageError
from lowres_code.language.base import Language
from lowres_code.sandbox.client import LOOK_EVERY_S, WorkerClient
from lowres_code.sandbox.isolation import Isolation
from lowres_code.sandbox.question import Question

MOST_WARM_UPS = 8  # workers that a slot keeps; the one that has waited longest goes first
_CLOSED = "the judge was closed before the program ran"
_IDLE_S = 1.0  # whoever is about to wake it may be interrupted just then, as by Ctrl-C in a notebook
_AWAY_S = 2 * _IDLE_S  # without a look: it was stopped, as by Ctrl-Z, and what workers have said may not be read yet


class _Slot:
    """Runs one program at a time; has a worker for each warm-up that was asked for."""

    def __init__(self, language: Language, isolation: Isolation, selector: selectors.BaseSelector) -> None:
        self._language, self._isolation, self._selector = language, isolation, selector
        self.clients: dict[str, WorkerClient] = {}
        self._newest: WorkerClient | None = None  # no other has a question

    @property
    def idle(self) -> bool:
        return self._newest is None or self._newest.idle

    def runs(self, warm_up: str) -> bool:
        """Whether the worker for this runs."""
        client = self.clients.get(warm_up)
        return client is not None and client.runs

    def takes_ahead(self, warm_up: str) -> bool:
        """Whether a question may be sent that waits behind the one which the worker has."""
        return self._newest is not None and self._newest is self.clients.get(warm_up) and self._newest.room

    def first(self) -> WorkerClient:
        """The worker that has a question, or one that has nothing loaded."""
        return self.client("") if self._newest is None or self.idle else self._newest

    def client(self, warm_up: str) -> WorkerClient:
        """The worker for this; no other may have a question."""
        client = self.clients.pop(warm_up, None)
        if client is None:
            client = WorkerClient(self._language, self._isolation, warm_up, self._selector)
        self.clients[warm_up] = self._newest = client  # behind all that have waited longer
        if len(self.clients) > MOST_WARM_UPS:
            self.clients.pop(next(iter(self.clients))).release()
        return client


class Dispatcher:
    """The questions, in the order in which they have come, and the slots that they go to."""

    def __init__(self, language: Language, isolation: Isolation, size: int) -> None:
        """Size: how many slots."""
        self._selector = selectors.DefaultSelector()
        self._slots = [_Slot(language, isolation, self._selector) for _ in range(size)]
        self._questions: deque[Question] = deque()
        self._starts: deque[Future[None]] = deque()
        self._alarm = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        # Only with this object, so that no lock is needed, which a thread may hold when a signal has it close the pool.
        weakref.finalize(self, os.close, self._alarm).atexit = False
        self._selector.register(self._alarm, selectors.EVENT_READ)
        self._hungry = False  # it waits, and has no question
        self._closed = self._ended = False
        self._looked = 0.0

    def take(self, question: Question) -> bool:
        """Take a question, from any thread; `False` if this is closed."""
        self._questions.append(question)
        if self._hungry:
            self._hungry = False
            self._awake()
        return not self._closed

    def start(self) -> Future[None]:
        """Have a worker started, from any thread; done when it is ready."""
        started: Future[None] = Future()
        self._starts.append(started)
        self._awake()
        if self._ended:
            self._end_starts()
        return started

    def close(self) -> None:
        """End what runs and begin nothing more, from any thread."""
        self._closed = True
        self._awake()

    def _awake(self) -> None:
        os.eventfd_write(self._alarm, 1)

    def run(self) -> None:
        """Until it is closed."""
        try:
            while not self._closed:
                self._wait(all_given=self._give())
        finally:
            self._closed = True
            self._finish()

    def _give(self) -> bool:
        """Give away what can be given; whether that was all, until now."""
        while self._starts:
            self._start(self._starts.popleft())
        while self._questions and not self._closed:
            slot = self._slot_for(self._questions[0].warm_up)
            if slot is None:
                return False
            if not self._ask(slot, self._questions.popleft()) and self._waits():
                return False  # those that work shall have it, and not all that come be tried in vain
        return True

    def _ask(self, slot: _Slot, question: Question) -> bool:
        """Put a question to a slot, unless nobody wants it; `False` if no worker can be started there."""
        back: list[Question] = []
        try:
            if question.begin():
                back = slot.client(question.warm_up).send(question)
        except Exception as error:  # a backend's or our own: it costs this program its verdict, and no other
            question.raised(error)
        self._back(back)
        return not back

    def _slot_for(self, warm_up: str) -> _Slot | None:
        """An idle one, best one whose worker runs; or one where it can wait."""
        idle = [slot for slot in self._slots if slot.idle]
        if idle:
            return max(idle, key=lambda slot: slot.runs(warm_up))
        return next((slot for slot in self._slots if slot.takes_ahead(warm_up)), None)

    def _start(self, started: Future[None]) -> None:
        try:
            ready = self._slots[0].first().begin()
        except Exception as error:  # as above
            started.set_exception(error)
        else:
            ready.add_done_callback(lambda ready: _hand_on(ready, started))

    def _back(self, questions: list[Question]) -> None:
        """What a worker has no more is asked again before all others, unless it is answered."""
        self._questions.extendleft(question for question in reversed(questions) if not question.future.done())

    def _wait(self, all_given: bool) -> None:
        """Until something comes, or it is time to look."""
        self._hungry = all_given
        if all_given and self._questions:  # one has come since
            return
        events = self._selector.select(LOOK_EVERY_S if self._waits() else _IDLE_S)
        self._hungry = False
        now = time.monotonic()  # ending a worker may take long, and what has come meanwhile is not late
        for key, mask in events:
            if key.data is None:
                os.eventfd_read(key.fd)
            else:
                self._back(key.data.event(mask))
        if (since := now - self._looked) >= LOOK_EVERY_S:
            self._looked = now
            for client in self._clients():
                if since > _AWAY_S:
                    client.excuse(now)
                self._back(client.look(now))

    def _waits(self) -> bool:
        """Whether a worker starts or has a question."""
        return any(map(WorkerClient.waits, self._clients()))

    def _clients(self) -> Iterator[WorkerClient]:
        return (client for slot in self._slots for client in slot.clients.values())

    def _finish(self) -> None:
        left = [question for client in self._clients() for question in client.release()]
        for question in (*left, *self._questions):
            question.drop(_CLOSED)
        self._ended = True
        self._end_starts()
        self._selector.close()

    def _end_starts(self) -> None:
        """Nobody starts them any more."""
        with contextlib.suppress(IndexError):  # another thread may have taken it
            while True:
                self._starts.popleft().set_exception(UsageError("this judge is closed"))


def _hand_on(ready: Future[None], started: Future[None]) -> None:
    error = ready.exception()
    if error is None:
        started.set_result(None)
    else:
        started.set_exception(error)
