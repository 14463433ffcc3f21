"""Several workers at once on this machine."""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from concurrent.futures import Future
from types import TracebackType

from lowres_code.errors import UsageError
from lowres_code.language.base import Execution, Language, Limits
from lowres_code.sandbox.dispatch import Dispatcher
from lowres_code.sandbox.isolation import Isolation
from lowres_code.sandbox.question import Question
from lowres_code.sandbox.runner import Ask, Job, Runner, ended


def usual_size(sharers: int = 1) -> int:
    """One worker for each core of this process's share, at least one.

    Each is sent the next program before it has answered, so that more of them would only wait for one another.

    Args:
        sharers: how many processes, this one among them, share the cores that it may use.
    """
    return max(1, len(os.sched_getaffinity(0)) // sharers)


_open: weakref.WeakSet[Pool] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """A thread that Python ends with itself would leave workers at their programs, and their files."""
    for pool in list(_open):
        pool.close()


def _forget_all() -> None:
    """In a fork, which has no part in them, and no thread of its parent's."""
    for pool in list(_open):
        pool._finalizer.detach()
    _open.clear()


os.register_at_fork(after_in_child=_forget_all)


class Pool(Runner):
    """Workers of one language; started as they are needed, ended by `close` or at the end of ``with``."""

    def __init__(self, language: Language, isolation: Isolation, size: int | None = None) -> None:
        """Size: how many workers; by default as `usual_size` says."""
        super().__init__(language)
        self.size = size or usual_size()
        self.isolation = isolation
        self._of = (language, isolation)
        self._dispatcher = Dispatcher(language, isolation, self.size)
        # A worker's life hangs on the thread that started it, and this one lives as long as the pool.
        self._thread = threading.Thread(target=self._dispatcher.run, name="judge", daemon=True)
        self._thread.start()
        self._finalizer = weakref.finalize(self, self._dispatcher.close)
        self._finalizer.atexit = False
        _open.add(self)

    def start(self) -> None:
        """Start one worker now."""
        self._dispatcher.start().result()

    def close(self) -> None:
        """End all workers, also those that are running a program; in a fork they are the parent's to end."""
        if not self._is_own:
            return
        self._dispatcher.close()
        ended([self._thread])

    def _submit(self, ask: Ask, job: Job, limits: Limits) -> Future[Execution]:
        question = Question(*self._of, ask, job, limits, self)
        if not self._dispatcher.take(question):
            raise UsageError("this judge is closed")
        return question.future

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
