"""The server's process: opens the judges, listens, and ends in order."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import resource
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from lowres_code.api import find_language
from lowres_code.errors import UsageError
from lowres_code.judge import Judge
from lowres_code.language.base import Limits
from lowres_code.serve.app import make_app
from lowres_code.serve.guard import Guard
from lowres_code.serve.host import MOST, Bounds, Host
from lowres_code.serve.messages import JSON
from lowres_code.serve.refusals import refusal

_HEADERS_S = 15.0  # a connection that has sent no whole request until then is closed
_LONGEST_HEAD = 2**16
_MOST_PIPELINED = 16  # requests that are sent before the one ahead of them is answered
_SHORTEST_TOKEN = 16
_TOKEN = f"one word of {_SHORTEST_TOKEN} or more characters, in ASCII"
_MOST_FILES = 65_536


def serve(
    languages: Sequence[str],
    host: str = "127.0.0.1",
    port: int = 8000,
    token: str | None = None,
    isolation: str = "auto",
    workers: int | None = None,
    most: Limits = MOST,
    bounds: Bounds | None = None,
    ready: Callable[[str], None] = lambda url: None,
) -> None:
    """Serve judges until SIGTERM or Ctrl-C; then finish what was begun.

    Args:
        languages: names, or TOML files.
        host: where to listen.
        port: likewise; 0 takes one that is free.
        token: that every request must bear; without one only this machine is listened to.
        isolation: of the programs.
        workers: programs of each language at a time; by default one for each core.
        most: the highest limits that a request may ask for.
        bounds: how much is taken.
        ready: called with the address, once it listens.

    Raises:
        UsageError: a language is unknown or cannot run, ``host`` is for others and there is no token, or that is short.
        JudgeError: a judge does not start.
    """
    if token is None and not _is_ours(host):
        raise UsageError(f"--host {host} lets others in: give a token with --token-file FILE")
    if token is not None and not _is_token(token):
        raise UsageError(f"a token must be {_TOKEN}")
    bounds = bounds or Bounds()
    _raise_open_files()
    with contextlib.ExitStack() as stack:
        judges = {}
        for language in map(find_language, dict.fromkeys(languages)):
            judge = judges[language.name] = stack.enter_context(Judge(language, most, isolation, workers))
            judge.start()
        asyncio.run(_serve(Host(judges, most, bounds), host, port, token, ready))


def read_token(file: Path) -> str:
    """The token in a file.

    Raises:
        UsageError: the file cannot be read, or what it holds is easily guessed.
    """
    try:
        token = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeError) as error:
        raise UsageError(f"cannot read a token from {str(file)!r}: {error}") from error
    if not _is_token(token):
        made = f"python3 -c 'import secrets; print(secrets.token_urlsafe())' > {file}"
        raise UsageError(f"the token in {str(file)!r} must be {_TOKEN}: {made}")
    return token


def _is_token(token: str) -> bool:
    return len(token) >= _SHORTEST_TOKEN and token.isascii() and token.isprintable() and " " not in token


async def _serve(host: Host, address: str, port: int, token: str | None, ready: Callable[[str], None]) -> None:
    _must_be_free(address, port)
    stopping = asyncio.Event()
    ours = {address, "localhost", "127.0.0.1", "::1"}
    app = Guard(make_app(host, stopping), token, ours, host.bounds, host.metrics, host.memory)
    protocol = type("_Protocol", (_Protocol,), {"idle_s": host.bounds.idle_s})
    config = uvicorn.Config(
        app,
        host=address,
        port=port,
        http=protocol,
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=int(host.bounds.idle_s),
    )
    await _Server(config, stopping, ready).serve()


def _must_be_free(address: str, port: int) -> None:
    """See that a port can be listened on; that of another program is refused in words."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((address, port))
        except OSError as error:
            raise UsageError(
                f"cannot listen on {address}, port {port}: {error.strerror}; choose another --port"
            ) from error


class _Protocol(HttpToolsProtocol):
    """Closes connections over which a request's head does not come soon, or what is sent does not become a request.

    Attributes:
        idle_s: so long a client may not take what it is sent.
    """

    idle_s = 60.0
    _waiting: asyncio.TimerHandle | None = None
    _untaken: asyncio.TimerHandle | None = None
    _useless = 0  # bytes that were neither the end of a head nor of a body

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        self._useless += len(data)
        super().data_received(data)
        if self._useless > _LONGEST_HEAD:
            self._close()

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be read in the form of all other refusals."""
        body = refusal("what came is no HTTP request that can be read, or one of too many that were sent ahead")
        head = f"HTTP/1.1 400 Bad Request\r\ncontent-type: {JSON}\r\ncontent-length: {len(body)}\r\nconnection: close"
        self.transport.write(f"{head}\r\n\r\n".encode() + body)
        self.transport.close()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._await_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._waiting is not None:  # else it comes behind a body, where nobody wants any
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._forget_head()
        super().on_headers_complete()
        if len(self.pipeline) > _MOST_PIPELINED:
            raise ValueError("too many requests at a time")

    def on_body(self, body: bytes) -> None:
        self._useless = 0
        super().on_body(body)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._untaken = self.loop.call_later(self.idle_s, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._forget_untaken()

    def _forget_untaken(self) -> None:
        if self._untaken is not None:
            self._untaken.cancel()
        self._untaken = None

    def _await_head(self) -> None:
        if self._waiting is None:
            self._waiting = self.loop.call_later(_HEADERS_S, self._close)

    def _forget_head(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
        self._waiting, self._useless = None, 0

    def _close(self) -> None:
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_head()
        self._forget_untaken()
        super().connection_lost(exc)


class _Server(uvicorn.Server):
    """Says when it listens, and tells the application that it is to end."""

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event, ready: Callable[[str], None]) -> None:
        super().__init__(config)
        self._stopping, self._ready, self._loop = stopping, ready, asyncio.get_running_loop()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        if self.started and not self.should_exit:
            name, port = self.servers[0].sockets[0].getsockname()[:2]
            self._ready(f"http://{f'[{name}]' if ':' in name else name}:{port}")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Finish what was begun; at the second signal, end."""
        self.force_exit = self.should_exit
        self.should_exit = True
        self._loop.call_soon_threadsafe(self._stopping.set)


def _is_ours(host: str) -> bool:
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def _raise_open_files() -> None:
    """Let many connections be open at a time."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
