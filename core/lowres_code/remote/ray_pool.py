"""Programs run at all nodes of a Ray cluster: as `lowres_code.sandbox.pool`, but over many machines."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass

from lowres_code.errors import JudgeError, UsageError
from lowres_code.language.base import Execution, Language, Limits
from lowres_code.problem import Test
from lowres_code.remote.ray_cluster import Cluster, Node, NodeLostError, PlacedJudge
from lowres_code.remote.ray_node import ROUNDS, Ended, Posted
from lowres_code.remote.waiting import CLOSED, JobQueue, WaitingJob
from lowres_code.remote.wire import data_of
from lowres_code.sandbox.runner import Ask, Job, Runner, ended

PATIENCE_S = 60.0  # so long jobs wait when no node is left
MOST_LOSSES = 3  # judges that are lost with a job, until it is given up: it may be what takes them down
_FIRST_S, _REST_S = 120.0, 20.0  # for the first node to come up; for the others after it
_SILENT_S = 60.0  # a node answers ten times in a second
_LOOK_S = 1.0
_LONGEST_PAUSE_S = 60.0


@dataclass(slots=True, eq=False)
class _Job(WaitingJob):
    """A job on its way, as a node gets it."""

    posted: Posted


@dataclass(slots=True)
class _Place:
    """What has become of a node.

    Attributes:
        node: which.
        size: its workers.
        isolation: in force there; empty while it is not up.
        problem: why it is not up, if that is known.
        failures: in a row.
        again_at: when to try it again.
        thread: that asks it.
    """

    node: Node
    size: int
    isolation: str = ""
    problem: str = ""
    failures: int = 0
    again_at: float = 0.0
    thread: threading.Thread | None = None

    def is_free(self) -> bool:
        return self.thread is None or not self.thread.is_alive()


class RayPool(Runner):
    """A judge at each node of a Ray cluster; nodes may come and go, and what one loses, another gets.

    A job is an ``infra_error`` if `MOST_LOSSES` judges were lost while they had it, or if there has been no node for
    `PATIENCE_S`.
    """

    def __init__(self, language: Language, address: str, isolation: str = "auto", workers: int | None = None) -> None:
        """Args:
            language: of the programs.
            address: of the cluster; see `lowres_code.remote.ray_cluster.check_address`.
            isolation: at each node; ``"auto"``, or the name of one.
            workers: at each node; by default, and at most, one for each core that it gives to Ray.

        Raises:
            UsageError: it is no address, or Ray is not installed.
            JudgeError: there is no cluster, a node cannot run programs of this language, or none has free cores.
        """
        super().__init__(language)
        self.size = 0
        self._asked = (language, data_of(language), isolation)
        self._workers = workers
        self._numbers = itertools.count()
        self._waiting: JobQueue[_Job] = JobQueue()
        self._closed = threading.Event()
        self._places: dict[str, _Place] = {}
        self._changed = threading.Condition()  # what is known of a place
        self._cluster = Cluster(address)
        self._watcher = threading.Thread(target=self._watch, name="ray nodes", daemon=True)
        self._watcher.start()
        try:
            self._await_nodes()
        except BaseException:
            self.close()
            raise
        self.isolation = ", ".join(sorted({place.isolation for place in self._up()}))

    def start(self) -> None:
        """Nothing: that programs can be run was seen when this was made."""

    def close(self) -> None:
        """Give up what is on its way, and end the judges."""
        self._closed.set()
        self._waiting.end()
        try:
            ended([self._watcher])
            ended(place.thread for place in self._places.values() if place.thread is not None)
        finally:  # whoever waits may be interrupted
            self._give_up_all(CLOSED)
            self._cluster.close()

    def _submit(self, ask: Ask, job: Job, limits: Limits) -> Future[Execution]:
        if self._closed.is_set():
            raise UsageError("this judge is closed")
        program, test = job
        asked = Test(stdin=test.stdin, query=test.query)  # no program is ever near the answer
        sent = _Job((next(self._numbers), ask, (program, asked), limits))
        self._waiting.put(sent)
        if self._closed.is_set():  # meanwhile
            self._give_up_all(CLOSED)
        return sent.future

    def _up(self) -> list[_Place]:
        return [place for place in [*self._places.values()] if place.isolation]

    def _watch(self) -> None:
        """Use the nodes that there are, those that join and, after a pause, those that failed."""
        seen_at = time.monotonic()
        while not self._closed.is_set():
            self._look()
            if self._up():
                seen_at = time.monotonic()
            elif time.monotonic() - seen_at > PATIENCE_S:
                reasons = [place.problem for place in self._places.values() if place.problem]
                self._give_up_all("; ".join(["no node of the Ray cluster is left", *reasons]))
            self._closed.wait(_LOOK_S)

    def _look(self) -> None:
        alive = {node.id: node for node in self._cluster.nodes()}
        with self._changed:
            for gone in [name for name, place in self._places.items() if name not in alive and place.is_free()]:
                del self._places[gone]
            for name, node in alive.items():
                place = self._places.setdefault(name, _Place(node, min(self._workers or node.cores, node.cores)))
                if place.is_free() and time.monotonic() >= place.again_at:
                    thread = threading.Thread(target=self._use, args=[place], name="ray judge", daemon=True)
                    with contextlib.suppress(RuntimeError):  # no thread is to be had now; the next look tries again
                        thread.start()
                        place.thread = thread
            self._changed.notify_all()

    def _await_nodes(self) -> None:
        """Wait until each node has come up, or one has and the others take too long.

        Raises:
            JudgeError: one cannot run programs, or none comes up.
        """
        until = time.monotonic() + _FIRST_S
        with self._changed:
            while self._is_open() and time.monotonic() < until:
                self._changed.wait(_LOOK_S)
                until = min(until, time.monotonic() + _REST_S) if self._up() else until
            places = [*self._places.values()]
        if problems := [place.problem for place in places if place.problem]:
            raise JudgeError("; ".join(problems))
        if not self._up():
            names = ", ".join(place.node.name for place in places) or "it has no nodes with cores"
            raise JudgeError(f"no node of the Ray cluster has free cores ({names}): take fewer of each with --workers")

    def _is_open(self) -> bool:
        """Whether it is not known yet of some node, or of all, what becomes of it."""
        return not self._places or any(not (place.isolation or place.problem) for place in self._places.values())

    def _use(self, place: _Place) -> None:
        """Have a node run jobs until it is lost or this is closed."""
        on_way: dict[int, _Job] = {}
        reason = ""
        judge: PlacedJudge | None = None
        try:
            judge = self._cluster.judge_at(place.node, place.size, lambda: not self._closed.is_set())
            self._tell(place, isolation=self._begun(judge, place))
            while not self._closed.is_set():
                self._exchange(judge, place, on_way)
        except Exception as error:  # whatever it is costs nobody the verdict, if another node does better
            reason = str(error) or type(error).__name__
            self._tell(place, problem=reason)
        self._put_back(on_way.values(), reason)
        if judge is not None:
            judge.end(gently=not reason)

    def _begun(self, judge: PlacedJudge, place: _Place) -> str:
        """Have a judge begin, which may take long until the cores are free; its isolation."""
        isolation, problem = judge.ask("start", *self._asked)
        if problem:
            raise NodeLostError(f"node {place.node.name}: {problem}")
        return str(isolation)

    def _tell(self, place: _Place, isolation: str = "", problem: str = "") -> None:
        with self._changed:
            place.isolation, place.problem = isolation, problem
            if problem:
                place.failures += 1
                place.again_at = time.monotonic() + min(2.0**place.failures, _LONGEST_PAUSE_S)
            self.size = sum(place.size for place in self._up())
            self._changed.notify_all()

    def _exchange(self, judge: PlacedJudge, place: _Place, on_way: dict[int, _Job]) -> None:
        """Send as many jobs as the node has room for, and take those that are done."""
        new = self._taken(place.size * ROUNDS - len(on_way), wait=not on_way)
        on_way.update((job.posted[0], job) for job in new)
        if not on_way:  # this is closed
            return
        ended: list[Ended] = judge.ask("exchange", [job.posted for job in new], within_s=_SILENT_S)
        for number, execution in ended:
            future = on_way.pop(number).future
            if isinstance(execution, str):
                future.set_exception(UsageError(f"node {place.node.name} refuses a program: {execution}"))
            else:
                future.set_result(execution)
            place.failures = 0

    def _taken(self, most: int, wait: bool) -> list[_Job]:
        """What waits, but no more than so much; wait for the first, if there is none, until this is closed."""
        taken: list[_Job] = []
        while len(taken) < most and (job := self._waiting.next(wait and not taken)):
            taken.append(job)
        return taken

    def _put_back(self, jobs: Iterable[_Job], reason: str) -> None:
        """Another node is to have them, unless several were lost with them."""
        for job in jobs:
            job.losses += 1
            if self._closed.is_set():
                job.give_up(CLOSED)
            elif job.losses >= MOST_LOSSES:
                job.give_up(f"lost {job.losses} times: {reason}")
            else:
                self._waiting.put(job)

    def _give_up_all(self, reason: str) -> None:
        """What waits, when nobody takes it any more."""
        for job in self._waiting.drained():
            job.give_up(reason)
