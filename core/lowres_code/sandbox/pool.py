"""Several workers at once on this machine."""

from __future__ import annotations

import os
import queue
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

from lowres_code.errors import UsageError
from lowres_code.language.base import Execution, Language, Limits
from lowres_code.sandbox.client import WorkerClient
from lowres_code.sandbox.isolation import Isolation
from lowres_code.sandbox.runner import Ask, Job, Runner

MOST_WARM_UPS = 8  # workers that a slot keeps; the one that has waited longest goes first


def usual_size(sharers: int = 1) -> int:
    """One worker for each core of this process's share, and one more for every four, at least one.

    Between two programs a worker waits until whoever asks has read the answer and asked again. On two cores, workers as
    many as cores leave a fifth of them idle.

    Args:
        sharers: how many processes, this one among them, share the cores that it may use.
    """
    cores = max(1, len(os.sched_getaffinity(0)) // sharers)
    return cores + max(1, cores // 4)


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


class Pool(Runner):
    """Workers of one language; started as they are needed, ended by `close` or at the end of ``with``."""

    def __init__(self, language: Language, isolation: Isolation, size: int | None = None) -> None:
        """Size: how many workers; by default as `usual_size` says."""
        super().__init__(language)
        self.size = size or usual_size()
        self.isolation = isolation
        self._slots = [_Slot(language, isolation) for _ in range(self.size)]
        self._idle: queue.SimpleQueue[_Slot] = queue.SimpleQueue()
        for slot in self._slots:
            self._idle.put(slot)
        # A worker's life hangs on the thread that started it, and these threads live as long as the pool.
        self._threads = ThreadPoolExecutor(self.size, thread_name_prefix="judge")

    def start(self) -> None:
        """Start one worker now."""
        self._threads.submit(self._slots[0].client("").start).result()

    def close(self) -> None:
        """End all workers, also those that are running a program."""
        for slot in self._slots:
            slot.close()
        self._threads.shutdown(wait=True, cancel_futures=True)
        for slot in self._slots:
            slot.release()

    def _submit(self, ask: Ask, job: Job, limits: Limits) -> Future[Execution]:
        try:
            return self._threads.submit(self._one, ask, job, limits)
        except RuntimeError as error:
            raise UsageError("this judge is closed") from error

    def _one(self, ask: Ask, job: Job, limits: Limits) -> Execution:
        slot = self._idle.get()
        try:
            return slot.client(job[0]).ask(ask, *job, limits)
        finally:
            self._idle.put(slot)

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
