"""Who may ask, and how much at once: in front of the application."""

from __future__ import annotations

import asyncio
import hmac
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lowres_code._util.records import shown
from lowres_code.serve.host import Bounds
from lowres_code.serve.memory import Memory
from lowres_code.serve.messages import JSON
from lowres_code.serve.metrics import Metrics
from lowres_code.serve.refusals import refusal, wrong_method

OPEN = ("/health", "/docs", "/openapi.json")  # what everybody may see
_READS = ("GET", "HEAD")
_MOST_HELD = 64 * 2**20  # bytes of all requests that are one line each
STREAMED = ("/v1/execute", "/v1/judge/stream")  # they look at their own size and time
_ADDRESS = re.compile(r"(?:https?://)?\[?([\w.:-]*?)\]?(?::\d*)?", re.ASCII)  # in the headers Host and Origin
_Headers = Sequence[tuple[bytes, bytes]]


class _RefusedError(Exception):
    """A request whose body is not waited for."""

    def __init__(self, status: int, reason: str, said: str, header: tuple[bytes, bytes] | None = None) -> None:
        super().__init__(said)
        self.status, self.reason, self.headers = status, reason, [header] if header else []


class Guard:
    """Lets requests through that may ask, and of these no more than the server takes.

    With a token, whoever has it may ask. Without one, only who addresses this machine by a name that is its own: a web
    page in somebody's browser, that has another name led here or is of another machine, may not.
    """

    def __init__(
        self,
        app: ASGIApp,
        token: str | None,
        hosts: Collection[str],
        bounds: Bounds,
        metrics: Metrics,
        memory: Memory,
    ) -> None:
        """Args:
        app: behind it.
        token: that a request must bear; ``None``: none.
        hosts: names of this machine, where there is no token.
        bounds: of the server.
        metrics: counts what is refused.
        memory: what all requests together may hold.
        """
        self._app, self._bounds, self._metrics, self._memory, self._held = app, bounds, metrics, memory, 0
        self._token, self._hosts = None if token is None else token.encode(), {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As an ASGI application."""
        if scope["type"] != "http":
            return
        try:
            self._may_ask(scope["method"], scope["path"], scope["headers"])
            if scope["path"] in (*OPEN, *STREAMED):  # the former take nothing
                await self._app(scope, receive, send)
            else:
                with self._holding() as held:
                    await self._app(scope, await self._received(receive, held), self._counted(send))
        except _RefusedError as refused:
            self._metrics.refused.labels(refused.reason).inc()
            await _answer(send, refused.status, str(refused), refused.headers)

    def _may_ask(self, method: str, path: str, headers: _Headers) -> None:
        if path in OPEN:
            if method not in _READS:
                said, allow = wrong_method(path, method, _READS), ", ".join(_READS).encode()
                raise _RefusedError(405, "token", said, (b"allow", allow))
        elif self._token is not None:
            if said := _wrong_token(headers, self._token):
                raise _RefusedError(401, "token", said, (b"www-authenticate", b"Bearer"))
        elif (strange := self._strange(headers)) is not None:
            names = ", ".join(sorted(self._hosts))
            raise _RefusedError(403, "token", f"{strange}; without a token only {names} can be addressed, from there")

    def _strange(self, headers: _Headers) -> str | None:
        """What addresses another machine than this one, or comes from another one's web page."""
        for name, said in (("Host", _one(headers, b"host")), *(("Origin", one) for one in _all(headers, b"origin"))):
            found = _ADDRESS.fullmatch(said.decode("latin-1"))
            if not found or found[1].lower() not in self._hosts:
                return f"the header {name} is {shown(said.decode('latin-1'))}"
        return None

    def _counted(self, send: Send) -> Send:
        """The same, which waits until a body is on its way; until then it is held."""

        async def counting(message: Message) -> None:
            if not (size := len(message.get("body", b""))):
                return await send(message)
            self._memory.add(size)
            try:
                await send({**message, "more_body": True})
                await send({**message, "body": b""})
            finally:
                self._memory.add(-size)

        return counting

    @contextmanager
    def _holding(self) -> Iterator[list[int]]:
        """Counts what all requests hold while they last."""
        held: list[int] = []
        try:
            yield held
        finally:
            self._held -= sum(held)

    async def _received(self, receive: Receive, held: list[int]) -> Receive:
        """The same, when the whole body is there: not too much of it, and not too slowly."""
        try:
            body = await asyncio.wait_for(self._body(receive, held), self._bounds.idle_s)
        except TimeoutError as error:
            raise _RefusedError(408, "slow", f"the request took over {self._bounds.idle_s:g} s") from error
        messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Message:
            return messages.pop() if messages else await receive()

        return again

    async def _body(self, receive: Receive, held: list[int]) -> bytes:
        body, more = bytearray(), True
        while more:
            message = await receive()
            body += message.get("body", b"")
            held.append(len(message.get("body", b"")))
            self._held += held[-1]
            if self._held > _MOST_HELD:
                raise _RefusedError(429, "busy", "too much has been sent at a time; ask again")
            more = message.get("more_body", False)
            if len(body) > self._bounds.longest_line:
                raise _RefusedError(413, "size", f"a request may have {self._bounds.longest_line} bytes")
        return bytes(body)


def _wrong_token(headers: _Headers, token: bytes) -> str:
    """What is wrong with the token of a request; in as much time whatever it is, and never with the token."""
    given = _one(headers, b"authorization")
    kind, _, word = given.partition(b" ")
    if hmac.compare_digest(word.strip(b" \t"), token) and kind.lower() == b"bearer":
        return ""
    has = "this is another one" if kind.lower() == b"bearer" else "none was given"
    return f"a token is needed, in one header Authorization: Bearer TOKEN; {has}"


def _all(headers: _Headers, name: bytes) -> list[bytes]:
    return [value for known, value in headers if known == name]


def _one(headers: _Headers, name: bytes) -> bytes:
    """The header of that name; nothing if there are several, of which others might take another one."""
    values = _all(headers, name)
    return values[0] if len(values) == 1 else b""


async def _answer(send: Send, status: int, said: str, more: _Headers) -> None:
    body = refusal(said)
    headers = [(b"content-type", JSON.encode()), (b"content-length", str(len(body)).encode())]
    headers += [(b"connection", b"close"), *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
