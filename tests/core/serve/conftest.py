"""Real servers, in processes of their own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO, Any

import httpx2
import pytest
from lowres_code.remote.wire import NDJSON

_SCRIPT = """
import json, sys
from lowres_code.serve.host import Bounds
from lowres_code.serve import run
asked = json.loads(sys.argv[1])
bounds = Bounds(**asked.pop("bounds"))
run._HEADERS_S = asked.pop("headers_s")
run.serve(**asked, bounds=bounds, ready=lambda url: print(url, flush=True))
"""


@dataclass
class Served:
    """A server that listens."""

    url: str
    process: subprocess.Popen[str]
    log: IO[bytes]

    def said(self) -> str:
        """What it has written on standard error."""
        self.log.seek(0)
        return self.log.read().decode()

    def client(self, **headers: str) -> httpx2.Client:
        return httpx2.Client(base_url=self.url, timeout=60, headers=headers)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def terminate(self) -> int:
        self.process.terminate()
        return self.process.wait(60)


Serve = Callable[..., Served]


@contextmanager
def served(
    *languages: str,
    port: int = 0,
    workers: int = 2,
    token: str | None = None,
    isolation: str = "auto",
    headers_s: float = 15.0,
    **bounds: float,
) -> Iterator[Served]:
    asked: dict[str, Any] = {
        "languages": languages or ["prolog"],
        "port": port,
        "workers": workers,
        "token": token,
        "isolation": isolation,
        "bounds": bounds,
    }
    asked["headers_s"] = headers_s
    command = [sys.executable, "-c", _SCRIPT, json.dumps(asked)]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True)
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            assert url.startswith("http://127.0.0.1:")
            yield Served(url, process, log)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            process.stdout.close()


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as stack:
        yield lambda *languages, **options: stack.enter_context(served(*languages, **options))


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    with served("prolog", "lua") as one:
        yield one


@pytest.fixture(scope="module")
def guarded() -> Iterator[Served]:
    with served("prolog", token="0123456789abcdef") as one:
        yield one


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def read_until(one: socket.socket, enough: Callable[[bytes], bool], got: bytes = b"") -> bytes:
    """What has come over a connection when it is enough; it must not end before."""
    while not enough(got):
        part = one.recv(65536)
        assert part, got
        got += part
    return got


def lines(rows: list[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def stream(
    client: httpx2.Client, rows: list[Mapping[str, Any]] | str, path: str = "/v1/judge/stream", lang: str = "prolog"
) -> Any:
    """What is answered to each line."""
    content = rows if isinstance(rows, str) else lines(rows)
    answer = client.post(path, params={"lang": lang}, content=content, headers={"Content-Type": NDJSON})
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines() if line]
