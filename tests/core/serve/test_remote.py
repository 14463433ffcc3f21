"""A judge whose programs run at served judges: same verdicts, same order, and nothing lost when a server is."""

from __future__ import annotations

import concurrent.futures
import json
import os
import pickle
import shutil
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest
from lowres_code import Judge, Limits, Test
from lowres_code.errors import JudgeError, UsageError
from lowres_code.language.base import Execution, Status
from lowres_code.remote.wire import TOKEN

from tests.conftest import Cli
from tests.core.serve.conftest import Serve, Served, free_port

ODD = [
    "solve(X) :- X is 6 * 7.",
    "solve(X) :- X is foo.",
    "solve(",
    ":- halt.",
    "solve(X) :- solve(X).",
    "solve(X) :- read(X).",
    "solve(_).",
    "solve(X) :- length(X, 100000000).",
    "solve(X) :- format(user_error, 'warned~n', []), write(out), X = 'a b'.",
    "solve('\N{SNOWMAN}\U0001f600').",
    ":- initialization(halt(3)).",
    "",
]
TESTS = [Test(stdin="foo(bar).", query="solve(X)" if n % 2 else None) for n in range(len(ODD))]


def told(execution: Execution) -> tuple[object, ...]:
    names = ("status", "answer", "stdout", "stderr", "diagnostics", "exit_code", "isolation")
    return tuple(getattr(execution, name) for name in names)


def test_executions_are_the_same_as_here(server: Served) -> None:
    limits = Limits(inferences=1_000_000, cpu_s=2, memory_mb=128)
    with Judge("prolog", limits) as here, Judge("prolog", limits, servers=server.url) as there:
        assert list(map(told, there.execute(ODD, TESTS))) == list(map(told, here.execute(ODD, TESTS)))
        assert list(map(told, there.check_syntax(ODD))) == list(map(told, here.check_syntax(ODD)))
        right = [judge.analyse([judge.check(ODD[0], answer=42)])[0].analysis for judge in (here, there)]
    assert right[0] is not None
    assert right[0] == right[1]


def test_limits_of_the_server_hold(server: Served) -> None:
    with (
        Judge("prolog", Limits(cpu_s=100), servers=server.url) as judge,
        pytest.raises(UsageError, match=r"refuses a program: limits\.cpu_s is 100, and at most 60 here"),
    ):
        judge.check("solve(1).", answer=1)


def test_a_program_that_is_too_long_for_the_server_is_the_judges_failure(serve: Serve) -> None:
    with Judge("prolog", servers=serve(longest_line=2_000).url) as judge:
        assert judge.check("solve(1). %" + "x" * 3_000, answer=1).verdict == "infra_error"
        assert judge.check("solve(1).", answer=1).correct


def test_a_judge_sent_elsewhere_asks_the_same_server(server: Served) -> None:
    with Judge("prolog", servers=server.url) as judge, pickle.loads(pickle.dumps(judge)) as other:
        assert other.check("solve(1).", answer=1).correct
        assert other.runner is not judge.runner


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://127.0.0.1", "http://", "http://u:p@127.0.0.1:80"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match=r"is not the address of a served judge|holds no password"):
        Judge("prolog", servers=url)


def test_who_does_not_answer_serves_another_language_or_wants_a_token_is_named(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(JudgeError, match="does not answer"):
        Judge("prolog", servers=f"http://127.0.0.1:{free_port()}")
    server = serve("lua", token="0123456789abcdef")
    with pytest.raises(JudgeError, match=f"wants a token: set the environment variable {TOKEN}"):
        Judge("lua", servers=server.url)
    monkeypatch.setenv(TOKEN, "0123456789abcdef")
    with pytest.raises(UsageError, match="does not serve 'prolog'; known: lua"):
        Judge("prolog", servers=server.url)
    other = tmp_path / "lua.toml"
    other.write_text('name = "lua"\nsuffix = ".lua"\nrun = "lua5.4 {file}"\n')
    with pytest.raises(UsageError, match="has another version of"):
        Judge(str(other), servers=server.url)
    with pytest.raises(UsageError, match="has isolation 'namespaces', not 'landlock'"):
        Judge("lua", isolation="landlock", servers=server.url)


@pytest.mark.parametrize("token", ["0123456789abcd\u00e9f", "0123456789\nabcdef"])
def test_a_token_that_no_header_can_hold_is_refused_and_not_told(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN, token)
    with pytest.raises(UsageError, match=f"the token in the environment variable {TOKEN} must be one word") as told:
        Judge("prolog", servers="http://127.0.0.1:1")
    assert token not in str(told.value)


def test_a_server_that_is_killed_and_comes_back_costs_no_program_its_verdict(serve: Serve) -> None:
    port = free_port()
    server = serve(port=port)
    programs = [f"solve(X) :- X is {n} * 3." for n in range(600)]
    with Judge("prolog", servers=server.url) as judge:
        answers: dict[int, str | None] = {}
        stream = judge.runner.stream(((n, [(one, Test())]) for n, one in enumerate(programs)), judge.limits)
        for number, (execution,) in stream:
            answers[number] = execution.answer
            if len(answers) == 100:
                server.kill()
                threading.Timer(1.0, serve, kwargs={"port": port}).start()
    assert answers == {n: str(n * 3) for n in range(600)}


def test_what_no_server_answers_is_the_judges_failure_and_none_is_lost(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lowres_code.remote.pool.PATIENCE_S", 1.0)
    server = serve()
    programs = [f"solve(X) :- sleep(0.05), X is {n} * 3. % {'x' * 100}" for n in range(400)]
    with Judge("prolog", servers=server.url) as judge:
        threading.Timer(0.4, server.kill).start()
        executions = judge.execute(programs, [Test()] * len(programs))
    counted = Counter(execution.status for execution in executions)
    assert set(counted) <= {Status.OK, Status.INFRA_ERROR}
    assert counted[Status.INFRA_ERROR] > 0
    assert all(e.answer == str(n * 3) for n, e in enumerate(executions) if e.status is Status.OK)
    failed = next(execution for execution in executions if execution.status is Status.INFRA_ERROR)
    assert "the judge at http://127.0.0.1:" in failed.diagnostics[0].message


def test_what_one_server_drops_another_gets(serve: Serve) -> None:
    one, other = serve(), serve()
    programs = [f"solve(X) :- X is {n} * 3." for n in range(600)]
    with Judge("prolog", servers=(one.url, other.url)) as judge:
        assert judge.runner.size == 4
        threading.Timer(0.5, one.kill).start()
        executions = judge.execute(programs, [Test()] * len(programs))
        assert [execution.answer for execution in executions] == [str(n * 3) for n in range(600)]
        assert [e.answer for e in judge.execute(programs[:50], [Test()] * 50)] == [str(n * 3) for n in range(50)]


def test_a_closed_judge_gives_up_what_is_on_its_way(server: Served) -> None:
    judge = Judge("prolog", servers=server.url)
    futures = [judge.runner.submit((f"solve(1) :- sleep(2). % {n}", Test()), judge.limits) for n in range(40)]
    threading.Timer(0.5, judge.close).start()
    ended = [future.cancelled() or future.exception() or future.result().status for future in reversed(futures)]
    assert ended[0] in (True, Status.INFRA_ERROR)
    with pytest.raises(UsageError, match="this judge is closed"):
        judge.check("solve(1).", answer=1)


def test_who_is_told_of_an_answer_may_close_the_judge(server: Served) -> None:
    judge = Judge("prolog", servers=server.url)
    told_first = judge.runner.submit(("solve(1).", Test()), judge.limits)
    closed = threading.Event()

    def close(_: object) -> None:
        judge.close()
        closed.set()

    told_first.add_done_callback(close)
    futures = [judge.runner.submit((f"solve(1) :- sleep(2). % {n}", Test()), judge.limits) for n in range(40)]
    assert not concurrent.futures.wait([told_first, *futures], 60).not_done
    assert closed.wait(60)


def test_commands_judge_elsewhere_with_the_same_result(server: Served, cli: Cli, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps({"program": p, "answer": "42"}) + "\n" for p in ODD if p))
    here = cli("score", rows, "--lang", "prolog", "--json", "--set", "limits.cpu_s=2")
    there = cli("score", rows, "--lang", "prolog", "--json", "--set", "limits.cpu_s=2", "--judge", server.url)
    assert (there.returncode, json.loads(there.stdout)) == (here.returncode, json.loads(here.stdout))
    program = tmp_path / "one.pl"
    program.write_text(ODD[0])
    ran = cli("run", program, "--lang", "prolog", "--expect", "42", "--json", LOWRES_CODE_JUDGE=server.url)
    assert (ran.returncode, json.loads(ran.stdout)["verdict"]) == (0, "correct")
    gone = cli("run", program, "--lang", "prolog", "--judge", f"http://127.0.0.1:{free_port()}")
    assert (gone.returncode, len(gone.stderr.splitlines())) == (3, 1)


@pytest.mark.usefixtures("isolated")
def test_a_client_needs_no_tools_of_the_language(server: Served, tmp_path: Path) -> None:
    program = tmp_path / "one.lua"
    program.write_text("print(42)")
    hidden = [shutil.which(name) for name in ("lua", "lua5.4", "luajit")]
    without = ["bwrap", "--dev-bind", "/", "/"]
    without += [word for tool in hidden if tool for word in ("--bind", "/dev/null", os.path.realpath(tool))]
    command = [*without, sys.executable, "-m", "lowres_code", "run", str(program), "--lang", "lua", "--expect", "42"]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (refused.returncode, "which is not installed" in refused.stderr) == (2, True)
    ran = subprocess.run([*command, "--judge", server.url], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, "correct: 42\n")
