"""What a served judge answers, to whom, and how it ends."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest
from lowres_code.errors import UsageError
from lowres_code.remote.wire import NDJSON
from lowres_code.serve.host import MOST, most_of
from lowres_code.serve.run import read_token, serve

from tests.core.serve.conftest import Serve, Served, lines, read_until, stream

RIGHT = {"lang": "prolog", "program": "solve(X) :- X is 6 * 7.", "answer": 42}


def test_a_verdict_on_a_program(server: Served) -> None:
    with server.client() as client:
        told = client.post("/v1/judge", json=RIGHT).json()
        wrong = client.post("/v1/judge", json={**RIGHT, "answer": "43"}).json()
    assert (told["verdict"], told["correct"], told["answer"], told["isolation"]) == (
        "correct",
        True,
        "42",
        "namespaces",
    )
    assert (wrong["verdict"], wrong["correct"], wrong["failed_test"]) == ("wrong_answer", False, 0)


def test_a_verdict_on_a_completion_with_tests_in_another_language(server: Served) -> None:
    asked = {
        "lang": "lua",
        "completion": "So:\n```lua\nprint(io.read('n') * 2)\n```",
        "tests": [{"stdin": "4", "stdout": "8"}, {"stdin": "5", "stdout": "11"}],
    }
    with server.client() as client:
        told = client.post("/v1/judge", json=asked).json()
        none = client.post("/v1/judge", json={**asked, "completion": "It is 8."}).json()
    assert (told["verdict"], told["failed_test"], told["stdout"], told["extraction"]) == (
        "wrong_answer",
        1,
        "10\n",
        "fence",
    )
    assert none["verdict"] == "no_code"


def test_the_syntax_of_a_program(server: Served) -> None:
    with server.client() as client:
        fine = client.post("/v1/check", json={"lang": "prolog", "program": "solve(1)."}).json()
        bad = client.post("/v1/check", json={"lang": "prolog", "program": "solve(1).\nsolve(X :- true."}).json()
    assert (fine["ok"], fine["diagnostics"]) == (True, [])
    assert (bad["ok"], bad["status"], bad["diagnostics"][0]["line"]) == (False, "syntax_error", 2)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({**RIGHT, "lang": "prolgo"}, "no language 'prolgo' is served here; did you mean 'prolog'?"),
        ({**RIGHT, "limits": {"cpu": 1}}, "limits.cpu: there is no such limit; did you mean 'cpu_s'?"),
        ({**RIGHT, "limits": {"cpu_s": 61}}, "limits.cpu_s is 61, and at most 60 here"),
        ({**RIGHT, "limits": {"cpu_s": 0}}, "limits.cpu_s must be a whole number from 1"),
        ({**RIGHT, "anwser": 1}, "unknown key 'anwser'; did you mean 'answer'?"),
        ({"lang": "prolog", "program": "solve(1)."}, "needs 'answer' or 'tests' or 'append'"),
        ({"lang": "prolog", "answer": 1}, "needs 'program' or 'completion'"),
        ({**RIGHT, "tests": [{"stdout": "42"}]}, "has both 'answer' and 'tests'"),
    ],
)
def test_what_cannot_be_judged_is_refused_with_the_reason(server: Served, asked: dict[str, Any], said: str) -> None:
    with server.client() as client:
        answer = client.post("/v1/judge", json=asked)
    assert answer.status_code == 422
    assert said in answer.json()["error"]


def test_a_limit_that_is_asked_for_holds(server: Served) -> None:
    loop = "solve(X) :- numlist(1, 100000, L), sum_list(L, X)."
    with server.client() as client:
        told = client.post("/v1/judge", json={**RIGHT, "program": loop, "limits": {"inferences": 1000}}).json()
    assert told["verdict"] == "timeout"


def test_a_stream_is_answered_in_order_whatever_is_slow_or_bad(server: Served) -> None:
    rows: list[Any] = [{"program": f"solve(X) :- X is {n} * 2.", "answer": n * 2, "id": f"r{n}"} for n in range(40)]
    rows[3] |= {"program": "solve(6) :- sleep(1)."}
    rows[7] = {"program": "solve(1)."}
    rows[8] |= {"limits": "none"}
    with server.client() as client:
        told = stream(client, rows)
        broken = stream(client, lines(rows[:2]) + "{nonsense}\n[1]\n" + '{"a":' * 5000 + "\n" + lines(rows[2:3]))
    assert [one["row"] for one in told] == list(range(1, 41))
    assert [n for n, one in enumerate(told) if not one.get("correct")] == [7, 8]
    assert ("needs 'answer'" in told[7]["error"], "'limits' must be an object" in told[8]["error"]) == (True, True)
    assert [one.get("verdict") for one in broken] == ["correct", "correct", None, None, None, "correct"]
    assert "line 3: not a JSON object" in broken[2]["error"]


def test_several_samples_of_a_row_have_a_line_each(server: Served) -> None:
    with server.client() as client:
        told = stream(client, [{"program": ["solve(1).", "solve(2)."], "answer": "2"}])
    assert [(one["sample"], one["correct"]) for one in told] == [(0, False), (1, True)]


def test_answers_come_while_the_request_is_still_being_sent(server: Served) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    row = json.dumps({"program": "solve(42).", "answer": "42"}).encode() + b"\n"
    with socket.create_connection((host, int(port)), 30) as one:
        head = f"POST /v1/judge/stream?lang=prolog HTTP/1.1\r\nHost: {host}\r\nContent-Type: {NDJSON}\r\n"
        one.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n{len(row):x}\r\n".encode() + row + b"\r\n")
        got = read_until(one, lambda got: b'"correct":true' in got)
        one.sendall(f"{len(row):x}\r\n".encode() + row + b"\r\n0\r\n\r\n")
        read_until(one, lambda got: got.count(b'"correct":true') == 2, got)


@pytest.mark.parametrize(
    ("path", "row", "done"),
    [
        ("/v1/judge/stream", {"program": "solve(42).", "answer": 42}, b'"correct":true'),
        ("/v1/execute", {"n": 7, "program": "solve(42)."}, b'"n":7,"status":"ok"'),
    ],
)
def test_who_asks_whether_to_send_a_stream_is_told_to(
    server: Served, path: str, row: dict[str, Any], done: bytes
) -> None:
    """As curl does; it waits a second where nobody says so."""
    host, port = server.url.removeprefix("http://").split(":")
    body = json.dumps(row).encode() + b"\n"
    head = f"POST {path}?lang=prolog HTTP/1.1\r\nHost: {host}\r\nContent-Type: {NDJSON}\r\nExpect: 100-continue\r\n"
    with socket.create_connection((host, int(port)), 30) as one:
        one.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode())
        got = read_until(one, lambda got: b" 200 OK\r\n" in got)  # before anything of the body is sent
        assert got.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
        one.sendall(body)
        read_until(one, lambda got: done in got, got)


def test_who_asks_whether_to_send_what_is_refused_is_not_told_to(server: Served) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    head = f"POST /v1/judge/stream?lang=prlog HTTP/1.1\r\nHost: {host}\r\nContent-Type: {NDJSON}\r\n"
    with socket.create_connection((host, int(port)), 30) as one:
        one.sendall(f"{head}Expect: 100-continue\r\nContent-Length: 9\r\n\r\n".encode())
        assert one.recv(65536).startswith(b"HTTP/1.1 422 ")


def test_many_at_once_are_all_judged(server: Served) -> None:
    async def all_of_them() -> list[str]:
        limits = httpx2.Limits(max_connections=None)
        async with httpx2.AsyncClient(base_url=server.url, timeout=120, limits=limits) as client:
            asked = [{"lang": "prolog", "program": f"solve(X) :- X is {n} + 1.", "answer": n + 1} for n in range(300)]
            answers = await asyncio.gather(*(client.post("/v1/judge", json=one) for one in asked))
            return [answer.json()["verdict"] for answer in answers]

    assert asyncio.run(all_of_them()) == ["correct"] * 300


def test_waiting_for_a_worker_is_not_a_programs_time(serve: Serve) -> None:
    row = {"program": "solve(1) :- sleep(0.3).", "answer": 1, "limits": {"wall_s": 1.0}}
    with serve(workers=1).client() as client:
        told = stream(client, [{**row, "program": f"{row['program']} % {n}"} for n in range(10)])
    assert [one["verdict"] for one in told] == ["correct"] * 10


def test_who_comes_when_too_much_waits_is_asked_to_come_again(serve: Serve) -> None:
    server = serve(workers=1, waiting=1, streams=1)
    slow = {**RIGHT, "program": "solve(42) :- sleep(3)."}
    host, port = server.url.removeprefix("http://").split(":")
    body = json.dumps(slow).encode()
    with socket.create_connection((host, int(port)), 30) as one, server.client() as client:
        head = f"POST /v1/judge HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        one.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        until(lambda: b"lowres_code_waiting 1.0" in client.get("/metrics").content)
        refused = client.post("/v1/judge", json=RIGHT)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
        until(lambda: b"lowres_code_waiting 0.0" in client.get("/metrics").content)
        assert client.post("/v1/judge", json=RIGHT).json()["correct"]
        counted = client.get("/metrics").text
    assert 'lowres_code_refused_total{reason="busy"} 1.0' in counted
    assert 'lowres_code_programs_total{lang="prolog",status="correct"} 2.0' in counted


def until(there: Any) -> None:
    deadline = time.monotonic() + 120  # this may be a busy machine
    while time.monotonic() < deadline:
        if there():
            return
        time.sleep(0.05)
    raise AssertionError("it never came")


def test_a_token_opens_and_nothing_else_does(serve: Serve) -> None:
    token = "a-token-of-some-length"
    server = serve(token=token)
    with server.client() as client:
        assert client.get("/health").status_code == 200
        for given in (
            {},
            {"Authorization": token},
            {"Authorization": f"Bearer {token[:-1]}"},
            {"Authorization": "Bearer x"},
        ):
            for path in ("/v1/languages", "/metrics", "/v1/execute", "/nothing"):
                assert client.get(path, headers=given).status_code == 401
            assert client.post("/v1/judge", json=RIGHT, headers=given).status_code == 401
        told = client.post("/v1/judge", json=RIGHT, headers={"Authorization": f"Bearer {token}"})
    assert told.json()["correct"]


def test_without_a_token_a_web_page_that_leads_here_by_another_name_is_refused(server: Served) -> None:
    with server.client(Host="evil.example") as client:
        assert client.post("/v1/judge", json=RIGHT).status_code == 403
    with server.client(Host="localhost:1") as client:
        assert client.post("/v1/judge", json=RIGHT).status_code == 200
        plain = {"Content-Type": "text/plain"}  # what a page may send without asking first
        assert client.post("/v1/judge", content=json.dumps(RIGHT), headers=plain).status_code == 415
        assert client.post("/v1/execute?lang=prolog", content="{}", headers=plain).status_code == 415


def test_nobody_else_is_listened_to_without_a_token(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--host 0\.0\.0\.0 lets others in: give a token with --token-file FILE"):
        serve(["prolog"], host="0.0.0.0")
    short = tmp_path / "token"
    short.write_text("secret\n")
    with pytest.raises(UsageError, match="must be one word of 16 or more characters"):
        read_token(short)
    for given in ("", "secret", "0123456789 abcdef", "0123456789abcd\u00e9f"):
        with pytest.raises(UsageError, match="a token must be one word of 16 or more characters, in ASCII"):
            serve(["prolog"], host="0.0.0.0", token=given)
    short.write_text("0123456789abcdef\n")
    assert read_token(short) == "0123456789abcdef"


def test_the_highest_limits_can_be_set() -> None:
    assert most_of(("cpu_s=20", "wall_s=1.5")).cpu_s == 20
    assert most_of(()) == MOST
    with pytest.raises(UsageError, match="there is no limit 'cpus'; did you mean 'cpu_s'"):
        most_of(("cpus=1",))
    with pytest.raises(UsageError, match="must be NAME=NUMBER"):
        most_of(("cpu_s=much",))


def test_the_second_stream_is_refused_where_one_is_allowed(serve: Serve) -> None:
    server = serve(streams=1)
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 30) as one, server.client() as client:
        head = f"POST /v1/judge/stream?lang=prolog HTTP/1.1\r\nHost: {host}\r\nContent-Type: {NDJSON}\r\n"
        one.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        assert one.recv(100).startswith(b"HTTP/1.1 200")
        asked = {"params": {"lang": "prolog"}, "content": b"", "headers": {"Content-Type": NDJSON}}
        assert client.post("/v1/judge/stream", **asked).status_code == 429
        one.close()
        until(lambda: client.post("/v1/judge/stream", **asked).status_code == 200)


def test_a_server_that_ends_finishes_what_it_holds_and_names_the_rest(serve: Serve) -> None:
    server = serve(workers=1)
    host, port = server.url.removeprefix("http://").split(":")
    rows = lines([{"program": program, "answer": 1} for program in ("solve(1).", "solve(1) :- sleep(1).")]).encode()
    with socket.create_connection((host, int(port)), 30) as one:
        head = f"POST /v1/judge/stream?lang=prolog HTTP/1.1\r\nHost: {host}\r\nContent-Type: {NDJSON}\r\n"
        one.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n{len(rows):x}\r\n".encode() + rows + b"\r\n")
        got = read_until(
            one, lambda got: b'"correct":true' in got
        )  # then it holds the second, which came with the first
        server.process.terminate()
        while part := one.recv(65536):
            got += part
    assert got.count(b'"correct":true') == 2
    assert b'"row":3,"error":"the server ends: this line and those behind it are not judged"' in got
    assert server.process.wait(30) == 0


def test_a_port_that_is_taken_is_told(server: Served) -> None:
    port = server.url.rsplit(":", 1)[1]
    command = [sys.executable, "-m", "lowres_code", "serve", "--lang", "lua", "--port", port]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1, port {port}: Address already in use; choose another --port" in done.stderr
