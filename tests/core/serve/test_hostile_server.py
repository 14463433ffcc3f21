"""A client whose server is busy, broken, or means harm: it gets no verdict by it, and the client goes on."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from lowres_code import Judge, Test, find_language
from lowres_code.errors import JudgeError, UsageError
from lowres_code.language.base import Execution, Status
from lowres_code.remote.wire import JUDGE, NDJSON, PROTOCOL, ServedLanguage, data_of, identity_of

from tests.core.serve.conftest import Serve

LANGUAGE = {
    "name": "prolog",
    "title": "Prolog",
    "data": data_of(find_language("prolog")),
    "isolation": "namespaces",
    "workers": 1,
    "most": {},
}
DESCRIPTION = {"protocol": PROTOCOL, "version": "0", "longest_line": 10_000, "languages": [LANGUAGE]}
Answer = Callable[[BaseHTTPRequestHandler, list[dict[str, Any]]], None]


@contextmanager
def pretending(answer: Answer, description: bytes | Callable[[], bytes] | None = None, port: int = 0) -> Iterator[str]:
    """A server that describes itself as ours does, and answers as it likes."""
    told = json.dumps(DESCRIPTION).encode() if description is None else description

    def described() -> bytes:
        return told if isinstance(told, bytes) else told()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            reply(self, described())

        def end_headers(self) -> None:
            if self.command == "POST":
                self.send_header(JUDGE, identity(described()))
            super().end_headers()

        def do_POST(self) -> None:
            lines = self.rfile.read(int(self.headers["Content-Length"])).splitlines()
            answer(self, [json.loads(line) for line in lines])

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


def identity(description: bytes) -> str:
    return identity_of(ServedLanguage(**json.loads(description)["languages"][0]))


def reply(to: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: str) -> None:
    to.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        to.send_header(name.replace("_", "-"), value)
    to.end_headers()
    to.wfile.write(body)


def right(jobs: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps({"n": job["n"], "status": "ok", "answer": "1"}).encode() + b"\n" for job in jobs)


def run(url: str, monkeypatch: pytest.MonkeyPatch) -> Execution:
    monkeypatch.setattr("lowres_code.remote.pool.PATIENCE_S", 0.5)
    with Judge("prolog", servers=url) as judge:
        return judge.execute(["solve(1)."], [Test()])[0]


@pytest.mark.parametrize("after", ["nan", "inf", "soon", "-1", "0.2"])
def test_a_busy_server_is_asked_again(after: str, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter(range(99))

    def answer(to: BaseHTTPRequestHandler, jobs: list[dict[str, Any]]) -> None:
        if next(times) < 3:
            reply(to, b"busy", 429, Retry_After=after)
        else:
            reply(to, right(jobs))

    with pretending(answer) as url:
        assert run(url, monkeypatch).answer == "1"


def test_a_server_of_ours_that_is_busy_is_asked_again(serve: Serve) -> None:
    server = serve(streams=1)
    host, port = server.url.removeprefix("http://").split(":")
    with Judge("prolog", servers=server.url) as judge, socket.create_connection((host, int(port)), 30) as one:
        head = f"POST /v1/judge/stream?lang=prolog HTTP/1.1\r\nHost: {host}\r\nContent-Type: {NDJSON}\r\n"
        one.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        assert one.recv(100).startswith(b"HTTP/1.1 200")
        threading.Timer(1.5, one.close).start()
        assert judge.check("solve(1).", answer=1).correct


def wrong_number(to: BaseHTTPRequestHandler, jobs: list[dict[str, Any]]) -> None:
    reply(to, right([{"n": jobs[0]["n"] + 10**6}]))


def no_json(to: BaseHTTPRequestHandler, jobs: list[dict[str, Any]]) -> None:
    reply(to, b"<html>" + b"[" * 100_000)


def strange_values(to: BaseHTTPRequestHandler, jobs: list[dict[str, Any]]) -> None:
    reply(to, right(jobs).replace(b'"ok"', b'"perfect"'))


def odd(**fields: Any) -> Answer:
    """What no execution can be."""
    return lambda to, jobs: reply(to, json.dumps({"n": jobs[0]["n"], "status": "ok", "answer": "1", **fields}).encode())


def packed(to: BaseHTTPRequestHandler, jobs: list[dict[str, Any]]) -> None:
    reply(to, gzip.compress(right(jobs)), Content_Encoding="gzip")


def coloured(to: BaseHTTPRequestHandler, jobs: list[dict[str, Any]]) -> None:
    reply(to, b"\x1b]0;yours\x07\x1b[31mred", 500)


def dripping(to: BaseHTTPRequestHandler, jobs: list[dict[str, Any]]) -> None:
    drip(to, 500, b"x")


def drip(to: BaseHTTPRequestHandler, status: int, drop: bytes) -> None:
    """Answer without an end."""
    to.send_response(status)
    to.end_headers()
    with contextlib.suppress(OSError):
        while True:
            to.wfile.write(drop)
            time.sleep(0.05)


def elsewhere(to: BaseHTTPRequestHandler, jobs: list[dict[str, Any]]) -> None:
    reply(to, b"", 307, Location="http://127.0.0.1:9/")


def nothing(to: BaseHTTPRequestHandler, jobs: list[dict[str, Any]]) -> None:
    reply(to, b"")


def between(status: int) -> Answer:
    """What stands between client and server, and refuses in its own words."""
    return lambda to, jobs: reply(to, b"<html>nginx</html>", status)


@pytest.mark.parametrize(
    "answer",
    [
        *(wrong_number, no_json, strange_values, elsewhere, nothing, between(404), between(413), between(502)),
        *(odd(exit_code=10**400), odd(cpu_s=-1), odd(peak_mb=1e308), odd(isolation="\x1b[31m")),
        *(odd(diagnostics=[{"message": "", "line": 2**31}]), packed, coloured, dripping),
        *(odd(diagnostics=[{"x" * 10_000: 1}] * 99), odd(**{"\x1b[31m" + "y" * 99: 1})),
    ],
)
def test_what_cannot_be_an_answer_is_the_judges_failure(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lowres_code.remote.server._REFUSAL_S", 0.3)
    with pretending(answer) as url:
        execution = run(url, monkeypatch)
    assert execution.status is Status.INFRA_ERROR
    assert "127.0.0.1" in execution.diagnostics[0].message
    assert execution.diagnostics[0].message.isprintable()


def test_who_goes_on_talking_when_all_is_answered_is_not_listened_to(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = threading.Event()

    def answer(to: BaseHTTPRequestHandler, jobs: list[dict[str, Any]]) -> None:
        to.send_response(200)
        to.end_headers()
        to.wfile.write(right(jobs))
        try:
            while not gone.wait(0.05):
                to.wfile.write(b"\n")
        except OSError:
            gone.set()

    with pretending(answer) as url:
        assert run(url, monkeypatch).answer == "1"
        assert gone.wait(30)


def test_a_server_that_is_never_done_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lowres_code.remote.server._NOTHING_DONE_S", 0.3)

    def answer(to: BaseHTTPRequestHandler, jobs: list[dict[str, Any]]) -> None:
        drip(to, 200, b"\n")

    with pretending(answer) as url:
        execution = run(url, monkeypatch)
    assert execution.status is Status.INFRA_ERROR
    assert "has not been done with any program" in execution.diagnostics[0].message


def test_a_refusal_of_the_servers_own_is_the_users_to_read() -> None:
    def answer(to: BaseHTTPRequestHandler, jobs: list[dict[str, Any]]) -> None:
        reply(to, rb'{"error": "not\u001b[31m \"here\""}', 404)

    said = r'refuses this: not \[31m "here"$'  # as text, and with nothing that a terminal obeys
    with pretending(answer) as url, Judge("prolog", servers=url) as judge, pytest.raises(UsageError, match=said):
        judge.execute(["solve(1)."], [Test()])


@pytest.mark.parametrize(
    "description",
    [
        json.dumps(DESCRIPTION).replace('"workers": 1', '"workers": 1000000000').encode(),
        json.dumps({**DESCRIPTION, "longest_line": 0}).encode(),
        json.dumps({**DESCRIPTION, "protocol": 99}).encode(),
        b"x" * (2 * 2**20),
        b"",
    ],
)
def test_a_description_that_cannot_be_is_refused(description: bytes) -> None:
    with pretending(nothing, description) as url, pytest.raises(JudgeError, match=r"127\.0\.0\.1"):
        Judge("prolog", servers=url)


def test_what_is_tried_again_when_the_judge_is_closed_is_its_failure() -> None:
    with pretending(nothing) as url:
        judge = Judge("prolog", servers=url)
        futures = [judge.runner.submit((f"solve({n}).", Test()), judge.limits) for n in range(40)]
        threading.Timer(0.5, judge.close).start()
        assert {future.result(30).status for future in futures} == {Status.INFRA_ERROR}
