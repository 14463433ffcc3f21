"""Programs streamed through several workers: nothing waits for what is slow, nothing is lost, memory is bounded."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from itertools import count, islice

import psutil
import pytest
from lowres_code.language.base import Execution, Limits, Status
from lowres_code.problem import Test
from lowres_code.sandbox.pool import Pool
from lowres_code.sandbox.runner import Job

from tests.conftest import PROLOG
from tests.core.sandbox.asked import begun

LIMITS = Limits()


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool(PROLOG, "namespaces", 2) as pool:
        pool.start()
        yield pool


def job(number: int) -> Job:
    return f"solve(X) :- X is {number} * 2.", Test()


def test_what_is_done_comes_out_whatever_is_slow(pool: Pool) -> None:
    slow = ("slow", [("solve(X) :- sleep(4), X = 1.", Test())])
    quick = [(f"quick {n}", [job(n)]) for n in range(100)]
    done = list(pool.stream([slow, *quick], LIMITS))
    assert sorted(key for key, _ in done) == sorted(["slow", *(key for key, _ in quick)])
    assert done[-1][0] == "slow"


def test_each_group_has_the_executions_of_its_own_jobs_in_order(pool: Pool) -> None:
    reading = "solve(X) :- read(N), X is N + 1."
    groups = [(n, [(reading, Test(stdin=f"{10 * n + place}.")) for place in range(n)]) for n in range(6)]
    done = dict(pool.stream(groups, LIMITS))
    answers = {key: [execution.answer for execution in executions] for key, executions in done.items()}
    assert answers == {n: [str(10 * n + place + 1) for place in range(n)] for n in range(6)}


def test_no_more_is_read_than_may_be_on_its_way(pool: Pool) -> None:
    read = 0

    def endless() -> Iterator[tuple[int, list[Job]]]:
        nonlocal read
        for read in count(1):
            yield read, [job(read)]

    given = 0
    for _ in islice(pool.stream(endless(), LIMITS, ahead=5), 40):
        given += 1
        assert read - given < 5
    assert given == 40


def test_nothing_is_begun_while_there_is_no_room_unless_nothing_else_is_on_its_way(pool: Pool) -> None:
    read: list[int] = []

    def noted() -> Iterator[tuple[int, list[Job]]]:
        for number in range(4):
            read.append(number)
            yield number, [job(number)]

    for given, (key, _) in enumerate(pool.stream(noted(), LIMITS, room=lambda: False)):
        assert key == given
        assert read == list(range(given + 1))
    assert read == [0, 1, 2, 3]


def test_programs_without_jobs_do_not_pile_up(pool: Pool) -> None:
    endless = ((number, list[Job]()) for number in count())
    assert list(islice(pool.stream(endless, LIMITS), 1000)) == [(number, []) for number in range(1000)]


def test_equal_jobs_on_their_way_run_once_whatever_is_expected(pool: Pool) -> None:
    random = "solve(X) :- random(X)."
    groups = [(n, [(random, Test(expected=str(n)))]) for n in range(5)]
    answers = {executions[0].answer for _, executions in pool.stream(groups, LIMITS)}
    assert len(answers) == 1


def test_an_exception_costs_one_program_and_no_other(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    def warm_up(self: object, program: str) -> str:
        if "3 *" in program:
            raise LookupError("no such warm-up")
        return ""

    monkeypatch.setattr(type(PROLOG), "warm_up_of", warm_up)
    executions = pool.run([job(number) for number in range(6)], LIMITS)
    assert [execution.answer for execution in executions] == ["0", "2", "4", None, "8", "10"]
    assert executions[3].status is Status.INFRA_ERROR
    assert executions[3].diagnostics[0].message == "LookupError: no such warm-up"


def test_a_stream_that_is_left_begins_nothing_more_and_the_pool_goes_on(pool: Pool) -> None:
    stream = pool.stream(((number, [job(number)]) for number in count()), LIMITS)
    next(stream)
    stream.close()
    assert pool.run([job(21)], LIMITS)[0].answer == "42"


def test_an_error_of_the_source_reaches_the_reader(pool: Pool) -> None:
    def broken() -> Iterator[tuple[int, list[Job]]]:
        yield 1, [job(1)]
        raise ValueError("torn file")

    with pytest.raises(ValueError, match="torn file"):
        list(pool.stream(broken(), LIMITS))
    assert pool.run([job(2)], LIMITS)[0].answer == "4"


def stopping_at(pool: Pool, groups: list[tuple[int, list[Job]]], last: int) -> tuple[dict[int, int], list[Test]]:
    """How many executions come out of each group, if the job at one place is the last that is wanted; and what ran."""
    with begun() as run:
        done = dict(pool.stream(groups, LIMITS, go_on=lambda key, place, execution: place != last))
    return {key: len(executions) for key, executions in done.items()}, run


def test_a_group_ends_with_the_first_job_behind_which_none_is_wanted(pool: Pool) -> None:
    groups = [(key, [job(100 * key + place) for place in range(9)]) for key in range(6)]
    sizes, run = stopping_at(pool, groups, last=2)
    assert sizes == dict.fromkeys(range(6), 3)
    # Of the last groups a worker without work may have begun more; and one more waits at each worker.
    assert len(run) <= 6 * 3 + 3 * pool.size
    sizes, run = stopping_at(pool, groups, last=99)
    assert sizes == dict.fromkeys(range(6), 9)
    assert len(run) == 6 * 9


def test_jobs_begin_in_order_and_the_lowest_place_ends_a_group(pool: Pool) -> None:
    slow_first = [("solve(X) :- sleep(1), X = 1.", Test()), *(job(place) for place in range(8))]
    done = dict(pool.stream([(0, slow_first)], LIMITS, go_on=lambda key, place, execution: False))
    assert [execution.answer for execution in done[0]] == ["1"]  # though the second was done first


def test_a_group_that_has_ended_takes_no_job_from_another(pool: Pool) -> None:
    same = [job(1), job(2), job(3), job(3)]
    keys = range(5)

    def go_on(key: int, place: int, execution: Execution) -> bool:
        return key != 0 or place != 0

    done = dict(pool.stream([(key, same) for key in keys], LIMITS, go_on=go_on))
    assert {key: [execution.answer for execution in done[key]] for key in keys} == {
        0: ["2"],
        **{key: ["2", "4", "6", "6"] for key in range(1, 5)},
    }


def test_one_group_alone_has_all_workers(pool: Pool) -> None:
    naps = [(f"solve(X) :- sleep(1), X = {n}.", Test()) for n in range(4)]
    started = time.monotonic()
    done = dict(pool.stream([(0, naps)], LIMITS, go_on=lambda key, place, execution: True))
    assert len(done[0]) == 4
    side_by_side = time.monotonic() - started
    assert side_by_side < sum(execution.wall_s for execution in done[0])  # in turn it would have taken all of that


def test_a_test_lowers_limits_and_equal_programs_with_others_are_not_one(pool: Pool) -> None:
    deep = "solve(X) :- numlist(1, 200000, L), foldl([A,B,C]>>(C is A + B), L, 0, X)."
    lower = [Test(), Test(limits={"inferences": 1000}), Test(limits={"inferences": 10**15})]
    found = pool.run([(deep, test) for test in lower], LIMITS)
    assert [execution.status for execution in found] == [Status.OK, Status.TIMEOUT, Status.OK]


def test_what_a_closed_pool_had_not_begun_is_its_failure() -> None:
    pool = Pool(PROLOG, "namespaces", 1)
    waiting = ("solve(X) :- sleep(50), X = 1.", Test())
    stream = pool.stream([(0, [job(1)]), (1, [waiting]), (2, [job(2)])], LIMITS)
    assert next(stream)[0] == 0
    pool.close()
    executions = [executions[0] for _, executions in stream]
    assert [execution.status for execution in executions] == [Status.INFRA_ERROR] * 2
    assert {execution.diagnostics[0].message for execution in executions} >= {
        "the judge was closed before the program ran"
    }


def test_a_pool_that_is_closed_while_it_works_ends_at_once() -> None:
    pool = Pool(PROLOG, "namespaces", 1)
    pool.start()
    results: list[Execution] = []
    jobs = [("solve(X) :- sleep(50), X = 1.", Test())]
    asking = threading.Thread(target=lambda: results.extend(pool.run(jobs, Limits())), daemon=True)
    with begun() as run:
        asking.start()
        until = time.monotonic() + 60
        while not run and time.monotonic() < until:
            time.sleep(0.01)
    assert run
    time.sleep(0.5)
    closing = threading.Thread(target=pool.close, daemon=True)
    closing.start()
    closing.join(timeout=20)
    asking.join(timeout=20)
    assert not closing.is_alive()
    assert not asking.is_alive()
    assert [execution.status for execution in results] == [Status.INFRA_ERROR]


def test_the_pool_keeps_order_and_runs_equal_programs_once() -> None:
    programs = [f"solve(X) :- X is {n} * 2." for n in range(40)] + ["solve(X) :- random(X)."] * 3
    with Pool(PROLOG, "namespaces", 2) as pool:
        executions = pool.run([(program, Test()) for program in programs], Limits())
    assert [execution.answer for execution in executions[:40]] == [str(n * 2) for n in range(40)]
    assert len({execution.answer for execution in executions[40:]}) == 1


def test_a_pool_keeps_no_more_warm_workers_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lowres_code.sandbox.dispatch.MOST_WARM_UPS", 2)
    before = set(psutil.Process().children())
    programs = [f":- use_module(library({name})).\nsolve(1)." for name in ("clpq", "clpfd", "clpb", "clpq")]
    with Pool(PROLOG, "namespaces", 1) as pool:
        for program in programs:
            assert pool.run([(program, Test())], Limits())[0].answer == "1"
            assert len(set(psutil.Process().children()) - before) <= 2
