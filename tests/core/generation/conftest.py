"""A server of chat completions on this machine that behaves as a test says."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from lowres_code.generation.base import Failure, Request, Sample, Sampling
from lowres_code.generation.endpoint import EndpointGenerator, Patience

SAMPLING = Sampling(temperature=0.5, top_p=0.9, max_new_tokens=77, seed=3)
Behave = Callable[["Handler", int], None]


class Handler(BaseHTTPRequestHandler):
    """Answers as the server's ``behave`` says; it is told how often this prompt and seed have come before."""

    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server = self.server
        with server.lock:
            server.requests.append(({name.lower(): value for name, value in self.headers.items()}, body))
            asked = (body["messages"][-1]["content"], body.get("seed"))
            server.seen[asked] += 1
            before = server.seen[asked] - 1
        server.behave(self, before)

    def say(self, text: str | None = "<code>42</code>", status: int = 200, **more: Any) -> None:
        choice = {"index": 0, "message": {"role": "assistant", "content": text, **more}, "finish_reason": "stop"}
        self.send(status, {
            "id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice],
            "usage": {"completion_tokens": 5, "prompt_tokens": 1, "total_tokens": 6},
        })  # fmt: skip

    def send(self, status: int, answer: object, **headers: str) -> None:
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    """Counts what it is asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.requests: list[tuple[dict[str, str], dict[str, Any]]] = []
        self.seen: Counter[tuple[str, int]] = Counter()
        self.behave: Behave = lambda handler, before: handler.say()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that have had enough hang up; that is theirs to do."""


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def ask(server: Server, problems: int = 3, samples: int = 2, **patience: Any) -> list[Sample | Failure]:
    requests = [
        Request(key, ({"role": "user", "content": f"question {key}"},), tuple(range(samples)))
        for key in range(problems)
    ]
    quick = {"concurrency": 4, "attempts": 4, "timeout_s": 20.0, "backoff_s": 0.01, **patience}
    with EndpointGenerator(server.url, "m", Patience(**quick)) as generator:
        return list(generator.generate(requests, SAMPLING))


def whole(made: list[Sample | Failure], problems: int = 3, samples: int = 2) -> bool:
    """Whether each sample is there, once."""
    keys = sorted((sample.key, sample.number) for sample in made if isinstance(sample, Sample))
    return keys == [(key, number) for key in range(problems) for number in range(samples)]
