"""A server of recipes on this machine, which answers as it is told to."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from lowres_code.errors import UsageError
from lowres_code.recipe import load_recipe, open_recipe

Answer = bytes | Callable[[BaseHTTPRequestHandler], None]

SMALL = b'extends = "quickstart"\n[train]\nmax_steps = 7\n'
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Server:
    """Answers from a table; ``url`` is where it is."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                answer = outer.answers.get(self.path)
                if callable(answer):
                    answer(self)
                    return
                self.send_response(200 if answer is not None else 404)
                self.end_headers()
                self.wfile.write(answer or b"")

            def do_HEAD(self) -> None:
                """As the hub does: the size, a hash of the text, and the commit."""
                outer.asked.append(self.path)
                text = outer.answers.get(self.path)
                self.send_response(404 if text is None else 200)
                if isinstance(text, bytes):
                    self.send_header("Content-Length", str(len(text)))
                    self.send_header("ETag", f'"{hashlib.sha1(text).hexdigest()}"')
                    self.send_header("X-Repo-Commit", COMMIT)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def pin(text: bytes) -> str:
    return f"#sha256={hashlib.sha256(text).hexdigest()}"


def refused(name: str) -> str:
    with pytest.raises(UsageError) as error:
        load_recipe(open_recipe(name))
    return str(error.value)
