"""What clients together can make a server hold: programs, answers, and answers that nobody takes."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest
from lowres_code.case import Case, given
from lowres_code.language.base import Execution, Status
from lowres_code.problem import Test
from lowres_code.serve.exchange import Exchange
from lowres_code.serve.host import Bounds
from lowres_code.serve.memory import Memory
from starlette.types import Message

from tests.conftest import PROLOG
from tests.core.serve.conftest import Serve, stream
from tests.core.serve.test_exchange import BOUNDS, Client
from tests.core.serve.test_harm import connect, works
from tests.core.serve.test_serve import until

FOUR_MB = {"lang": "lua", "program": r'io.write(string.rep("\1", 4000000))', "limits": {"output_kb": 4096}}


class Piece(bytearray):
    """Bytes of which it can be seen when they are gone."""


class Text(str):
    """Likewise."""

    __slots__ = ("__weakref__",)


def test_answers_that_are_taken_are_not_held_until_the_stream_ends() -> None:
    async def scene() -> int:
        client, go, last, there = Client(20, takes=True), asyncio.Event(), asyncio.Event(), list[weakref.ref[Piece]]()

        async def turns() -> None:
            for _ in range(500):
                await asyncio.sleep(0)

        async def work(number: int, line: bytes) -> Any:
            await (last if number == 20 else go).wait()
            there.append(weakref.ref(piece := Piece(b"%d\n" % number)))
            return piece

        exchange = Exchange(work, 10, Bounds(), asyncio.Event(), False, lambda *_: b"", Memory(10**9, 1, 1))
        running = asyncio.ensure_future(exchange({}, client.receive, client.send))
        await turns()
        go.set()
        await turns()
        assert client.answers.count(b"\n") == 19
        gc.collect()
        held = sum(one() is not None for one in there)
        last.set()
        await running
        return held

    assert asyncio.run(scene()) <= 1  # the one that was sent last


def test_streams_share_what_the_server_may_hold() -> None:
    """Each answer may have 12 * 1,024 bytes, and a line of 999 needs 16 times as much: one stream fills it all."""

    async def scene() -> None:
        memory, begun = Memory(16 * 999 + 12 * 1_024, output_kb=1, programs=1), list[str]()

        def exchange(name: str, client: Client) -> asyncio.Future[None]:
            async def work(number: int, line: bytes) -> bytes:
                begun.append(name)
                return b"y" * 20_000

            one = Exchange(work, 1, BOUNDS, asyncio.Event(), True, lambda *_: b"", memory)
            return asyncio.ensure_future(one({}, client.receive, client.send))

        async def turns() -> None:
            for _ in range(500):
                await asyncio.sleep(0)

        slow, other = Client(1, takes=False), Client(1, takes=True)
        first = exchange("first", slow)
        await turns()
        second = exchange("second", other)
        await turns()
        assert begun == ["first"]
        slow.take()
        await asyncio.gather(first, second)
        assert begun == ["first", "second"]
        assert len(other.answers) == 20_000

    asyncio.run(scene())


def test_what_a_stream_held_is_free_when_its_client_is_gone() -> None:
    async def scene() -> None:
        memory = Memory(100_000, output_kb=1, programs=1)

        async def work(number: int, line: bytes) -> bytes:
            return b"y" * 20_000

        async def receive() -> Message:
            if client.sent < client.lines:
                return await client.receive()
            return await gone.get()

        client, gone = Client(3, takes=False), asyncio.Queue[Message]()
        one = Exchange(work, 3, BOUNDS, asyncio.Event(), True, lambda *_: b"", memory)
        running = asyncio.ensure_future(one({}, receive, client.send))
        for _ in range(500):
            await asyncio.sleep(0)
        assert memory.held > 0
        gone.put_nowait({"type": "http.disconnect"})
        await running
        assert memory.held == 0

    asyncio.run(scene())


def test_of_tests_that_are_passed_only_the_last_answer_is_held() -> None:
    case, there = Case(PROLOG, given("solve(1)."), [Test("1"), Test("1"), Test("1")]), weakref.WeakSet[Text]()
    for place in range(3):
        printed = Text(f"{place}")
        there.add(printed)
        assert case.passes(place, Execution(Status.OK, answer="1", stdout=printed))
        del printed
    assert sorted(there) == ["2"]
    told = case.judgement_of_told()
    assert (told.verdict, told.passed, told.execution and told.execution.stdout) == ("correct", 3, "2")


def test_the_answer_to_a_line_does_not_grow_with_its_samples(serve: Serve) -> None:
    """Each sample is told in 48 MB: as the answer and as what was printed, six bytes for each of 4,000,000."""
    programs = [f"{FOUR_MB['program']} -- {n}" for n in range(4)]
    with serve("lua").client() as client:
        body = json.dumps({"program": programs, "answer": 1, "limits": FOUR_MB["limits"]}) + "\n"
        told = stream(client, body, lang="lua")
    assert [(one["sample"], len(one.get("stdout", "")), one.get("error")) for one in told] == [
        (0, 4_000_000, None),
        (1, 4_000_000, None),
        (2, 0, "what the samples before it have printed is too long"),
        (3, 0, "what the samples before it have printed is too long"),
    ]


def test_what_a_line_may_have(serve: Serve) -> None:
    rows = [
        {"id": "x" * 201, "program": ["solve(1)."] * 64, "answer": 1},
        {"id": float("nan"), "program": "solve(1).", "answer": 1},
        {"program": "solve(1).", "tests": [{"stdout": "1"}] * 1_001},
        {"id": "x" * 200, "program": "solve(1).", "answer": 1},
    ]
    with serve().client() as client:
        told = stream(client, "".join(json.dumps(row) + "\n" for row in rows))
    assert [one.get("error") for one in told] == [
        "line 1: 'id' must be text of at most 200 characters, or a number",
        "line 2: 'id' must be text of at most 200 characters, or a number",
        "line 3: 1001 tests; a line may have 1000",
        None,
    ]
    assert told[3]["correct"]


def test_who_does_not_take_an_answer_is_dropped_with_it(serve: Serve) -> None:
    server = serve("prolog", "lua", idle_s=1.0)
    body = json.dumps({**FOUR_MB, "answer": 1})
    head = (
        f"POST /v1/judge HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    )
    with connect(server) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.sendall(f"{head}\r\n\r\n{body}".encode())
        own, process = one.getsockname()[1], psutil.Process(server.process.pid)

        def is_connected() -> bool:
            return any(other.raddr and other.raddr.port == own for other in process.net_connections("tcp"))

        until(is_connected)
        until(lambda: not is_connected())
    assert works(server)


def test_a_completion_that_takes_long_to_take_apart_holds_nobody_up(serve: Serve) -> None:
    completion = "<code>\n```\nand\n```\n</code>\n" * 100_000
    server, between = serve(), 0
    with server.client() as client, server.client() as other, ThreadPoolExecutor() as threads:
        asked = threads.submit(client.post, "/v1/judge", json={"lang": "prolog", "completion": completion, "answer": 1})
        while not asked.done():
            assert other.get("/health").json()["status"] == "ok"
            between += 1
        assert asked.result().json()["verdict"] == "no_code"
    assert between > 10  # it was one, or two


def test_requests_that_are_read_are_few_at_a_time(serve: Serve) -> None:
    """Of each 4 MB come 100 MB of objects; eight that had them all, and a copy, took 1.8 GB."""
    server = serve()
    body = b'{"lang": "prolog", "program": "", "tests": [' + b'{"":1},' * 590_000 + b"{}]}"

    def ask(client: httpx2.Client) -> int:
        return client.post("/v1/judge", content=body, headers={"Content-Type": "application/json"}).status_code

    with server.client() as client, ThreadPoolExecutor(8) as threads:
        assert [*threads.map(ask, [client] * 8)] == [422] * 8
    status = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    assert next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) < 1_200_000  # kB


@pytest.mark.parametrize("where", ['"limits": {"\\ud800": 1}', '"form": "\\ud800"'])
def test_half_a_surrogate_pair_in_a_refusal_is_told(serve: Serve, where: str) -> None:
    asked = '{"lang": "prolog", "program": "solve(1).", "answer": "1", ' + where + "}"
    with serve().client() as client:
        told = client.post("/v1/judge", content=asked, headers={"Content-Type": "application/json"})
    assert (told.status_code, "\ud800" in told.json()["error"] or "\\ud800" in told.json()["error"]) == (422, True)
