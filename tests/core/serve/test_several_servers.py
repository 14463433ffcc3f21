"""Servers that go, come back, and are others than they were: no program loses its verdict, none gets a wrong one."""

from __future__ import annotations

import contextlib
import json
import logging
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from lowres_code import Judge, Test
from lowres_code.errors import UsageError
from lowres_code.language.base import Execution, Status
from lowres_code.remote.pool import MOST_LOSSES
from lowres_code.remote.waiting import JobQueue, WaitingJob
from lowres_code.remote.wire import JUDGE

from tests.core.serve.conftest import free_port
from tests.core.serve.test_hostile_server import DESCRIPTION, LANGUAGE, Answer, between, pretending, reply, right

Jobs = list[dict[str, Any]]


def described(longest: int = 10_000, **changed: Any) -> bytes:
    """What a server says of itself."""
    return json.dumps({**DESCRIPTION, "longest_line": longest, "languages": [{**LANGUAGE, **changed}]}).encode()


def answering(answer: str, seconds: float = 0.0) -> Answer:
    """One program after another, each in so many seconds."""
    lock = threading.Lock()

    def to_each(to: BaseHTTPRequestHandler, jobs: Jobs) -> None:
        with lock:
            threading.Event().wait(seconds * len(jobs))
        reply(to, right(jobs).replace(b'"1"', json.dumps(answer).encode()))

    return to_each


def gone(to: BaseHTTPRequestHandler, jobs: Jobs) -> None:
    to.close_connection = True


def executions(judge: Judge, count: int, text: str = "solve({}).") -> list[Execution]:
    return judge.execute([text.format(n) for n in range(count)], [Test()] * count)


def answers(judge: Judge, count: int) -> Counter[str | None]:
    return Counter(execution.answer for execution in executions(judge, count))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lowres_code.remote.pool.PATIENCE_S", 0.5)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("broken", [gone, between(502)])
def test_a_server_that_fails_costs_no_program_its_verdict_while_another_works(broken: Answer) -> None:
    """The other takes two seconds for all, four times what a client waits for servers that are silent."""
    with (
        pretending(broken) as one,
        pretending(answering("fine", 0.01)) as other,
        Judge("prolog", servers=(one, other)) as judge,
    ):
        assert answers(judge, 200) == {"fine": 200}


def test_what_breaks_off_whoever_has_it_is_given_up_alone() -> None:
    def answer(to: BaseHTTPRequestHandler, jobs: Jobs) -> None:
        killed = any("solve(7)." in job["program"] for job in jobs)
        gone(to, jobs) if killed else reply(to, right(jobs))

    with pretending(answer) as url, Judge("prolog", servers=url) as judge:
        done = executions(judge, 40)
    assert [n for n, execution in enumerate(done) if execution.status is not Status.OK] == [7]
    assert done[7].status is Status.INFRA_ERROR
    assert f"lost {MOST_LOSSES} times: the judge at {url}" in done[7].diagnostics[0].message


def test_a_server_that_was_down_at_the_start_is_used_when_it_comes() -> None:
    port = free_port()
    with (
        pretending(answering("first", 0.05)) as url,
        Judge("prolog", servers=(url, f"http://127.0.0.1:{port}")) as judge,
        pretending(answering("late"), lambda: described(2_000, isolation="limits", workers=3), port),
    ):
        assert (judge.isolation, judge.runner.size) == ("namespaces", 1)
        counted = answers(judge, 100)
        assert counted["first"] > 0 and counted["late"] > 0 and counted.total() == 100
        assert (judge.isolation, judge.runner.size) == ("limits, namespaces", 4)
        (long,) = executions(judge, 1, "solve({}). %" + "x" * 2_000)
        assert "longer than the 2000 bytes" in long.diagnostics[0].message


@pytest.mark.parametrize(
    ("changed", "asked", "reason"),
    [
        ({"data": "0" * 16}, "auto", "has another version of Prolog"),
        ({"name": "lua"}, "auto", "does not serve 'prolog'"),
        ({"isolation": "limits"}, "namespaces", "has isolation 'limits', not 'namespaces'"),
    ],
)
def test_a_server_that_comes_and_is_not_what_it_should_be_is_dropped_and_named_once(
    changed: dict[str, Any], asked: str, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    with (
        caplog.at_level(logging.WARNING, "lowres_code.remote"),
        pretending(answering("right", 0.01)) as url,
        Judge("prolog", servers=(url, f"http://127.0.0.1:{port}"), isolation=asked) as judge,
        pretending(answering("wrong"), described(**changed), port),
    ):
        assert answers(judge, 100) == {"right": 100}
        assert judge.isolation == "namespaces"
    told = [record.getMessage() for record in caplog.records if record.name == "lowres_code.remote"]
    assert len(told) == 1
    assert f"the judge at http://127.0.0.1:{port} {reason}" in told[0]


@pytest.mark.parametrize("while_idle", [False, True])
def test_a_server_that_was_started_anew_as_another_gets_no_program(
    while_idle: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Either a batch breaks off, or nothing is heard of it for a while; then it is asked what it is."""
    monkeypatch.setattr("lowres_code.remote.place.TRUSTED_S", 0.2 if while_idle else 60.0)
    now: dict[str, Any] = {"description": described(), "answer": answering("old")}

    def break_off(to: BaseHTTPRequestHandler, jobs: Jobs) -> None:
        now["answer"] = answering("new")
        gone(to, jobs)

    def answer(to: BaseHTTPRequestHandler, jobs: Jobs) -> None:
        now["answer"](to, jobs)

    describe: Callable[[], bytes] = lambda: now["description"]  # noqa: E731
    with pretending(answer, describe) as url, Judge("prolog", servers=url) as judge:
        assert answers(judge, 20) == {"old": 20}
        now["description"] = described(data="0" * 16)
        now["answer"] = answering("new") if while_idle else break_off
        threading.Event().wait(0.4 if while_idle else 0.0)
        for _ in range(2):
            with pytest.raises(UsageError, match="has another version of Prolog"):
                answers(judge, 20)


@pytest.mark.parametrize("changed", [{"data": "0" * 16}, {"isolation": "limits"}])
def test_a_server_that_was_replaced_without_a_failure_gives_no_verdict(changed: dict[str, Any]) -> None:
    """Within the seconds in which nobody asks what it is: whoever answers says so, and is asked then."""
    now: dict[str, Any] = {"description": described(), "answer": answering("old")}

    def answer(to: BaseHTTPRequestHandler, jobs: Jobs) -> None:
        now["answer"](to, jobs)

    describe: Callable[[], bytes] = lambda: now["description"]  # noqa: E731
    with pretending(answer, describe) as url, Judge("prolog", servers=url, isolation="namespaces") as judge:
        assert answers(judge, 20) == {"old": 20}
        now.update(description=described(**changed), answer=answering("new"))
        with pytest.raises(UsageError, match=r"has another version of Prolog|has isolation 'limits', not 'namespaces'"):
            answers(judge, 20)


def test_a_server_that_was_replaced_by_one_that_may_judge_costs_no_program_its_verdict() -> None:
    now: dict[str, Any] = {"description": described(), "answer": answering("old")}

    def answer(to: BaseHTTPRequestHandler, jobs: Jobs) -> None:
        now["answer"](to, jobs)

    describe: Callable[[], bytes] = lambda: now["description"]  # noqa: E731
    with pretending(answer, describe) as url, Judge("prolog", servers=url) as judge:
        assert answers(judge, 20) == {"old": 20}
        now.update(description=described(isolation="limits"), answer=answering("new"))
        assert answers(judge, 20) == {"new": 20}
        assert judge.isolation == "limits, namespaces"


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("said", [None, "", "x"])
def test_who_does_not_say_who_it_is_gives_no_verdict(said: str | None) -> None:
    def answer(to: BaseHTTPRequestHandler, jobs: Jobs) -> None:
        to.command = ""  # no header from `pretending`
        to.send_response(200)
        if said is not None:
            to.send_header(JUDGE, said)
        to.end_headers()
        to.wfile.write(right(jobs))
        to.close_connection = True

    with pretending(answer) as url, Judge("prolog", servers=url) as judge:
        (execution,) = executions(judge, 1)
    assert execution.status is Status.INFRA_ERROR
    assert f"the judge at {url} is another one than it was" in execution.diagnostics[0].message


def test_who_waits_for_a_job_hears_of_the_end_whoever_takes_all_jobs_out_then() -> None:
    """As a program does that is handed in while the judge is being closed."""
    jobs: JobQueue[WaitingJob] = JobQueue()
    left = WaitingJob()
    jobs.put(left)
    jobs.end()
    assert jobs.drained() == [left]
    heard: list[WaitingJob | None] = []
    for _ in range(3):
        waits = threading.Thread(target=lambda: heard.append(jobs.next(wait=True)), daemon=True)
        waits.start()
        waits.join(30)
    assert heard == [None, None, None]


@pytest.mark.slow  # a minute, now and then: see below
def test_a_judge_can_be_closed_while_programs_are_handed_in() -> None:
    def hand_in(judge: Judge) -> None:
        with contextlib.suppress(UsageError):  # it is closed
            while True:
                judge.runner.submit(("solve(1).", Test()), judge.limits)

    with pretending(answering("1")) as url:
        for _ in range(20):
            judge = Judge("prolog", servers=url)
            threads = [
                threading.Thread(target=to, args=given, daemon=True)
                for to, given in ((hand_in, [judge]), (judge.close, []))
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(150)  # a connection that is closed while it is read from ends after a minute of silence
            assert not any(thread.is_alive() for thread in threads)
