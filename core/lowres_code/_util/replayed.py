"""Something that can be gone through only once, gone through as often as one likes."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Replayed(Generic[T]):
    """Keeps what an iterable has given; more is taken from it only when somebody goes further than all before.

    Several threads may do so at once.
    """

    def __init__(self, source: Iterable[T]) -> None:
        self._source, self._kept = iter(source), list[T]()
        self._taking = threading.Lock()

    def __iter__(self) -> Iterator[T]:
        place = 0
        while True:
            with self._taking:
                if place == len(self._kept):
                    try:
                        self._kept.append(next(self._source))
                    except StopIteration:
                        return
            yield self._kept[place]
            place += 1
