"""What a client's author does wrong is told in one form: what it was, the value, what is nearest to it and right."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from lowres_code.remote.wire import NDJSON
from lowres_code.serve.refusals import answer_refusals
from starlette.types import Message

from tests.core.serve.conftest import Serve, Served
from tests.core.serve.test_serve import RIGHT

JSON = "application/json"
KNOWN = "/docs, /health, /metrics, /openapi.json, /v1/check, /v1/execute, /v1/judge, /v1/judge/stream, /v1/languages"


def refused(
    server: Served, method: str, path: str, body: bytes | str = "", kind: str | None = JSON, **headers: str
) -> tuple[int, str]:
    """The status and what is said; whatever is refused has one form."""
    given = {**headers, **({"Content-Type": kind} if kind else {})}
    with server.client() as client:
        answer = client.request(method, path, content=body, headers=given)
    told = answer.json()
    assert (answer.headers["content-type"], list(told)) == (JSON, ["error"])
    return answer.status_code, told["error"]


@pytest.mark.parametrize("path", ["/v1/judge", "/v1/check"])
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "the request has no body; it must be a JSON object with 'lang'"),
        ("[]", "the request: not a JSON object: []"),
        ("null", "the request: not a JSON object: null"),
        ('{"lang":', "the request: not a JSON object: expecting value at character 9, near '{\"lang\":'"),
        (b'{"lang": "\xff"}', "the request: not a JSON object: 'utf-8' codec can't decode byte 0xff in position 10"),
        ("[" * 100_000, "the request: not a JSON object: it is too deep"),
        ('{"n": 1' + "0" * 5000 + "}", "the request: not a JSON object: Exceeds the limit (4300 digits)"),
        ('{"program": ""}', "the request: 'lang' is missing"),
        ('{"lang": 7, "program": ""}', "the request: 'lang' must be text, not 7"),
        ('{"lang": "prolog", "progam": ""}', "the request: unknown key 'progam'; did you mean 'program'?"),
        ('{"lang": "prolog", "program": [1]}', "the request: 'program' must be text, not [1]"),
        ('{"lang": 7, "program": true}', "the request: 'lang' must be text, not 7; 'program' must be text, not true"),
    ],
)
def test_a_body_that_is_none(server: Served, path: str, body: str | bytes, said: str) -> None:
    status, told = refused(server, "POST", path, body)
    assert (status, told[: len(said)]) == (422, said)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"answer": [1]}, "the request: 'answer' must be text or a number, not [1]"),
        ({"answer": True}, "the request: 'answer' must be text or a number, not true"),
        ({"answer": None}, "the request: needs 'answer' or 'tests' or 'append'; 'answer' is null"),
        ({"answer": ""}, "the request: needs 'answer' or 'tests' or 'append'; 'answer' is empty"),
        ({"tests": {"stdout": "1"}}, "the request: 'tests' must be a list, not {'stdout': '1'}"),
        (
            {"answer": None, "tests": [{"stdout": "1", "stdn": "2"}]},
            "the request: unknown key 'stdn' in 'tests'; did you mean 'stdin'?",
        ),
        (
            {"answer": None, "tests": [{"STDIN": "2", "stdout": "1"}]},
            "the request: unknown key 'STDIN' in 'tests'; did you mean 'stdin'?",
        ),
        ({"checker": "tokns"}, "the request: there is no checker 'tokns'; did you mean 'tokens'?"),
        ({"limits": [1]}, "the request: 'limits' must be an object, not [1]"),
        ({"limits": {"cpu_s": "1"}}, "limits.cpu_s must be a number, not '1'"),
        ({"program": None}, "the request: needs 'program' or 'completion'; 'program' is null"),
        ({"x" * 200: 1}, "the request: unknown key 'xxx"),
        ({"lang": "x" * 3_000_000}, "no language 'xxx"),
        ({"lang": "prolog" + "g" * 200}, "no language 'prologgg"),
        ({"limits": {"x" * 3_000_000: 1}}, "limits.xxx"),
    ],
)
def test_a_request_that_asks_what_cannot_be(server: Served, changed: dict[str, Any], said: str) -> None:
    status, told = refused(server, "POST", "/v1/judge", json.dumps({**RIGHT, **changed}))
    assert (status, told[: len(said)]) == (422, said)
    assert len(told) < 300  # whatever is quoted


@pytest.mark.parametrize(
    "tests",
    [
        [{"stdin": "", "stdout": "42", "name": "first", "weight": 2, "stdout_type": "exact"}],
        [{"stdout": "42", "x" * 3_000_000: 1}, {"stdout": "42"}],
        [{"stdout": "42", "stdout_is_checked_by_words": True}],
    ],
)
def test_what_else_is_known_of_a_test_is_ignored(server: Served, tests: list[dict[str, object]]) -> None:
    with server.client() as client:
        told = client.post("/v1/judge", json={"lang": "lua", "program": "print(42)", "tests": tests}).json()
    assert (told.get("verdict"), told.get("tests")) == ("correct", len(tests))


@pytest.mark.parametrize("kind", ["application/vnd.api+json", "Application/LD+JSON; charset=utf-8"])
def test_a_type_that_is_a_kind_of_json_is_json(server: Served, kind: str) -> None:
    with server.client() as client:
        told = client.post("/v1/judge", content=json.dumps(RIGHT), headers={"Content-Type": kind})
    assert (told.status_code, told.json()["verdict"]) == (200, "correct")
    assert refused(server, "POST", "/v1/judge/stream?lang=prolog", json.dumps(RIGHT), kind)[0] == 415


def test_many_mistakes_are_counted(server: Served) -> None:
    status, told = refused(server, "POST", "/v1/judge", json.dumps({**RIGHT, **{f"{n}": n for n in range(100)}}))
    assert (status, told[-13:]) == (422, "; and 95 more")


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_a_body_of_another_type(server: Served, kind: str | None) -> None:
    has = "is missing" if kind is None else f"is {kind!r}"
    one = refused(server, "POST", "/v1/judge", json.dumps(RIGHT), kind)
    many = refused(server, "POST", "/v1/judge/stream?lang=prolog", json.dumps(RIGHT), kind)
    assert one == (415, f"the header Content-Type {has}; it must be application/json, for a JSON object")
    assert many == (415, f"the header Content-Type {has}; it must be {NDJSON}, for a JSON object in each line")


@pytest.mark.parametrize("path", ["/v1/judge/stream", "/v1/execute"])
@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", "the address names no language; it must end as {path}?lang=prolog"),
        ("?lang=", "the address names no language; it must end as {path}?lang=prolog"),
        ("?lang=lua&lang=prolog", "the address names several languages; it must end as {path}?lang=prolog"),
        ("?language=lua", "the address names no language; it must end as {path}?lang=prolog"),
        ("?lang=prlog", "no language 'prlog' is served here; did you mean 'prolog'?"),
    ],
)
def test_an_address_that_names_no_language(server: Served, path: str, query: str, said: str) -> None:
    assert refused(server, "POST", path + query, "{}", NDJSON) == (422, said.format(path=path))


def test_what_else_an_address_and_a_row_say_is_ignored(server: Served) -> None:
    row = {"lang": "lua", "program": "solve(1).", "answer": 1}
    with server.client() as client:
        answer = client.post(
            "/v1/judge/stream?lang=prolog&trace=7&lnag=lua",
            content=json.dumps(row),
            headers={"Content-Type": NDJSON},
        )
        assert (answer.status_code, answer.json()["correct"]) == (200, True)


@pytest.mark.parametrize(
    ("method", "path", "status", "said"),
    [
        ("GET", "/", 404, f"there is nothing at '/'; known: {KNOWN}"),
        ("POST", "/v1/juge", 404, "there is nothing at '/v1/juge'; did you mean '/v1/judge'?"),
        ("POST", "/v1/judge/", 404, "there is nothing at '/v1/judge/'; did you mean '/v1/judge'?"),
        ("GET", "/v1/judge", 405, "/v1/judge takes POST, not 'GET'"),
        ("POST", "/v1/languages", 405, "/v1/languages takes GET or HEAD, not 'POST'"),
        ("DELETE", "/health", 405, "/health takes GET or HEAD, not 'DELETE'"),
    ],
)
def test_an_address_or_a_method_that_is_not_there(
    server: Served, method: str, path: str, status: int, said: str
) -> None:
    assert refused(server, method, path) == (status, said)


def test_what_is_allowed_stands_in_the_headers(server: Served, guarded: Served) -> None:
    with server.client() as client:
        assert client.get("/v1/judge").headers["allow"] == "POST"
        assert client.post("/health").headers["allow"] == "GET, HEAD"
        assert client.head("/health").status_code == 200
        assert client.head("/v1/languages").status_code == 200
    with guarded.client() as client:
        assert client.get("/v1/languages").headers["www-authenticate"] == "Bearer"


def test_who_may_not_ask_is_told_why(server: Served, guarded: Served) -> None:
    wanted = "a token is needed, in one header Authorization: Bearer TOKEN; "
    for given, why in (
        ({}, "none was given"),
        ({"Authorization": "Basic 0123456789abcdef"}, "none was given"),
        ({"Authorization": "Bearer 0123456789abcdeg"}, "this is another one"),
        ({"Authorization": "Bearer"}, "this is another one"),
    ):
        assert refused(guarded, "POST", "/v1/judge", **given) == (401, wanted + why)
    ours = "without a token only 127.0.0.1, ::1, localhost can be addressed, from there"
    assert refused(server, "GET", "/metrics", Host="evil") == (403, f"the header Host is 'evil'; {ours}")
    assert refused(server, "GET", "/metrics", Origin="http://evil") == (
        403,
        f"the header Origin is 'http://evil'; {ours}",
    )


@pytest.mark.parametrize("token", [b"0123456789abcd\xe9f", "0123456789abcdéf".encode(), b"\xa00123456789abcdef", b""])
def test_a_token_is_compared_by_its_bytes(guarded: Served, token: bytes) -> None:
    head = b"GET /v1/languages HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer " + token
    assert raw(guarded, head + b"\r\n\r\n").startswith(b"HTTP/1.1 401 ")


def test_what_is_no_request_is_refused_in_the_same_form(server: Served) -> None:
    head, _, body = raw(server, b"GET / HTT\r\n\r\n").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n") and b"content-type: application/json\r\n" in head
    assert list(json.loads(body)) == ["error"]


def raw(server: Served, request: bytes) -> bytes:
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 30) as one:
        one.sendall(request)
        return b"".join(iter(lambda: one.recv(65536), b""))


def test_a_message_with_a_million_mistakes_costs_little(serve: Serve) -> None:
    """They are not all listed; that took gigabytes, and a minute in which nobody else was answered."""
    server = serve()
    many = {
        "tests": b'"tests": [' + b"1," * 1_900_000 + b"1]",
        "limits": b'"answer": 1, "limits": {' + b",".join(b'"%x": []' % n for n in range(250_000)) + b"}",
        "keys": b",".join(b'"%x": 1' % n for n in range(300_000)),
    }
    for what in many.values():
        status, said = refused(server, "POST", "/v1/judge", b'{"lang": "prolog", "program": "",' + what + b"}")
        assert (status, len(said) < 1_000) == (422, True)
    status_file = Path(f"/proc/{server.process.pid}/status")
    most = next(line for line in status_file.read_text().splitlines() if line.startswith("VmHWM"))
    assert int(most.split()[1]) < 500_000  # kB


def test_the_page_describes_what_is_refused(server: Served) -> None:
    with server.client() as client:
        told = client.get("/openapi.json").json()
    for path, method in (("/v1/judge", "post"), ("/v1/judge/stream", "post"), ("/v1/languages", "get")):
        answers = told["paths"][path][method]["responses"]
        assert {*answers} > {"200", "401", "404", "405", "415", "422", "429"}
        for status, answer in answers.items():
            if status != "200":
                assert answer["content"][JSON]["schema"] == {"$ref": "#/components/schemas/Refused"}
    assert told["components"]["schemas"]["Refused"]["required"] == ["error"]
    asked = told["paths"]["/v1/judge"]["post"]["requestBody"]["content"][JSON]["schema"]
    assert {"lang", "program", "tests", "limits"} < {*asked["properties"]}
    assert told["paths"]["/v1/execute"]["post"]["parameters"][0]["name"] == "lang"


def test_what_nobody_thought_of_is_told_in_the_same_form() -> None:
    app, sent = FastAPI(), []
    answer_refusals(app)

    @app.get("/broken")
    def broken() -> None:
        raise KeyError("secret")

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/broken", "headers": [], "query_string": b""}
    with pytest.raises(KeyError):  # for the log
        asyncio.run(app(scope, receive, send))
    assert (sent[0]["status"], sent[1]["body"]) == (500, b'{"error": "the judge fails: KeyError"}')
