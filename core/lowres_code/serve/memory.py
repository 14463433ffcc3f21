"""What a server may hold for all its clients together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_BYTES_OF_TEXT = 16  # of what is asked: a completion and its program, in Python four bytes for each character
_BYTES_OF_OUTPUT = 12  # of what is printed: in JSON \uXXXX, once as the answer and once as standard output


class Memory:
    """Counts bytes; who needs some waits for a turn while there are too many.

    Attributes:
        answer: bytes that an answer may have.
        held: at the moment.
    """

    def __init__(self, most: int, output_kb: int, programs: int) -> None:
        """Args:
        most: bytes; raised to what the answers of ``programs`` may have together.
        output_kb: of a program, at most.
        programs: so many can be worked on at a time in any case.
        """
        self.answer = _BYTES_OF_OUTPUT * output_kb * 1024
        self._most, self.held = max(most, programs * self.answer), 0
        self._turn, self._freed = asyncio.Lock(), asyncio.Event()

    @asynccontextmanager
    async def to_work_on(self, asked: int) -> AsyncIterator[None]:
        """Hold what a program needs, of which so many bytes were sent, from when there is room for it."""
        size = _BYTES_OF_TEXT * asked + self.answer
        async with self._turn:  # who came first gets some first
            while self.held and self.held + size > self._most:
                self._freed.clear()
                await self._freed.wait()
            self.add(size)
        try:
            yield
        finally:
            self.add(-size)

    def add(self, size: int) -> None:
        """So many more are held, room or not; or fewer."""
        self.held += size
        if size < 0:
            self._freed.set()
