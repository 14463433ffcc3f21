"""Hostile programs at a served judge: they get nowhere, and other clients' programs have their verdicts."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from lowres_code import Judge, Test
from lowres_code.language.base import Limits
from lowres_code.sandbox.isolation import availability

from tests.core.serve.conftest import Serve, Served, served
from tests.core.serve.test_serve import until
from tests.languages.hostile_programs import PROGRAMS
from tests.languages.outside import LIMITS, Outside

NAMES = [
    *("files:read_passwd", "files:read_canary", "files:consult_canary", "files:write_into_canary"),
    *("files:read_canary_through_a_link", "files:hard_link_to_canary", "files:write_into_tmp"),
    "bytes:answer_one_longer_than_allowed",
    "bytes:nested_comments",
]
BOMB = "f() { sleep 31538 & f | f & }; f; f; wait"
READ = (
    "cat /etc/passwd @CANARY@/secret.pl; echo x > @CANARY@/new; echo x > /tmp/lowres-hostile; "
    "(exec 3<>/dev/tcp/127.0.0.1/@PORT@); echo end"
)


@pytest.fixture(scope="module")
def walled() -> Iterator[Served]:
    if not availability("landlock").works:
        pytest.skip(f"no landlock here: {availability('landlock').reason}")
    with served("prolog", isolation="landlock") as one:
        yield one


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Outside]:
    one = Outside(tmp_path)
    yield one
    one.close()


@pytest.fixture
def judge_there(walled: Served) -> Iterator[Judge]:
    with Judge("prolog", LIMITS, servers=walled.url, isolation="landlock") as judge:
        harmless = judge.check("solve(X) :- X is 6 * 7.", answer=42)
        assert harmless.correct, harmless
        yield judge


def test_hostile_programs_end_in_landlock_as_in_namespaces(judge_there: Judge, outside: Outside) -> None:
    texts = [outside.fill_in(PROGRAMS[name].text) for name in NAMES]
    for name, execution in zip(NAMES, judge_there.execute(texts, [Test()] * len(texts)), strict=True):
        assert (execution.status.value, execution.answer) in PROGRAMS[name].outcomes, f"{name}: {execution}"[:500]
        assert execution.isolation == "landlock"
    assert (outside.changed_files(), outside.calls()) == (set(), [])
    assert judge_there.check("solve(42).", answer=42).correct


def test_programs_of_two_clients_do_not_see_each_others_files_in_landlock(judge_there: Judge, walled: Served) -> None:
    """The scratch directories are on disk there: a program waits in its own while others are told where that is."""
    where = "solve(D) :- open({}, write, S), write(S, secret), close(S), working_directory(D, D), sleep({})."
    tries = [
        "read_file_to_string('{}mine', X, [])",
        "directory_files('{}', X)",
        "directory_files('{}..', X)",
        "open('{}mine', append, S), close(S), X = opened",
        "open('{}new', write, S), close(S), X = opened",
        "delete_file('{}mine'), X = deleted",
        "link_file('{}mine', mine, symbolic), read_file_to_string(mine, X, [])",
    ]
    libraries = ":- use_module(library(readutil)).\n:- use_module(library(filesex)).\n"
    refused = "catch(({}), error(permission_error(_, _, _), _), X = refused)"
    with Judge("prolog", Limits(wall_s=20), servers=walled.url) as other, ThreadPoolExecutor(1) as threads:
        places = {str(judge_there.execute([where.format("his", 0)], [Test()])[0].answer) for _ in range(20)}
        waiting = threads.submit(other.execute, [where.format("mine", 5)], [Test()])
        until(lambda: any(Path(place, "mine").exists() for place in places))
        (place,) = (place for place in places if Path(place, "mine").exists())
        programs = [f"{libraries}solve(X) :- {refused.format(one.format(place))}." for one in tries]
        answers = [execution.answer for execution in judge_there.execute(programs, [Test()] * len(programs))]
        assert Path(place, "mine").read_text() == "secret"  # it is there still
        assert waiting.result()[0].answer == place
    assert answers == ["refused"] * len(tries)


@pytest.mark.usefixtures("isolated")
@pytest.mark.skipif(not shutil.which("guile"), reason="needs Guile (guile)")
def test_hostile_programs_of_a_command_language_cost_no_other_program_its_verdict(
    serve: Serve, outside: Outside
) -> None:
    server = serve("scheme", "prolog", workers=1)
    shell = '(system* "/bin/bash" "-c" "{}")'
    asked = outside.fill_in(READ)
    programs = {
        shell.format(BOMB): "timeout",
        "(let loop () (display (make-string 10000 #\\x)) (loop))": "output_limit",
        "(let loop ((l (list))) (loop (cons (make-vector 1000000 1) l)))": "memory_limit",
        shell.format(asked): "ok",
    }
    stop = threading.Event()
    honest: list[str] = []

    def others() -> None:
        with Judge("prolog", servers=server.url) as judge:
            while not stop.is_set() or not honest:
                honest.append(judge.check(f"solve(X) :- X is {len(honest)} * 2.", answer=len(honest) * 2).verdict)

    with ThreadPoolExecutor(1) as threads, Judge("scheme", Limits(cpu_s=2, wall_s=3), servers=server.url) as judge:
        running = threads.submit(others)
        try:
            done = judge.execute(list(programs), [Test()] * len(programs))
        finally:
            stop.set()
        running.result()
        assert judge.check("(display (* 6 7))", answer=42).correct
    assert [execution.status.value for execution in done] == list(programs.values())
    assert done[-1].stdout == "end\n"
    assert {*honest} == {"correct"}
    assert (outside.changed_files(), outside.calls()) == (set(), [])
    assert not [one for one in psutil.process_iter(["cmdline"]) if "31538" in (one.info["cmdline"] or [])]
