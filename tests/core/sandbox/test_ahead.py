"""Questions that a worker is sent before it has answered the one before: none waits for a slow one, none is lost."""

from __future__ import annotations

import contextlib
import selectors
import time
from collections.abc import Iterator

import psutil
import pytest
from lowres_code.language.base import Limits, Status
from lowres_code.problem import Test
from lowres_code.sandbox import frames
from lowres_code.sandbox.client import WorkerClient
from lowres_code.sandbox.question import LONGEST_PROGRAM, Question

from tests.conftest import PROLOG
from tests.core.sandbox.conftest import RIGHT, worker_processes

SLOW = "solve(X) :- sleep(0.5), X = slow."
WAIT_S = 60


@pytest.fixture
def selector() -> Iterator[selectors.BaseSelector]:
    with selectors.DefaultSelector() as selector:
        yield selector


@pytest.fixture
def client(isolated: None, selector: selectors.BaseSelector) -> Iterator[WorkerClient]:
    client = WorkerClient(PROLOG, "namespaces", selector=selector)
    client.start()
    yield client
    client.release()


def question(program: str) -> Question:
    asked = Question(PROLOG, "namespaces", "execute", (program, Test()), Limits())
    assert asked.begin()
    return asked


def back(client: WorkerClient, selector: selectors.BaseSelector, count: int) -> list[Question]:
    """The next questions that the worker has no more; nobody looks at the clock."""
    found: list[Question] = []
    deadline = time.monotonic() + WAIT_S
    while len(found) < count and time.monotonic() < deadline:
        for _, mask in selector.select(1):
            found += client.event(mask)
    assert len(found) == count
    return found


def pid(client: WorkerClient) -> int:
    assert client._process is not None
    return client._process.pid


def test_it_takes_one_ahead_and_answers_in_order(client: WorkerClient, selector: selectors.BaseSelector) -> None:
    one, two = question("solve(1)."), question("solve(2).")
    assert client.idle and client.room
    assert client.send(one) == []
    assert client.room and not client.idle
    assert client.send(two) == []
    assert not client.room
    assert back(client, selector, 2) == [one, two]
    assert [asked.future.result().answer for asked in (one, two)] == ["1", "2"]


def test_what_waited_behind_a_slow_program_comes_back_and_the_worker_drops_it(
    client: WorkerClient, selector: selectors.BaseSelector
) -> None:
    before, slow, behind = pid(client), question(SLOW), question(RIGHT)
    client.send(slow)
    client.send(behind)
    assert back(client, selector, 2) == [slow, behind]
    assert slow.future.done() and not behind.future.done()
    assert client.idle
    client.send(behind)  # had it not been dropped, two answers would come to one question
    client.send(question(RIGHT))
    assert back(client, selector, 2)[0] is behind
    assert behind.future.result().answer == "42"
    assert pid(client) == before


def test_while_a_program_is_slow_what_waits_is_taken_back_for_another_worker(
    client: WorkerClient, selector: selectors.BaseSelector
) -> None:
    slow, behind = question(SLOW), question(RIGHT)
    client.send(slow)
    client.send(behind)
    assert client.look(client._since) == []
    assert client.look(client._since + 0.2) == [behind]
    assert client.look(client._since + 0.3) == []
    assert not client.room
    with contextlib.closing(selectors.DefaultSelector()) as others:
        other = WorkerClient(PROLOG, "namespaces", selector=others)
        other.send(behind)
        assert back(other, others, 1) == [behind]
        other.release()
    assert back(client, selector, 1) == [slow]
    assert client.idle and client.room


def test_what_is_taken_back_though_nothing_was_slow_is_answered_once(
    client: WorkerClient, selector: selectors.BaseSelector
) -> None:
    """A machine with much to do lets a program begin late, which its worker does not see."""
    before, quick, behind = pid(client), question(RIGHT), question("solve(X) :- random(X).")
    late: list[bytes] = []  # were both answers there at once, none would run for nobody
    client.send(quick)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client._process, "send", late.append)
        client.send(behind)
    assert client.look(client._since + 0.2) == [behind]
    assert back(client, selector, 1) == [quick]
    assert not client.idle  # it runs for nobody
    assert client._process is not None
    client._process.send(*late)
    client.send(behind)
    assert back(client, selector, 1) == [behind]
    assert behind.future.result().status is Status.OK
    assert client.idle
    assert pid(client) == before


def test_a_worker_that_dies_is_the_failure_of_what_it_ran_and_of_nothing_that_waited(
    client: WorkerClient, selector: selectors.BaseSelector
) -> None:
    slow, behind = question("solve(X) :- sleep(30), X = slow."), question(RIGHT)  # it is killed long before its end
    for _ in range(2):
        client.start()
        client.send(slow)
        client.send(behind)
        for process in worker_processes(client):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        assert back(client, selector, 2) == [slow, behind]
    assert slow.future.result().status is Status.INFRA_ERROR
    assert not behind.future.done()
    client.send(behind)
    assert back(client, selector, 1) == [behind]
    assert behind.future.result().answer == "42"


def test_a_long_program_is_sent_bit_by_bit_and_nobody_waits(
    client: WorkerClient, selector: selectors.BaseSelector
) -> None:
    long = f"solve(long).\n%{'x' * (LONGEST_PROGRAM // 4)}"
    slow, behind = question(SLOW), question(long)
    client.send(slow)
    client.send(behind)
    assert not slow.future.done()
    assert back(client, selector, 2) == [slow, behind]
    client.send(behind)
    assert back(client, selector, 1) == [behind]
    assert behind.future.result().answer == "long"


def test_a_worker_that_answers_what_it_was_not_asked_is_replaced(
    client: WorkerClient, selector: selectors.BaseSelector
) -> None:
    asked = question(RIGHT)
    for _ in range(2):
        client.send(asked)
        client._sent[0].identity = bytes(16)
        assert back(client, selector, 1) == [asked]
    (said,) = asked.future.result().diagnostics
    assert said.message == "it answered what it was not asked"


def head(status: int, identity: bytes) -> bytes:
    return frames.pack_reply_head(frames.ReplyHead(identity, status, False, 0, 0.1, 0.1, 1.0, False))


@pytest.mark.parametrize("reply", ["no head", "no blobs", "too many", "no status"])
def test_a_worker_that_sends_no_reply_is_replaced(client: WorkerClient, reply: str) -> None:
    asked = question(RIGHT)
    client.send(asked)
    identity = client._sent[0].identity
    messages = {
        "no head": [b"head", b"", b"", b""],
        "no blobs": [head(0, identity)],
        "too many": [head(0, identity), b"", b"", b"", b""],
        "no status": [head(len(Status), identity), b"", b"", b""],
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client._process, "receive", lambda: [messages[reply]])
        assert client.event(selectors.EVENT_READ) == [asked]
    assert not client.runs
    assert not asked.future.done()


def test_nothing_waits_for_a_worker_that_starts_while_another_works() -> None:
    client = WorkerClient(PROLOG, "namespaces")
    client.begin()
    assert not client.room
    client.start()
    assert client.room
    client.release()
