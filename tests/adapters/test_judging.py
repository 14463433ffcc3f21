"""What all adapters do, in one process, in threads, and in processes forked and spawned."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import threading
from typing import Any

import psutil
import pytest
from lowres_code.adapters.judging import (
    judged,
    language_of,
    note_failures,
    row_of,
    surely_judged,
    text_of,
    value_of,
)
from lowres_code.adapters.trl import Reward
from lowres_code.case import given
from lowres_code.errors import JudgeError, UsageError

from tests.adapters.conftest import FATAL, RIGHT, WRONG, needs_lua
from tests.conftest import ROOT
from tests.core.serve.conftest import served

pytestmark = needs_lua


def verdicts(language: str, completions: list[Any], rows: list[dict[str, object]]) -> list[str]:
    return [judgement.verdict for judgement in judged(language, completions, rows)]


def test_a_row_says_what_is_right() -> None:
    squares: dict[str, object] = {
        "tests": [{"stdin": "3", "stdout": "9"}, {"stdin": "4", "stdout": "16"}],
        "title": "squares",
    }
    squaring, nine = "```lua\nprint(io.read('n') ^ 2)\n```", "```lua\nprint(9)\n```"
    rows: list[dict[str, object]] = [{"answer": 42}, {"answer": "42", "tests": None}, squares, squares, {"answer": 1}]
    assert verdicts("lua", [RIGHT, WRONG, squaring, nine, "no program"], rows) == [
        "correct",
        "wrong_answer",
        "correct",
        "wrong_answer",
        "no_code",
    ]
    pair: list[dict[str, object]] = [{"answer": "[1,2]", "query": "pair(L)"}]
    assert verdicts("prolog", ["<code>pair([1, 2]).</code>"], pair) == ["correct"]


def test_a_program_alone_is_run_as_it_is() -> None:
    odd = given("print('</code>')")
    assert verdicts("lua", [odd, given(" \n")], [{"answer": "</code>"}] * 2) == ["correct", "no_code"]


def test_what_is_wrong_is_told() -> None:
    with pytest.raises(UsageError, match="row 1: needs 'answer', or 'tests'"):
        judged("lua", [RIGHT, RIGHT], [{"answer": "42"}, {"anser": "42"}])
    with pytest.raises(UsageError, match="there is no language 'luaa'; did you mean 'lua'"):
        judged("luaa", [RIGHT], [{"answer": "42"}])


def test_what_the_judge_fails_on_is_never_wrong(failing: None) -> None:
    row = {"answer": "42"}
    found = judged("lua", [RIGHT, FATAL, WRONG], [row] * 3)
    assert [value_of(judgement) for judgement in found] == [1.0, None, 0.0]
    assert surely_judged("lua", WRONG, row).verdict == "wrong_answer"
    with pytest.raises(JudgeError, match="has no score therefore: the answers cannot be compared: RecursionError"):
        surely_judged("lua", FATAL, row)


def test_a_judge_that_fails_often_stops_what_goes_on(failing: None, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: dict[object, Any] = {}  # so that nothing is known yet of how often the judge fails
    monkeypatch.setattr("lowres_code.adapters.judging._opened", opened)
    found = judged("lua", [FATAL] * 7, [{"answer": "42"}] * 7)
    note_failures("lua", found)
    with pytest.raises(JudgeError, match="the judge failed on all 8 completions"):
        note_failures("lua", found[:1])
    for one in opened.values():
        one.judge.close()


def test_tools_say_in_many_ways_what_is_right_and_what_was_said() -> None:
    assert row_of("42") == {"answer": "42"}
    assert row_of([{"stdout": "42"}]) == {"tests": [{"stdout": "42"}]}
    assert row_of({"answer": "42", "query": "q(X)"}) == {"answer": "42", "query": "q(X)"}
    said = [{"role": "assistant", "content": "a"}, {"role": "assistant", "content": [{"type": "text", "text": "b"}]}]
    assert (text_of("a"), text_of(said[:1]), text_of(said), text_of([{"content": None}])) == ("a", "a", "b", "")


def test_threads_share_a_judge() -> None:
    values: list[list[float | None]] = []

    def ask() -> None:
        values.append(Reward("lua")([RIGHT, WRONG] * 4, answer=["42"] * 8))

    threads = [threading.Thread(target=ask, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert values == [[1.0, 0.0] * 4] * 8


def test_programs_run_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: dict[object, Any] = {}
    monkeypatch.setattr("lowres_code.adapters.judging._opened", opened)
    with served("lua") as server:
        monkeypatch.setenv("LOWRES_CODE_JUDGE", server.url)
        before = _processes(but_for=server.process.pid)
        assert verdicts("lua", [RIGHT, WRONG], [{"answer": "42"}] * 2) == ["correct", "wrong_answer"]
        assert _processes(but_for=server.process.pid) == before
        monkeypatch.setenv("PATH", "")
        assert language_of("lua").name == "lua"
        for one in opened.values():
            one.judge.close()


def _processes(but_for: int) -> set[int]:
    """Those of this process, without a server's."""
    below = psutil.Process(but_for).children(recursive=True)
    return {it.pid for it in psutil.Process().children(recursive=True)} - {it.pid for it in below}


def test_a_spawned_process_finds_a_judge_of_its_own() -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(Reward("lua"), ([RIGHT, WRONG],), {"answer": ["42", "42"]}) == [1.0, 0.0]


FORKING = """
import os, psutil
from lowres_code.adapters.trl import Reward
from lowres_code.case import given
ask = lambda: Reward("lua")([%r, %r], answer=["42", "42"])
print(ask(), flush=True)
child = os.fork()
print(ask(), *[it.pid for it in psutil.Process().children(recursive=True)], sep="|", flush=True)
if not child:
    os._exit(0)
os.waitpid(child, 0)
"""


def test_a_forked_process_opens_its_own_and_none_leaves_a_process_behind() -> None:
    script = FORKING % (RIGHT, WRONG)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    first, *others = done.stdout.splitlines()
    values, processes = zip(*(line.split("|", 1) for line in others), strict=True)
    assert [first, *values] == ["[1.0, 0.0]"] * 3
    pids = [int(pid) for line in processes for pid in line.split("|")]
    assert len(pids) >= 2
    assert not psutil.wait_procs([psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)], timeout=10)[1]
