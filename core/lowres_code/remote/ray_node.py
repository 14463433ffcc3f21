"""The judge at one node of a Ray cluster: what Ray runs there. It knows nothing of Ray."""

from __future__ import annotations

import queue
import time
from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial

from lowres_code.errors import LowresCodeError, UsageError
from lowres_code.language.base import Execution, Language, Limits
from lowres_code.remote.wire import data_of
from lowres_code.sandbox.isolation import choose_isolation
from lowres_code.sandbox.pool import Pool
from lowres_code.sandbox.runner import Ask, Job, outcome

ROUNDS = 8  # jobs that a node holds for each worker; the next come when half of them are done
_LONGEST_S = 0.1  # so long what is done waits for more

Posted = tuple[int, Ask, Job, Limits]  # with the number that its sender has given it
Ended = tuple[int, Execution | str]  # why it was not run, where that is a text


class NodeJudge:
    """Workers at one node, asked by one thread."""

    def __init__(self, size: int) -> None:
        """Size: how many workers."""
        self._size = size
        self._pool: Pool | None = None
        self._running = 0
        self._done: queue.SimpleQueue[tuple[int, Future[Execution]]] = queue.SimpleQueue()

    def start(self, language: Language, data: str, isolation: str) -> tuple[str, str]:
        """Start the first worker.

        Args:
            language: of the programs.
            data: what the language says and does, as the sender has it (`data_of`).
            isolation: ``"auto"``, or the name of one.

        Returns:
            The isolation that is in force, and why no program can be run here, if so.
        """
        if missing := language.missing():
            return "", missing.message(language.name)
        if data_of(language) != data:
            return "", f"it has another version of {language.title}: install the same lowres-code everywhere"
        try:
            self._pool = Pool(language, choose_isolation(isolation, language.forks), self._size)
            self._pool.start()
        except LowresCodeError as error:
            self.close()
            return "", str(error)
        return self._pool.isolation, ""

    def exchange(self, posted: Sequence[Posted]) -> list[Ended]:
        """Begin jobs; what is done by now of these and those before, with some patience so that it is worth sending."""
        assert self._pool is not None
        for number, ask, job, limits in posted:
            self._running += 1
            self._pool.submit(job, limits, ask).add_done_callback(partial(self._end, number))
        return self._ended()

    def close(self) -> None:
        """End the workers."""
        if self._pool is not None:
            self._pool.close()

    def _end(self, number: int, future: Future[Execution]) -> None:
        self._done.put((number, future))

    def _ended(self) -> list[Ended]:
        ended: list[Ended] = []
        until = time.monotonic() + _LONGEST_S
        while self._running and len(ended) < self._size * ROUNDS // 2:
            try:
                number, future = self._done.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                break
            self._running -= 1
            ended.append((number, _told(future)))
        return ended


def _told(future: Future[Execution]) -> Execution | str:
    try:
        return outcome(future)
    except UsageError as error:
        return str(error)
