"""Work that goes on beside other work: what has come meanwhile is done together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")


class Background(Generic[T]):
    """Hands what is `put` to a function in a thread of its own, as much at a time as has come.

    At the end of ``with`` all of it is done, also after an exception in the block, which then goes on. What the
    function itself raises ends it all.
    """

    def __init__(self, work: Callable[[Sequence[T]], None]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._waiting: list[T] = []
        self._going: Future[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="background")

    def put(self, item: T) -> None:
        """Have it done.

        Raises:
            Exception: whatever the function has raised for an earlier one.
        """
        with self._lock:
            self._waiting.append(item)
            if self._going is None or self._going.done():
                self._raise()
                self._going = self._thread.submit(self._drain)

    def _drain(self) -> None:
        while items := self._taken():
            self._work(items)

    def _taken(self) -> list[T]:
        with self._lock:
            items, self._waiting = self._waiting, []
            if not items:
                self._going = None  # whoever comes now begins anew
            return items

    def _raise(self) -> None:
        if self._going is not None:
            self._going.result()

    def __enter__(self) -> Background[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown(wait=True)
        if kind is None:
            self._raise()
