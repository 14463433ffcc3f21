"""What runs programs, seen by the judge: jobs in, executions out as they come, wherever the workers are."""

from __future__ import annotations

import os
import queue
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

from lowres_code.errors import UsageError
from lowres_code.language.base import Diagnostic, Execution, Language, Status
from lowres_code.limits import Limits
from lowres_code.problem import Test

K = TypeVar("K")
Job = tuple[str, Test]
GoOn = Callable[[K, int, Execution], bool]
Ask = Literal["execute", "check_syntax", "analyse", "answers"]

AHEAD = 32  # groups that a stream takes for each worker, so that none waits for whoever reads the results


class Answer(Future[Execution]):
    """What comes of a job. Nobody who is told of it ends the thread that tells, as by `sys.exit`: others need that."""

    def add_done_callback(self, fn: Callable[[Future[Execution]], object]) -> None:
        """Have this called when it is done; what that raises is logged."""

        def tell(future: Future[Execution]) -> None:
            try:
                fn(future)
            except (Exception, KeyboardInterrupt):
                raise
            except BaseException as error:
                raise RuntimeError("whoever was told of an answer wants to end") from error

        super().add_done_callback(tell)


class Runner(ABC):
    """Runs programs of one language. May be used by several threads at once, but only by the process that made it.

    Attributes:
        size: how many programs it runs at a time.
        isolation: the isolation that is in force.
    """

    size: int
    isolation: str

    def __init__(self, language: Language) -> None:
        """Language: of the programs."""
        self._needs = language.needs
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

        ``limits`` are those of the program; its test's own are lower.

        Raises:
            UsageError: this is not the process that made the runner.
        """
        self._must_be_own()
        own = limits.lowered(job[1].limits).at_least(self._needs) if job[1].limits else limits
        return self._submit(ask, job, own)

    @property
    def _is_own(self) -> bool:
        """Whether this is the process that made it, and not a fork."""
        return os.getpid() == self._process

    def _must_be_own(self) -> None:
        if not self._is_own:
            raise UsageError("this judge belongs to another process: make one here; a pickled one makes its own")

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
        go_on: GoOn[K] | None = None,
    ) -> Generator[tuple[K, list[Execution]], None, None]:
        """Run groups of jobs. A group comes out as soon as its jobs are done, whatever became of those before it.

        Jobs that are equal and on their way at the same time run once. An exception while a job runs is the
        ``infra_error`` of that job alone. A stream that is closed drops what it has not given out.

        Args:
            groups: for each, a key of the caller's making, and its jobs; perhaps none. Read as they are needed.
            limits: of each job; its test's own are lower.
            ask: what is asked about each program.
            ahead: how many groups may be on their way; by default 32 for each worker.
            room: whether another group may be taken; not asked while none is on its way.
            go_on: called with a group's key, the place of a job in it and what came of that: whether the jobs behind it
                are wanted. The group ends with the first for which they are not; what comes out is its executions up to
                that one. So a group's jobs are begun one after another, and more at a time only while there are fewer
                groups than workers. Without it all jobs of a group are begun at once.

        Raises:
            UsageError: no program of this language can run, for instance because it cannot be sent to a worker; or
                this is not the process that made the runner.
        """
        source = iter(groups)
        work: _Work[K] = _Work(lambda job: self.submit(job, limits, ask), self.size, go_on)
        try:
            while True:
                while not work.groups or (len(work.groups) < (ahead or self.size * AHEAD) and room()):
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
                self._must_be_own()  # in a fork nobody would ever say that a job is done
                yield from work.take()
        finally:
            if self._is_own:  # a fork may find a future's lock taken for ever
                work.cancel()


def ended(threads: Iterable[threading.Thread]) -> None:
    """Wait until they have ended; not for the own thread, which may be one of them: it calls whoever is told."""
    for thread in threads:
        if thread is not threading.current_thread():
            thread.join()


@dataclass(slots=True, eq=False)
class _Group(Generic[K]):
    """Jobs that belong together. ``wanted``: so many of them, the first, must be done; ``begun``: so many are."""

    key: K
    jobs: Sequence[Job]
    wanted: int
    begun: int = 0
    executions: dict[int, Execution] = field(default_factory=dict)

    def end_at(self, place: int) -> None:
        """Want no job behind this one."""
        self.wanted = place + 1
        self.executions = {done: execution for done, execution in self.executions.items() if done <= place}


class _Work(Generic[K]):
    """The groups of a stream that are on their way."""

    def __init__(self, start: Callable[[Job], Future[Execution]], size: int, go_on: GoOn[K] | None) -> None:
        self.groups: set[_Group[K]] = set()
        self._start, self._size, self._go_on = start, size, go_on
        self._jobs: dict[Future[Execution], Job] = {}
        self._askers: dict[Job, tuple[Future[Execution], list[tuple[_Group[K], int]]]] = {}
        self._done: queue.SimpleQueue[Future[Execution]] = queue.SimpleQueue()

    def add(self, key: K, jobs: Sequence[Job]) -> None:
        """Begin a group; the workers are not told what is right."""
        group = _Group(key, [(program, test.without_answer()) for program, test in jobs], len(jobs))
        self.groups.add(group)
        self._begin(group, 1 if self._go_on else len(jobs))

    def take(self) -> Iterator[tuple[K, list[Execution]]]:
        """Wait for the next job; the groups that are whole with it."""
        if self._go_on and len(self.groups) < self._size:  # workers would be idle
            for group in self.groups:
                self._begin(group, -(-self._size // len(self.groups)))
        future = self._done.get()
        job = self._jobs.pop(future, None)
        if job is None:  # nobody wants it any more
            return
        execution = outcome(future)
        for group, place in self._askers.pop(job)[1]:
            if group not in self.groups:  # another of its jobs was the same
                continue
            self._note(group, place, execution)
            if len(group.executions) == group.wanted:
                self.groups.remove(group)
                yield group.key, [group.executions[place] for place in range(group.wanted)]
            else:
                self._begin(group, 1)

    def _begin(self, group: _Group[K], at_a_time: int) -> None:
        """Begin the next jobs of a group, until so many are on their way."""
        while group.begun < group.wanted and group.begun - len(group.executions) < at_a_time:
            self._ask(group, group.begun)
            group.begun += 1

    def _ask(self, group: _Group[K], place: int) -> None:
        job = group.jobs[place]
        if job not in self._askers:
            future = self._start(job)
            self._askers[job] = future, []
            self._jobs[future] = job
            future.add_done_callback(self._done.put)
        self._askers[job][1].append((group, place))

    def _note(self, group: _Group[K], place: int, execution: Execution) -> None:
        if place >= group.wanted:
            return
        group.executions[place] = execution
        if self._go_on is not None and not self._go_on(group.key, place, execution):
            group.end_at(place)
            for other in range(group.wanted, group.begun):
                self._forget(group, other)

    def _forget(self, group: _Group[K], place: int) -> None:
        """Spare a job that is on its way, unless another group asks for it or it runs already."""
        future, askers = self._askers.get(group.jobs[place], (None, []))
        if (group, place) in askers:
            askers.remove((group, place))
        if future is not None and not askers and future.cancel():
            del self._askers[self._jobs.pop(future)]

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
