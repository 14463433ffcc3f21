"""Jobs that wait for whoever runs them elsewhere."""

from __future__ import annotations

import contextlib
import queue
import time
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from lowres_code.language.base import Diagnostic, Execution, Status
from lowres_code.sandbox.runner import Answer

J = TypeVar("J", bound="WaitingJob")

CLOSED = "the judge was closed before the program ran"


@dataclass(slots=True, kw_only=True)
class WaitingJob:
    """A job on its way.

    Attributes:
        future: what comes of it.
        since: when it was asked for.
        begun: whether its future is known to run, so that nobody takes it back any more.
        losses: how often whoever had it was lost with it.
    """

    future: Answer = field(default_factory=Answer)
    since: float = field(default_factory=time.monotonic)
    begun: bool = False
    losses: int = 0

    def is_wanted(self) -> bool:
        """Whether nobody has taken it back; from now on nobody can."""
        self.begun = self.begun or self.future.set_running_or_notify_cancel()
        return self.begun

    def give_up(self, reason: str) -> None:
        """It is the judge's own failure, unless somebody has taken it back."""
        if self.is_wanted():
            self.future.set_result(Execution(Status.INFRA_ERROR, diagnostics=(Diagnostic(reason),)))


class JobQueue(Generic[J]):
    """Jobs in the order in which they came, for several threads; `end` wakes all that wait for one."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[J | None] = queue.SimpleQueue()

    def put(self, job: J) -> None:
        """Somebody is to have it."""
        self._jobs.put(job)

    def end(self) -> None:
        """No thread is to wait any more."""
        self._jobs.put(None)

    def next(self, wait: bool) -> J | None:
        """A job that is still wanted; ``None`` if there is none, or, where one is waited for, when this has ended."""
        with contextlib.suppress(queue.Empty):
            while (job := self._jobs.get(block=wait)) is not None:
                if job.is_wanted():
                    return job
            self.end()  # for the other threads
        return None

    def drained(self) -> list[J]:
        """All that waits; the word to end stays, since threads wait for it."""
        drained: list[J | None] = []
        with contextlib.suppress(queue.Empty):
            while True:
                drained.append(self._jobs.get_nowait())
        if None in drained:
            self.end()
        return [job for job in drained if job is not None]
