"""Clients that mean harm: they get nowhere, and cost nobody else anything."""

from __future__ import annotations

import contextlib
import json
import resource
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx2
import pytest
from lowres_code.remote.wire import NDJSON

from tests.core.serve.conftest import Serve, Served, stream
from tests.core.serve.test_serve import RIGHT, until

STREAM = f"POST /v1/judge/stream?lang=prolog HTTP/1.1\r\nHost: localhost\r\nContent-Type: {NDJSON}\r\n"


def connect(server: Served) -> socket.socket:
    host, port = server.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), 60)


def works(server: Served) -> bool:
    with server.client() as client:
        return bool(client.post("/v1/judge", json=RIGHT).json()["correct"])


def test_a_body_that_is_too_long_is_not_taken(serve: Serve) -> None:
    server = serve(longest_line=10_000)
    with server.client() as client:
        long = client.post("/v1/judge", json={**RIGHT, "program": "%" + "x" * 20_000})
        assert (long.status_code, long.json()["error"]) == (413, "a request may have 10000 bytes")
        assert client.post("/v1/judge", json={**RIGHT, "program": "solve(42). %" + "x" * 5_000}).json()["correct"]
    with connect(server) as one:
        one.sendall(f"{STREAM}Transfer-Encoding: chunked\r\n\r\n".encode())
        chunk = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
        with pytest.raises(OSError):  # reset or broken, by who is faster
            for _ in range(10_000):
                one.sendall(chunk)
    assert works(server)


def test_who_sends_too_slowly_is_not_waited_for(serve: Serve) -> None:
    server = serve(idle_s=1.0)
    with connect(server) as one, connect(server) as other, connect(server) as third:
        one.sendall(
            b"POST /v1/judge HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 99\r\n\r\n{"
        )
        other.sendall(f"{STREAM}Transfer-Encoding: chunked\r\n\r\n1\r\n{{\r\n".encode())
        third.sendall(f"{STREAM}Transfer-Encoding: chunked\r\n\r\n".encode())
        assert b" 408 " in one.recv(4096)
        for sock in (other, third):
            got = b""
            while part := sock.recv(4096):
                got += part
                if got.endswith(b"0\r\n\r\n"):
                    break
            assert b'"verdict"' not in got
    assert works(server)


def test_who_does_not_take_its_answers_gets_no_more(serve: Serve) -> None:
    server = serve(idle_s=1.0)
    big = json.dumps(
        {
            "program": "solve(1) :- forall(between(1, 9, _), (between(1, 9000, _), write(xxxxxxx), fail ; true)).",
            "answer": 1,
        }
    )
    with connect(server) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        body = "".join(f'{big[:-1]}, "id": {n}}}\n' for n in range(400)).encode()
        one.sendall(f"{STREAM}Content-Length: {len(body)}\r\n\r\n".encode())
        with server.client() as client:
            one.settimeout(1)
            with contextlib.suppress(TimeoutError):  # it is not read from
                one.sendall(body)
            until(lambda: client.get("/metrics").status_code == 200)
    assert works(server)


def test_who_goes_away_takes_back_what_has_not_begun(serve: Serve) -> None:
    server = serve(workers=1)
    loop = {**RIGHT, "program": "solve(X) :- solve(X).", "limits": {"cpu_s": 60, "wall_s": 60.0, "inferences": 10**9}}

    def waiting(client: httpx2.Client) -> int:
        line = next(line for line in client.get("/metrics").text.splitlines() if line.startswith("lowres_code_waiting"))
        return int(float(line.split()[1]))

    body = json.dumps(loop).encode()
    head = "POST /v1/judge HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    head += f"Content-Length: {len(body)}"
    with connect(server) as running, server.client() as client:
        running.sendall(head.encode() + b"\r\n\r\n" + body)
        until(lambda: waiting(client) == 1)
        with ExitStack() as stack:
            for one in [stack.enter_context(connect(server)) for _ in range(5)]:
                one.sendall(head.encode() + b"\r\n\r\n" + body)
            until(lambda: waiting(client) == 6)
        until(lambda: waiting(client) == 1)
    assert server.said() == ""  # a client that goes away is nobody's error


def test_silent_connections_cost_nobody_anything(serve: Serve) -> None:
    server = serve()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    many = min(3_000, hard - 500)
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, many + 500), hard))
    try:
        with ExitStack() as stack:
            for _ in range(many):
                stack.enter_context(connect(server))
            assert works(server)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert works(server)


@pytest.mark.usefixtures("isolated")
def test_programs_that_want_to_reach_the_server_do_not(serve: Serve) -> None:
    server = serve()
    port = server.url.rsplit(":", 1)[1]
    reach = f"solve(X) :- catch((tcp_socket(S), tcp_connect(S, localhost:{port}), X = in), _, X = out)."
    program = f":- use_module(library(socket)).\n{reach}"
    files = "solve(X) :- catch((open('/proc/1/environ', read, S), read_string(S, _, X)), _, X = out)."
    with server.client() as client:
        assert client.post("/v1/judge", json={**RIGHT, "program": program, "answer": "out"}).json()["correct"]
        told = client.post("/v1/judge", json={**RIGHT, "program": files, "answer": "out"}).json()
    assert "TOKEN" not in str(told)


def test_what_everybody_may_see_takes_nothing(serve: Serve) -> None:
    server = serve(token="0123456789abcdef")
    with connect(server) as one:
        one.sendall(b"POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n")
        assert one.recv(4096).startswith(b"HTTP/1.1 405 ")


@pytest.mark.parametrize("stalled", [b"GET /x HTTP/1.1\r\nA:", b"GET /x HTTP/1.1\r\nA: " + b"a" * 200_000, b""])
@pytest.mark.parametrize("before", [b"", b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"])
def test_a_head_that_does_not_end_is_not_waited_for(serve: Serve, before: bytes, stalled: bytes) -> None:
    if before and not stalled:
        pytest.skip("that is a connection that is kept")
    server = serve(headers_s=1.0)
    with connect(server) as one:
        one.sendall(before + stalled)
        one.settimeout(20)
        with contextlib.suppress(ConnectionError):
            while one.recv(65536):
                pass
    assert works(server)


def test_a_line_that_nobody_thought_of_costs_the_others_nothing(serve: Serve) -> None:
    huge = '{"program": "solve(1).", "answer": 1, "limits": {"cpu_s": 1' + "0" * 400 + "}}\n"
    many = json.dumps({"program": ["solve(1)."] * 65, "answer": 1}) + "\n"
    fine = json.dumps({"program": "solve(1).", "answer": 1}) + "\n"
    with serve().client() as client:
        told = stream(client, fine + huge + many + fine)
    assert [one.get("correct") for one in told] == [True, None, None, True]
    assert "at most 60 here" in told[1]["error"]
    assert told[2]["error"] == "line 3: 65 samples; a line may have 64"


def test_a_comparison_that_takes_long_holds_nobody_up(serve: Serve) -> None:
    numbers = "1e9999 " * 3_000
    slow = {"program": f"print('{numbers.replace('1e9999', '10e9998')}')", "tests": [{"stdout": numbers}]}
    server = serve("python")
    with server.client() as client, server.client() as other, ThreadPoolExecutor() as threads:
        asked = threads.submit(client.post, "/v1/judge", json={"lang": "python", **slow})
        while not asked.done():
            assert other.get("/health").json()["status"] == "ok"
        assert asked.result().json()["correct"]
