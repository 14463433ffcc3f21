"""What runs programs, seen by the judge: jobs in, executions out as they come, wherever the workers are."""

from __future__ import annotations

import os
import queue
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

from lowres_code.errors import UsageError
from lowres_code.language.base import Diagnostic, Execution, Limits, Status
from lowres_code.problem import Test

K = TypeVar("K")
Job = tuple[str, Test]
Ask = Literal["execute", "check_syntax", "analyse"]

AHEAD = 32  # groups that a stream takes for each worker, so that none waits for whoever reads the results


class Runner(ABC):
    """Runs programs of one language. May be used by several threads at once, but only by the process that made it.

    Attributes:
        size: how many programs it runs at a time.
        isolation: the isolation that is in force.
    """

    size: int
    isolation: str

    def __init__(self) -> None:
        self._process = os.getpid()

    @abstractmethod
    def start(self) -> None:
        """See now that programs can be run, so that what is wrong comes out before anything else begins.

        Raises:
            JudgeError: they cannot.
        """

    @abstractmethod
    def close(self) -> None:
        """End it; what it has not begun comes out as its own failure."""

    @abstractmethod
    def _submit(self, ask: Ask, job: Job, limits: Limits) -> Future[Execution]:
        """Begin as soon as there is room."""

    def submit(self, job: Job, limits: Limits, ask: Ask = "execute") -> Future[Execution]:
        """Ask about one program as soon as there is room; nobody waits. Pass the future to `outcome`.

        Raises:
            UsageError: this is not the process that made the runner.
        """
        if os.getpid() != self._process:
            raise UsageError("this judge belongs to another process: make one here; a pickled one makes its own")
        return self._submit(ask, job, limits)

    def run(self, jobs: Sequence[Job], limits: Limits, ask: Ask = "execute") -> list[Execution]:
        """Run each program once with its test; results in the order of the jobs. Equal jobs run once."""
        groups = ((place, (job,)) for place, job in enumerate(jobs))
        done = dict(self.stream(groups, limits, ask, ahead=len(jobs)))
        return [done[place][0] for place in range(len(jobs))]

    def stream(
        self,
        groups: Iterable[tuple[K, Sequence[Job]]],
        limits: Limits,
        ask: Ask = "execute",
        ahead: int | None = None,
        room: Callable[[], bool] = lambda: True,
    ) -> Generator[tuple[K, list[Execution]], None, None]:
        """Run groups of jobs. A group comes out as soon as its jobs are done, whatever became of those before it.

        Jobs that are equal and on their way at the same time run once. An exception while a job runs is the
        ``infra_error`` of that job alone. A stream that is closed drops what it has not given out.

        Args:
            groups: for each, a key of the caller's making, and its jobs; perhaps none. Read as they are needed.
            limits: of each job.
            ask: what is asked about each program.
            ahead: how many groups may be on their way; by default 32 for each worker.
            room: whether another group may be taken; not asked while none is on its way.

        Raises:
            UsageError: no program of this language can run, for instance because it cannot be sent to a worker.
        """
        most = self.size * AHEAD if ahead is None else ahead
        source = iter(groups)
        work: _Work[K] = _Work(lambda job: self.submit(job, limits, ask))
        try:
            while True:
                while not work.groups or (work.groups < most and room()):
                    try:
                        key, jobs = next(source)
                    except StopIteration:
                        break
                    if jobs:
                        work.add(key, jobs)
                    else:
                        yield key, []
                if not work.groups:
                    return
                yield from work.take()
        finally:
            work.cancel()


@dataclass(slots=True)
class _Group(Generic[K]):
    key: K
    size: int
    executions: dict[int, Execution] = field(default_factory=dict)


class _Work(Generic[K]):
    """The groups of a stream that are on their way."""

    def __init__(self, start: Callable[[Job], Future[Execution]]) -> None:
        self.groups = 0
        self._start = start
        self._jobs: dict[Future[Execution], Job] = {}
        self._askers: dict[Job, list[tuple[_Group[K], int]]] = {}
        self._done: queue.SimpleQueue[Future[Execution]] = queue.SimpleQueue()

    def add(self, key: K, jobs: Sequence[Job]) -> None:
        """Begin a group; the workers are not told what is right."""
        group = _Group(key, len(jobs))
        self.groups += 1
        for place, (program, test) in enumerate(jobs):
            job = (program, test.without_answer())
            if job not in self._askers:
                self._askers[job] = []
                future = self._start(job)
                self._jobs[future] = job
                future.add_done_callback(self._done.put)
            self._askers[job].append((group, place))

    def take(self) -> Iterator[tuple[K, list[Execution]]]:
        """Wait for the next job; the groups that are whole with it."""
        future = self._done.get()
        execution = outcome(future)
        for group, place in self._askers.pop(self._jobs.pop(future)):
            group.executions[place] = execution
            if len(group.executions) == group.size:
                self.groups -= 1
                yield group.key, [group.executions[place] for place in range(group.size)]

    def cancel(self) -> None:
        """Begin nothing more."""
        for future in self._jobs:
            future.cancel()


def outcome(future: Future[Execution]) -> Execution:
    """What came of a job; whatever goes wrong with it is the judge's failure of that job alone.

    Raises:
        UsageError: no program of this language can run.
    """
    try:
        return future.result()
    except CancelledError:
        reason = "the judge was closed before the program ran"
    except UsageError:  # no program of this language can run: nobody's verdict would be one
        raise
    except Exception as error:  # a backend's or our own: it costs one program its verdict, not all of them
        reason = f"{type(error).__name__}: {error}"
    return Execution(Status.INFRA_ERROR, diagnostics=(Diagnostic(reason),))
