"""Several workers at once: programs in, results out as they come."""

from __future__ import annotations

import os
import queue
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Generic, TypeVar

from lowres_code.errors import UsageError
from lowres_code.language.base import Diagnostic, Execution, Language, Limits, Status
from lowres_code.problem import Test
from lowres_code.sandbox.client import Ask, WorkerClient
from lowres_code.sandbox.isolation import Isolation

K = TypeVar("K")
Job = tuple[str, Test]
GoOn = Callable[[K, int, Execution], bool]

MOST_WARM_UPS = 8  # workers that a slot keeps; the one that has waited longest goes first
AHEAD = 32  # groups that a stream takes for each worker, so that none waits for whoever reads the results


class _Slot:
    """Runs one program at a time; has a worker for each warm-up that was asked for."""

    def __init__(self, language: Language, isolation: Isolation) -> None:
        self._language, self._isolation = language, isolation
        self._clients: dict[str, WorkerClient] = {}
        self._closed = False

    def client(self, program: str) -> WorkerClient:
        warm_up = self._language.warm_up_of(program)
        client = self._clients.pop(warm_up, None) or WorkerClient(self._language, self._isolation, warm_up)
        self._clients[warm_up] = client  # the last is the newest
        if len(self._clients) > MOST_WARM_UPS:
            self._clients.pop(next(iter(self._clients))).release()
        if self._closed:
            client.close()
        return client

    def close(self) -> None:
        self._closed = True
        for client in list(self._clients.values()):
            client.close()

    def release(self) -> None:
        for client in self._clients.values():
            client.release()


class Pool:
    """Workers of one language; started as they are needed, ended by `close` or at the end of ``with``."""

    def __init__(self, language: Language, isolation: Isolation, size: int | None = None) -> None:
        """Size: how many workers; by default one for each core that this process may use."""
        self.size = size or len(os.sched_getaffinity(0))
        self._needs = language.needs
        self._slots = [_Slot(language, isolation) for _ in range(self.size)]
        self._idle: queue.SimpleQueue[_Slot] = queue.SimpleQueue()
        for slot in self._slots:
            self._idle.put(slot)
        # A worker's life hangs on the thread that started it, and these threads live as long as the pool.
        self._threads = ThreadPoolExecutor(self.size, thread_name_prefix="judge")

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
            UsageError: no program of this language can run, for instance because it cannot be sent to a worker.
        """
        most = self.size * AHEAD if ahead is None else ahead
        source = iter(groups)
        work: _Work[K] = _Work(lambda job: self._threads.submit(self._one, ask, job, limits), self.size, go_on)
        try:
            while True:
                while not work.groups or (len(work.groups) < most and room()):
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

    def start(self) -> None:
        """Start one worker now, so that what is wrong with it comes out before anything else begins.

        Raises:
            JudgeError: it does not start.
        """
        self._threads.submit(self._slots[0].client("").start).result()

    def close(self) -> None:
        """End all workers, also those that are running a program."""
        for slot in self._slots:
            slot.close()
        self._threads.shutdown(wait=True, cancel_futures=True)
        for slot in self._slots:
            slot.release()

    def _one(self, ask: Ask, job: Job, limits: Limits) -> Execution:
        program, test = job
        own = limits.lowered(test.limits).at_least(self._needs) if test.limits else limits
        slot = self._idle.get()
        try:
            return slot.client(program).ask(ask, program, test, own)
        finally:
            self._idle.put(slot)

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


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
        execution = _outcome(future)
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


def _outcome(future: Future[Execution]) -> Execution:
    try:
        return future.result()
    except CancelledError:
        reason = "the judge was closed before the program ran"
    except UsageError:  # no program of this language can run: nobody's verdict would be one
        raise
    except Exception as error:  # a backend's or our own: it costs one program its verdict, not all of them
        reason = f"{type(error).__name__}: {error}"
    return Execution(Status.INFRA_ERROR, diagnostics=(Diagnostic(reason),))
