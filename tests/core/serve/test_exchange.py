"""How much of a stream a server holds: lines that are read ahead, and answers that are not taken."""

from __future__ import annotations

import asyncio

import pytest
from lowres_code.serve.exchange import Exchange
from lowres_code.serve.host import Bounds
from lowres_code.serve.memory import Memory
from starlette.types import Message

LINE = b"x" * 999 + b"\n"
BOUNDS = Bounds(longest_line=10_000, ahead=1_000)


def memory(most: int = 10**9) -> Memory:
    return Memory(most, output_kb=1, programs=1)


class Client:
    """Sends as many lines as are taken, and perhaps takes no answers."""

    def __init__(self, lines: int, takes: bool) -> None:
        self.lines, self.sent, self.answers = lines, 0, b""
        self._takes = asyncio.Event()
        if takes:
            self._takes.set()

    async def receive(self) -> Message:
        if self.sent == self.lines:
            await asyncio.Event().wait()
        self.sent += 1
        return {"type": "http.request", "body": LINE, "more_body": self.sent < self.lines}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.body":
            await self._takes.wait()
            self.answers += message["body"]

    def take(self) -> None:
        self._takes.set()


@pytest.mark.parametrize("in_order", [True, False])
def test_lines_that_are_read_ahead_are_bounded_in_bytes(in_order: bool) -> None:
    async def scene() -> None:
        client, go = Client(500, takes=True), asyncio.Event()

        async def work(number: int, line: bytes) -> bytes:
            await go.wait()
            return b"%d\n" % number

        exchange = Exchange(work, 1, BOUNDS, asyncio.Event(), in_order, lambda *_: b"", memory())
        running = asyncio.ensure_future(exchange({}, client.receive, client.send))
        for _ in range(2_000):
            await asyncio.sleep(0)
        assert client.sent <= 15  # ten lines of 1,000 bytes, and what is on its way to them
        go.set()
        await running
        assert sorted(map(int, client.answers.split())) == list(range(1, 501))

    asyncio.run(scene())


@pytest.mark.parametrize("in_order", [True, False])
def test_answers_that_are_not_taken_are_bounded_in_bytes(in_order: bool) -> None:
    async def scene() -> None:
        client, done = Client(500, takes=False), 0

        async def work(number: int, line: bytes) -> bytes:
            nonlocal done
            done += 1
            await asyncio.sleep(0)
            return b"%04d" % number + b"y" * 4_995 + b"\n"

        exchange = Exchange(work, 1, BOUNDS, asyncio.Event(), in_order, lambda *_: b"", memory())
        running = asyncio.ensure_future(exchange({}, client.receive, client.send))
        for _ in range(2_000):
            await asyncio.sleep(0)
        assert done <= 5  # two of 5,000 bytes, two that were begun before, and the one that is being sent
        client.take()
        await running
        assert sorted(int(line[:4]) for line in client.answers.splitlines()) == list(range(1, 501))

    asyncio.run(scene())
