"""Command languages: real command lines, each program in a fresh process inside the walls."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator

import pytest
from lowres_code.command import CommandLanguage
from lowres_code.judge import Judge
from lowres_code.language import Execution, Limits, Status
from lowres_code.problem import Test

SHELL = CommandLanguage(
    name="shell",
    title="Shell",
    suffix=".sh",
    run=("sh", "{file}"),
    check=("sh", "-n", "{file}"),
    install="sudo apt-get install dash",
)
PYTHON = CommandLanguage(
    name="python",
    title="Python",
    suffix=".py",
    compile=(sys.executable, "-m", "py_compile", "{file}"),
    run=(sys.executable, "{stem}.py"),
)


@pytest.fixture(scope="module")
def shell() -> Iterator[Judge]:
    with Judge(SHELL, Limits(cpu_s=1, wall_s=4, memory_mb=128, output_kb=64), workers=1) as judge:
        yield judge


def run(judge: Judge, program: str, stdin: str = "") -> Execution:
    return judge.execute([program], [Test(stdin=stdin)])[0]


def test_the_answer_is_what_is_printed(shell: Judge) -> None:
    execution = run(shell, "read name; echo hello $name; echo aside >&2", stdin="world\n")
    assert (execution.status, execution.answer, execution.stderr) == (Status.OK, "hello world\n", "aside\n")
    assert execution.isolation == "namespaces"


@pytest.mark.parametrize(
    ("program", "status"),
    [
        ("exit 0", Status.NO_ANSWER),
        ("echo 42; exit 3", Status.RUNTIME_ERROR),
        ("if then", Status.SYNTAX_ERROR),
        ("while :; do :; done", Status.TIMEOUT),
        ("sleep 60", Status.TIMEOUT),
        ("while :; do echo spam; done", Status.OUTPUT_LIMIT),
        ("kill -SEGV $$", Status.RUNTIME_ERROR),
        ("kill -9 $PPID; echo 42", Status.OK),  # the judge's own process: it is out of reach, and nothing happens
    ],
)
def test_every_end_has_its_status(program: str, status: Status, shell: Judge) -> None:
    execution = run(shell, program)
    assert execution.status is status, execution
    assert (execution.answer is not None) == (status is Status.OK)


def test_a_syntax_error_has_its_line(shell: Judge) -> None:
    with Judge(PYTHON, workers=1) as judge:
        right, wrong = judge.execute(["print(6 * 7)", "print(1)\nprint(2"], [Test(), Test()])
    assert (right.answer, wrong.status) == ("42\n", Status.SYNTAX_ERROR)
    assert "program.py" in wrong.diagnostics[0].message
    assert run(shell, "echo $((1 + ))").status is Status.RUNTIME_ERROR


def test_background_processes_end_with_the_program(shell: Judge) -> None:
    assert run(shell, "(while :; do echo 1 > flag; done) & echo started").answer == "started\n"
    assert run(shell, "sleep 0.2; ls; echo done").answer == "program.sh\ndone\n"


def test_what_is_missing_is_said() -> None:
    nowhere = CommandLanguage(name="x", title="X", suffix=".x", run=("no-such-tool", "{file}"), install="apt install x")
    missing = nowhere.missing()
    assert missing is not None
    assert (missing.what, missing.install) == ("no-such-tool", "apt install x")
    assert SHELL.missing() is None


@pytest.mark.parametrize("program", ["printf '\\ud800'", "echo '\ud800'", "echo x:99999999999999999999: m >&2; exit 1"])
def test_odd_text_is_never_the_judges_failure(program: str, shell: Judge) -> None:
    with Judge(dataclasses.replace(SHELL, check=("sh", "{file}")), workers=1) as judge:
        assert run(judge, program).status is not Status.INFRA_ERROR
    assert run(shell, program).status is not Status.INFRA_ERROR


def test_the_limits_of_the_judges_own_process_are_out_of_reach(shell: Judge) -> None:
    assert run(shell, "prlimit --pid $PPID --nofile=0:0 || echo refused").answer == "refused\n"


def test_cpu_time_is_the_programs_and_all_its_childrens(shell: Judge) -> None:
    busy = "i=0; while [ $i -lt 300000 ]; do i=$((i + 1)); done"
    program = "\n".join([f"sh -c '{busy}'"] * 30)
    assert run(shell, program).status is Status.TIMEOUT
