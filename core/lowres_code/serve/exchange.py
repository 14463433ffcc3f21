"""A request of many lines, answered line by line while it is still being sent, in constant memory."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from lowres_code._util.lines import Lines
from lowres_code.remote.wire import NDJSON
from lowres_code.serve.host import Bounds
from lowres_code.serve.memory import Memory

log = logging.getLogger("lowres_code.serve")
T = TypeVar("T")
_HEARTBEAT = b"\n"

Last = Callable[[int, str], bytes]  # how many lines were read, and why no more, to what is said of the others
_Begun = tuple[asyncio.Task[bytes], int]  # with the bytes of its line
Work = Callable[[int, bytes], Awaitable[bytes]]  # the number of a line, from 1, and the line, to what is answered


class _Bytes:
    """How many bytes there are of something; whoever is about to make more waits while there are too many."""

    def __init__(self, most: int) -> None:
        self._most, self._there, self._is_room = most, 0, asyncio.Event()
        self._is_room.set()

    def add(self, size: int) -> None:
        """So many more, or fewer."""
        self._there += size
        if self._there < self._most:
            self._is_room.set()
        else:
            self._is_room.clear()

    async def wait(self) -> None:
        """Until there is room."""
        await self._is_room.wait()


class Exchange(Response):
    """Works on the lines of a request, some at a time, and sends what comes of each.

    A client that sends faster than programs run is not read from; one that does not take its answers gets no more.
    """

    def __init__(
        self,
        work: Work,
        workers: int,
        bounds: Bounds,
        stopping: asyncio.Event,
        in_order: bool,
        last: Last,
        memory: Memory,
    ) -> None:
        """Args:
        work: on one line; does not raise.
        workers: programs at a time; no more than twice as many lines of one request are worked on at once, so
            that other requests have their turn.
        bounds: of the server.
        stopping: set when the server is to end: no more is read then, and what was read is answered.
        in_order: whether answers come in the order of the lines, or as they are done.
        last: what is said, if anything, when lines are left that are not worked on.
        memory: what all requests together may hold.
        """
        super().__init__(media_type=NDJSON, headers={"Cache-Control": "no-store"})
        del self.headers["content-length"]
        self._work, self._last, self._bounds, self._stopping, self._in_order = work, last, bounds, stopping, in_order
        self._memory, self._held = memory, 0  # the latter: answers that are not taken
        self._share = asyncio.Semaphore(2 * workers)
        self._room = asyncio.Semaphore(bounds.ahead * workers)
        self._read_ahead, self._unsent = _Bytes(bounds.longest_line), _Bytes(bounds.longest_line)
        self._messages: asyncio.Queue[Message] = asyncio.Queue(maxsize=2)
        self._results: asyncio.Queue[_Begun | None] = asyncio.Queue()
        self._open: set[asyncio.Task[bytes]] = set()
        self._is_whole = False  # all lines of the request have been read
        self._refused = ""  # why the rest of them is not
        self._line_at = asyncio.get_running_loop().time()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As an ASGI application."""
        receiving = asyncio.ensure_future(self._receive(receive))
        answering = asyncio.ensure_future(self._answer(send))  # second: who waits for `100 Continue` gets it by then
        try:
            await asyncio.wait({answering, receiving}, return_when="FIRST_COMPLETED")  # the latter: the client is gone
            if answering.done() and (error := answering.exception()):
                log.error("a stream is broken off", exc_info=error)
        finally:
            await _end({answering, receiving, *self._open})
            self._hold(-self._held)

    async def _receive(self, receive: Receive) -> None:
        """Take what the client sends, as there is room for it, until it is gone."""
        while (message := await receive())["type"] != "http.disconnect":
            await self._messages.put(message)

    async def _answer(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        reading = asyncio.ensure_future(self._read())
        try:
            async for piece in self._answers():
                await asyncio.wait_for(_taken(send, piece), self._bounds.idle_s)
                self._hold(-len(piece) if piece != _HEARTBEAT else 0)
            await reading
            if not self._refused:  # else the answer is broken off too, and the connection closed
                await _send(send, b"", False)
        except (TimeoutError, OSError):
            pass  # nobody is there to be told, or it has been waited for too long
        finally:
            await _end({reading})

    async def _read(self) -> None:
        """Begin one line after another."""
        number = 0
        try:
            async for line in self._lines():
                await self._room.acquire()
                await self._read_ahead.wait()
                number += 1
                self._begin(self._shared(number, line), len(line))
            if not self._is_whole:
                last = self._last(number, self._refused or "the server ends")
                self._hold(len(last))
                self._begin(_given(last))
        finally:
            while self._open and not self._in_order:  # who waits for all of them holds what all of them say
                await asyncio.wait({*self._open}, return_when="FIRST_COMPLETED")
            self._results.put_nowait(None)

    def _begin(self, work: Awaitable[bytes], size: int = 0) -> None:
        begun = (asyncio.ensure_future(work), size)
        self._read_ahead.add(size)
        self._open.add(begun[0])
        begun[0].add_done_callback(self._open.discard)
        if self._in_order:
            self._results.put_nowait(begun)
        else:
            begun[0].add_done_callback(lambda _: self._results.put_nowait(begun))

    async def _shared(self, number: int, line: bytes) -> bytes:
        async with self._share:  # in the order of the lines: of the first that is not sent nothing waits for another
            await self._unsent.wait()
            async with self._memory.to_work_on(len(line)):
                piece = await self._work(number, line)
                self._hold(len(piece))
        self._unsent.add(len(piece))
        return piece

    def _hold(self, size: int) -> None:
        self._held += size
        self._memory.add(size)

    async def _answers(self) -> AsyncIterator[bytes]:
        """What is to be sent: answers, and empty lines while there are none."""
        getting = asyncio.ensure_future(self._next())
        try:
            while True:
                if not (await asyncio.wait({getting}, timeout=self._bounds.heartbeat_s))[0]:
                    yield _HEARTBEAT
                elif (piece := getting.result()) is None:
                    return
                else:
                    yield piece
                    getting = asyncio.ensure_future(self._next())
        finally:
            await _end({getting})

    async def _next(self) -> bytes | None:
        """The next answer, when it is there; ``None`` when there are no more."""
        if (begun := await self._results.get()) is None:
            return None
        task, size = begun
        piece = await task
        self._room.release()
        self._read_ahead.add(-size)
        self._unsent.add(-len(piece))
        return piece

    async def _lines(self) -> AsyncIterator[bytes]:
        """The lines of the request that say something, until its end or the server's.

        They end too where a line is too long, or takes too long while nothing of the client's is being worked on.
        """
        lines, more = Lines(), True
        while more and not self._stopping.is_set():
            message = await self._message()
            if message is None:
                return
            more = message.get("more_body", False)
            for line in filter(bytes.strip, lines.feed(message.get("body", b""))):
                if self._stopping.is_set():
                    return
                self._line_at = asyncio.get_running_loop().time()
                yield line
            if lines.size > self._bounds.longest_line:
                self._refused = f"a line may have {self._bounds.longest_line} bytes"
                return
        if more:
            return
        if lines.rest().strip() and not self._stopping.is_set():
            yield lines.rest()
        self._is_whole = True

    async def _message(self) -> Message | None:
        """The next part of the request; ``None`` when the server is to end, or the client takes too long."""
        getting = asyncio.ensure_future(self._messages.get())
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            while True:
                await asyncio.wait({getting, stopping}, timeout=self._left_s(), return_when="FIRST_COMPLETED")
                if getting.done():
                    return getting.result()
                if stopping.done():
                    return None
                if not self._open and self._left_s() <= 0:
                    self._refused = f"none has come for {self._bounds.idle_s:g} s"
                    return None
        finally:
            await _end({getting, stopping})

    def _left_s(self) -> float:
        """How long the next line may still take; a client whose programs are being run may think about it."""
        now = asyncio.get_running_loop().time()
        if self._open:
            self._line_at = now
        return self._line_at + self._bounds.idle_s - now


async def while_there(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """What comes of some work, which is given up if the client goes away.

    Raises:
        ClientDisconnect: it has.
    """
    working, gone = asyncio.ensure_future(work), asyncio.ensure_future(_gone(request.receive))
    try:
        await asyncio.wait({working, gone}, return_when="FIRST_COMPLETED")
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        await _end({working, gone})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _end(tasks: set[asyncio.Future[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _given(piece: bytes) -> bytes:
    return piece


async def _taken(send: Send, body: bytes) -> None:
    """Send something, and wait until it is on its way."""
    await _send(send, body, True)
    await _send(send, b"", True)


async def _send(send: Send, body: bytes, more: bool) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more})
