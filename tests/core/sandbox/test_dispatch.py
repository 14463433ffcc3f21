"""The one thread of a pool: it outlives whatever goes wrong with one question, misses none, and ends with its owner."""

from __future__ import annotations

import concurrent.futures
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future

import pytest
from lowres_code.language.base import Execution, Limits
from lowres_code.problem import Test
from lowres_code.sandbox.frames import ReplyHead
from lowres_code.sandbox.pool import Pool
from lowres_code.sandbox.process import WorkerProcess
from lowres_code.sandbox.question import Question

from tests.conftest import PROLOG
from tests.core.sandbox.conftest import RIGHT

LIMITS = Limits()
SLOW = "solve(X) :- sleep(0.5), X = slow."
SLOWER = "solve(X) :- sleep({}), X = slower."
WAIT_S = 60


@pytest.fixture
def pool(isolated: None) -> Iterator[Pool]:
    with Pool(PROLOG, "namespaces", 1) as pool:
        yield pool


def asked(pool: Pool, program: str) -> Future[Execution]:
    return pool.submit((program, Test()), LIMITS)


def answer(pool: Pool, program: str) -> str | None:
    return asked(pool, program).result(WAIT_S).answer


def fails(*_: object) -> str:
    raise LookupError("a mistake of the language's")


@pytest.mark.parametrize("hook", ["warm_up_of", "environment"])
def test_what_a_language_raises_costs_one_program_and_no_other(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, hook: str
) -> None:
    monkeypatch.setattr(type(PROLOG), hook, fails)
    with pytest.raises(LookupError, match="a mistake of the language's"):
        asked(pool, RIGHT).result(WAIT_S)
    monkeypatch.undo()
    assert answer(pool, RIGHT) == "42"


def test_what_a_language_raises_when_a_worker_is_started_comes_out(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(PROLOG), "environment", fails)
    with pytest.raises(LookupError, match="a mistake of the language's"):
        pool.start()
    monkeypatch.undo()
    pool.start()


def test_what_is_no_program_costs_nobody_else_a_verdict(pool: Pool) -> None:
    with pytest.raises(TypeError):
        asked(pool, b"solve(1).").result(WAIT_S)  # type: ignore[arg-type]
    assert answer(pool, RIGHT) == "42"


def test_what_goes_wrong_while_a_worker_is_read_costs_that_worker(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    pool.start()
    inner = WorkerProcess.receive
    calls: list[WorkerProcess] = []

    def receive(process: WorkerProcess) -> list[list[bytes]]:
        calls.append(process)
        if len(calls) == 1:
            raise MemoryError
        return inner(process)

    monkeypatch.setattr(WorkerProcess, "receive", receive)
    assert answer(pool, RIGHT) == "42"
    assert len(set(calls)) == 2


def test_what_goes_wrong_while_an_answer_is_taken_loses_no_question(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner, calls = Question.answered, list[Question]()

    def answered(question: Question, reply: ReplyHead, blobs: list[bytes]) -> bool:
        calls.append(question)
        if len(calls) == 1:
            raise MemoryError
        return inner(question, reply, blobs)

    monkeypatch.setattr(Question, "answered", answered)
    found = [asked(pool, f"solve({n}).") for n in range(3)]
    assert [future.result(WAIT_S).answer for future in found] == ["0", "1", "2"]


def test_a_question_that_comes_when_all_are_given_away_is_not_missed(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(pool, RIGHT)
    inner = pool._dispatcher._give
    late: list[Future[Execution]] = []

    def give() -> bool:
        given = inner()
        if not late and pool._dispatcher._slots[0].idle:
            late.append(asked(pool, RIGHT))
        return given

    monkeypatch.setattr(pool._dispatcher, "_give", give)
    assert answer(pool, "solve(1).") == "1"
    until = time.monotonic() + WAIT_S
    while not late and time.monotonic() < until:  # the thread is about to
        time.sleep(0.001)
    assert late[0].result(WAIT_S).answer == "42"


def test_who_is_interrupted_while_asking_keeps_nobody_else_from_it(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """As by Ctrl-C in a notebook: the thread is not woken up, and nobody else thinks that it sleeps."""

    def interrupted() -> None:
        raise KeyboardInterrupt

    pool.start()
    until = time.monotonic() + WAIT_S
    while not pool._dispatcher._hungry and time.monotonic() < until:
        time.sleep(0.001)
    monkeypatch.setattr(pool._dispatcher, "_awake", interrupted)
    with pytest.raises(KeyboardInterrupt):
        asked(pool, "solve(1).")
    monkeypatch.undo()
    assert answer(pool, RIGHT) == "42"


def test_a_language_that_takes_its_time_holds_no_other_pool_up(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    entered, go = threading.Event(), threading.Event()

    def warm_up_of(_: object, program: str) -> str:
        if "long" in program:
            entered.set()
            go.wait(WAIT_S)
        return ""

    monkeypatch.setattr(type(PROLOG), "warm_up_of", warm_up_of)
    with Pool(PROLOG, "namespaces", 1) as other:
        held = asked(pool, "solve(1). % long")
        assert entered.wait(WAIT_S)
        try:
            assert asked(other, RIGHT).result(WAIT_S / 2).answer == "42"
        finally:
            go.set()
        assert held.result(WAIT_S).answer == "1"


def test_whoever_waits_for_what_was_cancelled_or_closed_hears_of_it(pool: Pool) -> None:
    pool.start()
    slow, *others = [asked(pool, program) for program in (SLOWER.format(2), *(f"solve({n})." for n in range(6)))]
    assert others[3].cancel()
    assert not concurrent.futures.wait([slow, *others], WAIT_S).not_done
    slow, *others = [asked(pool, program) for program in (SLOWER.format(30), *(f"solve({n})." for n in range(6)))]
    pool.close()  # ends it at once
    assert not concurrent.futures.wait([slow, *others], WAIT_S).not_done
    assert others[-1].cancelled()


def test_who_is_told_of_an_answer_does_not_end_the_pools_thread(pool: Pool) -> None:
    told = asked(pool, SLOW)
    told.add_done_callback(lambda _: sys.exit(3))
    others = [asked(pool, f"solve({n}).") for n in range(6)]
    assert [future.result(WAIT_S).answer for future in (told, *others)] == ["slow", *map(str, range(6))]


def test_who_is_told_of_an_answer_may_close_the_pool(pool: Pool) -> None:
    closed = threading.Event()

    def close(_: Future[Execution]) -> None:
        pool.close()
        closed.set()

    told = asked(pool, SLOW)
    told.add_done_callback(close)
    others = [asked(pool, f"solve({n}).") for n in range(6)]
    assert not concurrent.futures.wait([told, *others], WAIT_S).not_done
    assert closed.wait(WAIT_S)


@pytest.mark.parametrize("works", [0, 1])
def test_where_one_worker_cannot_be_started_the_other_has_all(
    isolated: None, monkeypatch: pytest.MonkeyPatch, works: int
) -> None:
    with Pool(PROLOG, "namespaces", 2) as pool:
        answer(pool, RIGHT)
        pool._dispatcher._slots.sort(key=lambda slot: bool(slot.clients), reverse=works == 0)

        def none(*_: object, **__: object) -> None:
            raise OSError("no process to be had")

        monkeypatch.setattr(subprocess, "Popen", none)
        found = [asked(pool, f"solve({n}).") for n in range(100)]
        assert [future.result(WAIT_S).answer for future in found] == [str(n) for n in range(100)]
        monkeypatch.undo()


def test_where_one_worker_is_long_in_ending_nobody_else_is_taken_for_late(
    isolated: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lowres_code.sandbox.client._GRACE_S", 0.5)
    inner, ended = WorkerProcess.end, list[WorkerProcess]()

    def end(process: WorkerProcess) -> None:
        ended.append(process)
        inner(process)
        if len(ended) == 1:
            time.sleep(4)

    with Pool(PROLOG, "namespaces", 2) as pool:
        pool.run([(SLOW + f" % so that both run: {n}", Test()) for n in range(2)], LIMITS)
        workers = [client._process for client in pool._dispatcher._clients()]
        monkeypatch.setattr(WorkerProcess, "end", end)
        found = [pool.submit((SLOW + f" % {n}", Test()), Limits(wall_s=1.0)) for n in range(2)]
        time.sleep(0.2)
        assert workers[0] is not None
        os.kill(workers[0].pid, signal.SIGKILL)
        assert [future.result(WAIT_S).answer for future in found] == ["slow", "slow"]
        assert ended == workers[:1]


def _may_not_kill(*_: object) -> None:
    raise PermissionError("it is another's")


def _has_no_memory(process: WorkerProcess, inner: Callable[[WorkerProcess], None] = WorkerProcess.end) -> None:
    inner(process)
    raise MemoryError


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of a process that is not waited for
@pytest.mark.parametrize("where, what", [("os.killpg", _may_not_kill), (WorkerProcess, _has_no_memory)])
@pytest.mark.parametrize("closes", [False, True])
def test_a_worker_that_cannot_be_ended_costs_nobody_an_answer(
    isolated: None, monkeypatch: pytest.MonkeyPatch, where: str | type, what: Callable[..., None], closes: bool
) -> None:
    kill = os.killpg
    with Pool(PROLOG, "namespaces", 2) as pool:
        pool.run([(SLOW + f" % so that both run: {n}", Test()) for n in range(2)], LIMITS)
        workers = [client._process for client in pool._dispatcher._clients()]
        found = [asked(pool, SLOW + f" % {n}") for n in range(6)]
        time.sleep(0.2)
        if isinstance(where, str):
            monkeypatch.setattr(where, what)
        else:
            monkeypatch.setattr(where, "end", what)
        if closes:
            pool.close()
        else:
            assert workers[0] is not None
            kill(workers[0].pid, signal.SIGKILL)
        assert not concurrent.futures.wait(found, WAIT_S).not_done
        assert closes or [future.result().answer for future in found] == ["slow"] * 6


def test_a_pool_that_nobody_has_any_more_answers_what_it_was_asked_and_ends() -> None:
    pool = Pool(PROLOG, "namespaces", 1)
    thread, future = pool._thread, asked(pool, SLOW)
    del pool
    gc.collect()
    assert future.result(WAIT_S).answer == "slow"
    thread.join(WAIT_S)
    assert not thread.is_alive()
