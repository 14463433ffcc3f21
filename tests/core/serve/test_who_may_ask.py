"""Requests that are written so that guard and application, or a proxy before them, read them differently."""

from __future__ import annotations

import json

import pytest

from tests.core.serve.conftest import Serve, Served
from tests.core.serve.test_harm import connect, works
from tests.core.serve.test_serve import RIGHT

TOKEN = "0123456789abcdef"
BEARER = f"Authorization: Bearer {TOKEN}"
BODY = json.dumps(RIGHT)
KIND = "Content-Type: application/json"
LONG = b"a" * 65_536


def status(server: Served, *headers: str, line: str = "POST /v1/judge HTTP/1.1") -> int:
    head = "\r\n".join([line, *headers, KIND, "Connection: close", f"Content-Length: {len(BODY)}"])
    return int(answer(server, f"{head}\r\n\r\n{BODY}").split()[1])


def answer(server: Served, request: str) -> bytes:
    with connect(server) as one:
        one.sendall(request.encode())
        return b"".join(iter(lambda: one.recv(65536), b""))


@pytest.mark.parametrize(
    "headers",
    [
        ["Host: evil.com", "Host: localhost"],
        ["Host: localhost", "Host: evil.com"],
        ["Host: localhost:1@evil.com"],
        ["Host: localhost:evil"],
        ["Host: localhost."],
        ["Host: localhost.evil.com"],
        ["Host: 2130706433"],
        ["Host: localhost", "Origin: http://evil.com"],
        ["Host: localhost", "Origin: null"],
        ["Host: localhost", "Origin: http://localhost", "Origin: http://evil.com"],
        ["Host: localhost", "Origin: http://localhost.evil.com"],
        [],
    ],
)
def test_without_a_token_no_other_name_and_no_page_of_another_origin_is_answered(
    server: Served, headers: list[str]
) -> None:
    assert status(server, *headers) == 403


@pytest.mark.parametrize(
    "headers",
    [
        ["Host: localhost"],
        ["Host: LOCALHOST:8000"],
        ["Host: [::1]:8000"],
        ["Host: 127.0.0.1", "Origin: http://127.0.0.1:8000"],
    ],
)
def test_its_own_names_and_pages_are_answered(server: Served, headers: list[str]) -> None:
    assert status(server, *headers) == 200


@pytest.mark.parametrize(
    "line",
    [
        f"{method} {path} HTTP/1.{minor}"
        for method in ("POST", "GET", "HEAD", "OPTIONS")
        for path in (
            "/v1/judge",
            "//v1/judge",
            "/v1/%6audge",
            "/health/../v1/judge",
            "/docs%00/v1/judge",
            "http://x/v1/judge",
        )
        for minor in (0, 1)
    ],
)
def test_no_way_of_writing_a_path_goes_round_the_token(guarded: Served, line: str) -> None:
    assert status(guarded, "Host: x", line=line) == 401


def test_a_token_stands_in_one_header_in_front_of_the_body(guarded: Served) -> None:
    assert status(guarded, "Host: x", BEARER) == 200
    assert status(guarded, "Host: x", BEARER, "Authorization: Bearer x") == 401
    assert status(guarded, "Host: x", "Authorization: Bearer x", BEARER) == 401
    chunked = f"Host: x\r\n{KIND}\r\nConnection: close\r\nTransfer-Encoding: chunked"
    behind = f"POST /v1/judge HTTP/1.1\r\n{chunked}\r\n\r\n{len(BODY):x}\r\n{BODY}\r\n0\r\n{BEARER}\r\n\r\n"
    assert answer(guarded, behind).startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize("repeated", [b"A: b\r\n" * 10_000, LONG, b"1;x=" + LONG], ids=["many", "long", "extension"])
@pytest.mark.parametrize("line", ["GET /health", "POST /v1/judge"])
def test_what_comes_behind_a_body_is_not_kept(serve: Serve, line: str, repeated: bytes) -> None:
    server = serve()
    with connect(server) as one:
        begin = f"{line} HTTP/1.1\r\nHost: localhost\r\n{KIND}\r\nTransfer-Encoding: chunked\r\n\r\n"
        one.sendall(begin.encode() + (b"" if repeated.startswith(b"1;") else b"0\r\nA: "))
        with pytest.raises(OSError):  # the server has closed it
            for _ in range(1_000):
                one.sendall(repeated)
    assert works(server)


def test_requests_that_are_sent_before_one_is_answered_are_not_all_kept(serve: Serve) -> None:
    server = serve()
    slow = json.dumps({**RIGHT, "program": "solve(X) :- sleep(20), X = 42."})
    head = f"POST /v1/judge HTTP/1.1\r\nHost: localhost\r\n{KIND}\r\nContent-Length: {len(slow)}\r\n\r\n"
    with connect(server) as one:
        one.sendall((head + slow + "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100).encode())
        assert one.recv(65536).startswith(b"HTTP/1.1 400 ")
    assert works(server)
