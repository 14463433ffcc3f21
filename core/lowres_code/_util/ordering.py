"""Things that are ready in any order, given out in the order of their numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class InOrder(Generic[T]):
    """Holds what comes too early."""

    def __init__(self, first: int = 0) -> None:
        self._next = first
        self._early: dict[int, T] = {}

    def put(self, number: int, thing: T) -> Iterator[T]:
        """Add a thing; all that can be given out now. Numbers count up from ``first`` and come once each."""
        self._early[number] = thing
        while self._next in self._early:
            yield self._early.pop(self._next)
            self._next += 1
