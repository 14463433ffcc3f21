"""Checkers of plugins run in a process of their own: what they do there costs one verdict at most."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from lowres_code.checkers import Checker, CheckerError
from lowres_code.plugins import checking
from lowres_code.plugins.checking import CheckerProcess

from tests.conftest import Cli
from tests.core.plugins.test_manager import install

PLUGIN = """
import os
import re
import time

from lowres_code import Checker, hookimpl


def ends_with(expected, actual, stdin, *, end="!"):
    print("a checker may print")
    return actual == expected + end


def in_process(expected, actual, stdin):
    return os.getpid() != int(expected)


def slow(expected, actual, stdin):
    return re.fullmatch("(a+)+b", actual) is not None


def picky(expected, actual, stdin):
    if not expected.isdigit():
        raise ValueError(f"{expected!r} is not a number")
    return {"1": True}[actual]


def ends(expected, actual, stdin):
    if actual != expected:
        os._exit(0)
    return True


@hookimpl
def register_checkers(register):
    for name, accepts in [("ends-with", ends_with), ("in-process", in_process), ("slow", slow), ("picky", picky)]:
        register(Checker(name, name, accepts))
    register(Checker("ends", "ends", ends))
"""


@pytest.fixture
def process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CheckerProcess]:
    install(tmp_path, "some_checkers", PLUGIN)
    monkeypatch.syspath_prepend(str(tmp_path))
    process = CheckerProcess()
    yield process
    process.close()


def test_it_is_another_process_in_which_a_checker_may_print(process: CheckerProcess) -> None:
    assert process.ask("in-process", (str(os.getpid()), "", ""), {}) is True
    answers = [process.ask("ends-with", ("a", "a?", ""), {"end": end}) for end in ("?", "!")]
    assert answers == [True, False]
    odd = "\ud800\n\r\x00 é" * 100_000
    assert process.ask("ends-with", (odd, f"{odd}!", odd), {}) is True


def test_several_threads_get_each_their_own_answer(process: CheckerProcess) -> None:
    def ask(n: int) -> object:
        return process.ask("ends-with", (str(n), f"{n}!" if n % 7 == 0 else "x", ""), {})

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(ask, range(200))) == [n % 7 == 0 for n in range(200)]


def test_a_fork_has_a_process_of_its_own_and_leaves_the_parents() -> None:
    """In a process with one thread: a fork may wait for ever for what another one held."""
    script = (
        "import os\n"
        "from lowres_code.plugins.checking import _PROCESS as mine\n"
        "agree = lambda: mine.ask('tokens', ('a  b', 'a b', ''), {}) is True\n"
        "print(agree())\n"
        "before = mine._process\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    fine = mine._process is None and agree()\n"
        "    mine.close()\n"
        "    os._exit(0 if fine else 1)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
        "print(agree(), mine._process is before)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout.split(), done.stderr) == (["True", "0", "True", "True"], "")


def test_an_answer_to_something_else_is_none(process: CheckerProcess) -> None:
    assert process.ask("ends-with", ("a", "a!", ""), {}) is True
    assert process._process is not None and process._process.stdin is not None
    process._process.stdin.write(
        json.dumps({"name": "ends-with", "texts": ["a", "b", ""], "options": {}, "id": 0}).encode() + b"\n"
    )
    process._process.stdin.flush()
    with pytest.raises(CheckerError, match="its process has ended"):
        process.ask("ends-with", ("a", "a!", ""), {})
    assert process.ask("ends-with", ("a", "a!", ""), {}) is True


def test_one_that_does_not_come_back_is_ended(process: CheckerProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    assert process.ask("slow", ("", "aab", ""), {}) is True
    monkeypatch.setattr(checking, "CHECKER_S", 1.0)
    with pytest.raises(CheckerError, match=r"^checker 'slow' fails: it took over 1 s$"):
        process.ask("slow", ("", "a" * 60, ""), {})
    assert process._process is None


def test_what_goes_wrong_is_named_and_the_next_is_answered(process: CheckerProcess) -> None:
    with pytest.raises(ValueError, match=r"^'x' is not a number$"):
        process.ask("picky", ("x", "1", ""), {})
    with pytest.raises(CheckerError, match=r"^checker 'picky' fails: KeyError: '2' \(.*some_checkers.py:\d+\)$"):
        process.ask("picky", ("1", "2", ""), {})
    with pytest.raises(CheckerError, match="no plugin brings it"):
        process.ask("nothing", ("1", "2", ""), {})
    with pytest.raises(CheckerError, match="checker 'ends' fails: its process has ended"):
        process.ask("ends", ("1", "2", ""), {})
    assert process.ask("picky", ("1", "1", ""), {}) is True


def test_options_are_those_of_the_checker_itself() -> None:
    def accepts(expected: str, actual: str, stdin: str, *, most: int = 3) -> bool:
        return True

    assert checking.in_own_process(Checker("mine", "", accepts)).defaults == {"most": 3}


def test_rows_name_checkers_of_plugins(tmp_path: Path, cli: Cli) -> None:
    install(tmp_path, "some_checkers", PLUGIN)
    rows = [
        {"id": "end", "program": "print('a.')", "answer": "a", "checker": 'ends-with(end=".\\n")'},
        {"id": "other", "program": "print('a')", "answer": "a", "checker": "ends-with"},
        {"id": "raises", "program": "print('2')", "answer": "1", "checker": "picky"},
    ]
    file, out = tmp_path / "rows.jsonl", tmp_path / "out.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = cli("score", file, "--lang", "lua", "--json", "--out", out, PYTHONPATH=str(tmp_path))
    told = {line["id"]: line for line in map(json.loads, out.read_text().splitlines())}
    assert {name: line["verdict"] for name, line in told.items()} == {
        "end": "correct",
        "other": "wrong_answer",
        "raises": "infra_error",
    }, done.stderr
    assert done.returncode == 3
    assert "checker 'picky' fails: KeyError: '2\\n'" in told["raises"]["diagnostics"][0]["message"]

    bad = [{**rows[0], "answer": "x", "checker": "picky"}, {**rows[0], "checker": "pikky"}]
    file.write_text("".join(json.dumps(row) + "\n" for row in bad))
    done = cli("score", file, "--lang", "lua", PYTHONPATH=str(tmp_path))
    assert done.returncode == 2
    assert "rows.jsonl:1: checker 'picky' cannot be used: 'x' is not a number" in done.stderr
    assert "rows.jsonl:2: there is no checker 'pikky'; did you mean 'picky'?" in done.stderr
