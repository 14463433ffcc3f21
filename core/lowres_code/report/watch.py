"""A run while it trains: its page from a server on this machine, made anew whenever it is asked for."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any

from lowres_code.errors import LowresCodeError, UsageError
from lowres_code.report.html import page_html
from lowres_code.report.page_data import page_of
from lowres_code.runs.directory import RunDirectory

LOCAL = "127.0.0.1"


class PageServer(ThreadingHTTPServer):
    """Serves ``/``, the page, and ``/version``, which says whether it would be another now.

    It listens on this machine alone, and answers nobody who calls it by another name: a page from elsewhere, opened in
    the same browser, cannot read it.
    """

    daemon_threads = True

    def __init__(self, run: RunDirectory, port: int = 0) -> None:
        """Args:
            run: that is watched.
            port: to listen on; 0 takes a free one.

        Raises:
            UsageError: the port is taken.
        """
        self.run = run
        self._building, self._built = threading.Lock(), ("", "")
        try:
            super().__init__((LOCAL, port), _Handler)
        except OSError as error:
            raise UsageError(f"cannot listen on port {port}: {error.strerror}; choose another --port") from error

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{LOCAL}:{self.server_port}/"

    def names(self) -> set[str]:
        """What a browser on this machine calls this server."""
        hosts = (LOCAL, "localhost")
        return {f"{host}:{self.server_port}" for host in hosts} | ({*hosts} if self.server_port == 80 else set())

    def page(self) -> str:
        """The page as it is now; it is made once for each version of the run."""
        with self._building:
            version = str(self.version()["version"])
            if self._built[0] != version:
                self._built = version, page_html(page_of([self.run.path]), live=version)
            return self._built[1]

    def handle_error(self, *_: object) -> None:
        """A browser that goes away meanwhile is nobody's error."""

    def version(self) -> dict[str, Any]:
        """How far the run is."""
        status = self.run.status()
        version = f"{status['state']} {status['step']} {len(self.run.read_health())}"
        return {"version": version, "state": status["state"], "step": status["step"]}


class _Handler(BaseHTTPRequestHandler):
    server: PageServer

    def do_GET(self) -> None:
        if self.headers.get("Host") not in self.server.names():
            self._answer(403, "text/plain", "this server is for its own machine\n")
        elif self.path not in ("/", "/version"):
            self._answer(404, "text/plain", "there is / and /version\n")
        else:
            self._serve()

    def _serve(self) -> None:
        try:
            if self.path == "/version":
                self._answer(200, "application/json", json.dumps(self.server.version()))
            else:
                self._answer(200, "text/html", self.server.page())
        except (LowresCodeError, ValueError) as error:  # a file that is just being written, for one
            self._answer(503, "text/plain", f"{error}\n", {"Refresh": "3"})

    def _answer(self, status: int, kind: str, text: str, more: Mapping[str, str] = MappingProxyType({})) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        for name, value in more.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """People read the terminal."""
