"""A line of a stream that cannot be judged is told what is wrong with it, and costs the others nothing."""

from __future__ import annotations

import json

import pytest
from lowres_code.remote.wire import NDJSON

from tests.core.serve.conftest import Serve, Served, stream
from tests.core.serve.test_refusals import raw


def test_bad_lines_in_the_middle_of_a_stream(server: Served) -> None:
    fine = '{"program": "solve(1).", "answer": 1}\n'
    bad = {
        "{bad": "not a JSON object: expecting property name enclosed in double quotes at character 2, near '{bad'",
        '"x"': "not a JSON object: 'x'",
        '{"progam": "", "answer": 1}': "needs 'program' or 'completion'; it has 'answer', 'progam'; for 'progam' "
        "did you mean 'program'?",
        '{"program": ""}': "needs 'answer' or 'tests' or 'append'; it has 'program'",
        '{"program": "", "answer": 1, "limits": 7}': "'limits' must be an object, as {\"cpu_s\": 20}, not 7",
        "{}": "needs 'program' or 'completion'; it has nothing",
    }
    with server.client() as client:
        told = stream(client, fine + "".join(f"{line}\n" for line in bad) + fine)
    assert [one.get("error") for one in told[1:-1]] == [f"line {n}: {said}" for n, said in enumerate(bad.values(), 2)]
    assert [one.get("correct") for one in (told[0], told[-1])] == [True, True]


def test_a_bad_line_is_answered_with_its_id_where_it_has_one(server: Served) -> None:
    rows = [
        '{"id": "a", "program": "solve(1)."}',
        '{"id": 7, "program": "solve(1).", "answer": 1, "limits": {"cpu": 1}}',
        '{"id": null, "program": 8, "answer": 1}',
        '{"id": [NaN], "program": "solve(1).", "answer": 1}',
        '{"id": NaN, "program": "solve(1).", "answer": 1}',
        '{"id": "' + "x" * 201 + '", "program": "solve(1).", "answer": 1}',
        '["id"]',
        '{"id": "b", "program"',
    ]
    with server.client() as client:
        told = stream(client, "\n".join(rows))
    assert [(one["row"], one.get("id", "none"), "error" in one) for one in told] == [
        (1, "a", True),
        (2, 7, True),
        (3, None, True),
        *((row, "none", True) for row in range(4, 9)),
    ]


@pytest.mark.parametrize(
    ("then", "why"),
    [(b"x" * 20_000, "a line may have 10000 bytes"), (b"{", "none has come for 1 s"), (b"", "none has come for 1 s")],
)
def test_a_line_that_is_too_long_or_does_not_come_is_named(serve: Serve, then: bytes, why: str) -> None:
    server = serve(longest_line=10_000, idle_s=1.0)
    body = b'{"program": "solve(1).", "answer": 1}\n' + then
    head = f"POST /v1/judge/stream?lang=prolog HTTP/1.1\r\nHost: localhost\r\nContent-Type: {NDJSON}\r\n"
    answer = raw(server, f"{head}Content-Length: 99999\r\n\r\n".encode() + body)
    told = [json.loads(line) for line in answer.splitlines() if line.startswith(b"{")]
    assert [one["row"] for one in told] == [1, 2]
    assert told[0]["correct"]
    assert told[1]["error"] == f"{why}: this line and those behind it are not judged"


def test_bad_lines_for_who_runs_programs(server: Served) -> None:
    bad = {
        '{"n": 2}': "'program' is missing",
        '{"n": "x", "program": ""}': "'n' must be a whole number, not 'x'",
        '{"n": 3, "program": "", "aks": ""}': "unknown key 'aks'; did you mean 'ask'?",
    }
    with server.client() as client:
        told = stream(client, "".join(f"{line}\n" for line in bad), "/v1/execute")
    assert {one["refused"] for one in told} == {f"line {n}: {said}" for n, said in enumerate(bad.values(), 1)}
