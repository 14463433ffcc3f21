"""Command languages: real command lines, each program in a fresh isolated process."""

from __future__ import annotations

import dataclasses
import errno
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pyseccomp
import pytest
from lowres_code.judge import Judge
from lowres_code.language.base import Diagnostic, Execution, Limits, Status
from lowres_code.language.command import CommandLanguage
from lowres_code.problem import Test

SHELL = CommandLanguage(
    name="shell",
    title="Shell",
    suffix=".sh",
    run=("sh", "{file}"),
    check=("sh", "-n", "{file}"),
    install="sudo apt-get install dash",
)
CLONE = {"x86_64": 56}.get(os.uname().machine, 220)
PYTHON = CommandLanguage(
    name="python",
    title="Python",
    suffix=".py",
    compile=(sys.executable, "-m", "py_compile", "{file}"),
    run=(sys.executable, "{stem}.py"),
)


@pytest.fixture(scope="module")
def shell() -> Iterator[Judge]:
    with Judge(SHELL, Limits(cpu_s=1, wall_s=20, memory_mb=128, output_kb=64), "namespaces", workers=1) as judge:
        number = judge.execute(["echo $$"], [Test()])[0].answer
        assert number and int(number) < 100, "no process namespace: hostile programs must not run"
        yield judge


def run(judge: Judge, program: str, stdin: str = "") -> Execution:
    sooner = {"wall_s": 4.0} if program == "sleep 60" else {}  # what is busy may need long for its second of CPU time
    return judge.execute([program], [Test(stdin=stdin, limits=sooner)])[0]


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


@pytest.mark.parametrize(
    ("program", "exit_code", "said"),
    [
        ("echo 42", 0, []),
        ("exit 0", 0, []),
        ("echo careful >&2; exit 3", 3, ["careful", "it ended with exit code 3"]),
        ("exit 3", 3, ["it ended with exit code 3"]),
        ("kill -SEGV $$", -signal.SIGSEGV, ["it was ended by signal 11: Segmentation fault"]),
        ("while :; do :; done", -signal.SIGXCPU, ["it was ended by signal 24: CPU time limit exceeded"]),
        ("if then", 2, None),  # the shell reads as it runs
        ("sleep 60", None, []),  # the judge ended it
        ("while :; do echo spam; done", None, []),
    ],
)
def test_the_exit_code_and_what_was_said_come_with_a_failure(
    program: str, exit_code: int | None, said: list[str] | None, shell: Judge
) -> None:
    execution = run(shell, program)
    assert execution.exit_code == exit_code, execution
    assert said is None or [note.message for note in execution.diagnostics] == said


def test_the_line_of_a_runtime_error_is_told() -> None:
    with Judge(dataclasses.replace(PYTHON, compile=()), workers=1) as judge:
        execution = run(judge, "def share(n):\n    return 12 // n\n\nprint(share(0))")
    first, second = execution.diagnostics
    assert first.message.endswith("ZeroDivisionError: integer division or modulo by zero")
    assert (first.line, second.message, execution.exit_code) == (2, "it ended with exit code 1", 1)


def test_a_program_that_is_not_compiled_has_no_exit_code() -> None:
    with Judge(PYTHON, workers=1) as judge:
        execution = run(judge, "print(1")
    assert (execution.status, execution.exit_code, execution.stderr) == (Status.SYNTAX_ERROR, None, "")


def test_a_syntax_error_has_its_line(shell: Judge) -> None:
    with Judge(PYTHON, workers=1) as judge:
        right, wrong = judge.execute(["print(6 * 7)", "print(1)\nprint(2"], [Test(), Test()])
    assert (right.answer, wrong.status) == ("42\n", Status.SYNTAX_ERROR)
    assert wrong.diagnostics[0] == Diagnostic("'(' was never closed", line=2)
    assert run(shell, "echo $((1 + ))").status is Status.RUNTIME_ERROR


def test_a_syntax_error_is_told_from_other_failures_by_the_check_and_not_by_what_the_program_did(shell: Judge) -> None:
    """The check is asked after a failure; a program that fixes its own file in between gains nothing."""
    execution = run(shell, "echo 'echo fixed' > program.sh\nif then")
    assert execution.status is Status.SYNTAX_ERROR


@pytest.mark.parametrize(
    "program",
    [
        "rm program.sh; mkdir program.sh; exit 1",
        "chmod 000 .; exit 1",
        "rm program.sh; mkfifo program.sh; exit 1",
        "while :; do sh -c 'while :; do :; done' & done; exit 1",
    ],
)
def test_no_program_can_make_the_check_fail(program: str, shell: Judge) -> None:
    assert run(shell, program).status in (Status.RUNTIME_ERROR, Status.TIMEOUT)


def test_what_a_program_leaves_running_cannot_fix_it_for_the_check(shell: Judge) -> None:
    program = '(while :; do echo "echo 1" > program.sh; done) &\nsleep 0.3\nif then'
    assert run(shell, program).status is Status.SYNTAX_ERROR
    assert run(shell, "kill -ABRT 1\nsleep 1\nif then").status is Status.SYNTAX_ERROR


def test_a_compiler_that_makes_nothing_is_the_programs_failure() -> None:
    nothing = dataclasses.replace(SHELL, check=(), compile=("true", "{file}"), run=("./{stem}",))
    with Judge(nothing, workers=1) as judge:
        execution = run(judge, "echo 42")
    assert execution.status is Status.RUNTIME_ERROR
    assert "does not start" in execution.diagnostics[0].message


def test_a_compiler_that_passes_a_limit_says_so_and_its_memory_is_not_the_programs() -> None:
    endless = dataclasses.replace(SHELL, check=(), compile=("sh", "-c", "while :; do :; done"))
    with Judge(endless, Limits(cpu_s=1), workers=1) as judge:
        assert run(judge, "echo 42").status is Status.TIMEOUT
    greedy = dataclasses.replace(SHELL, check=(), compile=(sys.executable, "-c", "x = b'x' * (90 << 20)"))
    with Judge(greedy, Limits(memory_mb=128), workers=1) as judge:
        assert run(judge, "exit 1").status is Status.RUNTIME_ERROR


def test_a_shell_that_reports_a_signal_is_understood() -> None:
    wrapped = dataclasses.replace(SHELL, check=(), run=("sh", "-c", "sh {file}; exit $?"))
    with Judge(wrapped, Limits(cpu_s=1), workers=1) as judge:
        assert run(judge, "while :; do :; done").status is Status.TIMEOUT


def test_a_program_that_fails_with_its_memory_full_ran_out_of_memory() -> None:
    program = "x = bytearray(90 << 20)\nfor i in range(0, len(x), 4096):\n    x[i] = 1\nraise SystemExit(3)"
    with Judge(dataclasses.replace(PYTHON, compile=()), Limits(memory_mb=128), workers=1) as judge:
        assert run(judge, program).status is Status.MEMORY_LIMIT
        assert run(judge, "raise SystemExit(3)").status is Status.RUNTIME_ERROR


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


def test_cpu_time_is_also_that_of_children_that_nobody_has_waited_for() -> None:
    """Each has used 0.6 CPU seconds, however long that took by the clock, and lives on until the program ends.

    Far from the second that each of them has: the kernel counts that one by ticks, which may be a fifth too much.
    """
    program = (
        "import os, time\nfor _ in range(5):\n    r, w = os.pipe()\n    if os.fork() == 0:\n"
        "        while time.process_time() < 0.6: pass\n        os.write(w, b'x')\n        time.sleep(600)\n"
        "    os.close(w)\n    os.read(r, 1)\nprint(42)"
    )
    with Judge(PYTHON, Limits(cpu_s=1), workers=1) as judge:
        execution = run(judge, program)
    assert execution.status is Status.TIMEOUT
    assert execution.cpu_s > 2


def test_cpu_time_is_also_that_of_children_that_leave_no_account() -> None:
    program = (
        "import os, signal, time\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
        "for _ in range(8):\n    r, w = os.pipe()\n    if os.fork() == 0:\n        os.close(r)\n"
        "        while time.process_time() < 0.6: pass\n        os._exit(0)\n"
        "    os.close(w)\n    os.read(r, 1)\nprint(42)"
    )
    with Judge(PYTHON, Limits(cpu_s=1), workers=1) as judge:
        assert run(judge, program).status is Status.TIMEOUT


@pytest.mark.parametrize(
    "call",
    [
        "os.memfd_create('hidden')",
        "import socket; socket.socket()",
        "import socket; socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)",
        "import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
        "import fcntl; fcntl.fcntl(os.open('/usr/bin/env', os.O_RDONLY), fcntl.F_SETLEASE, fcntl.F_WRLCK)",
        "import fcntl; fcntl.ioctl(os.open('.', os.O_RDONLY), 0x40086602, bytes(8))",
        "import ctypes; assert ctypes.CDLL(None).unshare(0x20000000) == 0, 'not permitted'",
        f"import ctypes; assert ctypes.CDLL(None).syscall({CLONE}, 0x20000011, 0, 0, 0, 0) >= 0, 'not permitted'",
    ],
)
def test_no_program_needs_it(call: str) -> None:
    with Judge(dataclasses.replace(PYTHON, compile=()), workers=1) as judge:
        execution = run(judge, f"import os\n{call}\nprint('done')")
    assert execution.status is Status.RUNTIME_ERROR
    assert "not permitted" in execution.stderr


def test_packages_that_are_installed_are_out_of_sight() -> None:
    """Among them is what makes the problems, with their answers."""
    folder = str(Path(str(pyseccomp.__file__)).parent)
    program = (
        f"import os, sys\nsys.path.append({folder!r})\nprint(*sorted(os.listdir({folder!r})))\n"
        f"try:\n    open({folder!r} + '/x', 'w')\nexcept OSError as error:\n    print(error.errno)\n"
        "import reasoning_gym"
    )
    with Judge(dataclasses.replace(PYTHON, compile=()), workers=1) as judge:
        execution = run(judge, program)
    seen, error = execution.stdout.splitlines()
    packages = {name for name in seen.split() if not name.startswith("__editable__") and not name.endswith(".pth")}
    assert packages - {"__pycache__"} == {"pluggy", "py_landlock", "pyseccomp.py"}
    assert int(error) == errno.EROFS
    assert "No module named 'reasoning_gym'" in execution.stderr


def test_an_exit_code_is_no_limit(shell: Judge) -> None:
    assert run(shell, "exit 152").status is Status.RUNTIME_ERROR  # 128 + SIGXCPU, with no CPU time spent


NO_TOOL = ("no-such-tool", "{file}")


@pytest.mark.parametrize("broken", [dataclasses.replace(SHELL, run=NO_TOOL), dataclasses.replace(SHELL, check=NO_TOOL)])
def test_a_tool_that_does_not_start_is_the_judges_failure(broken: CommandLanguage) -> None:
    with Judge(broken, workers=1) as judge:
        execution = run(judge, "exit 3")
    assert execution.status is Status.INFRA_ERROR
    assert "no-such-tool" in execution.diagnostics[0].message


def test_bytes_that_are_no_utf8_reach_a_program_as_they_were(shell: Judge) -> None:
    given = b"\xff".decode("utf-8", "surrogateescape")
    assert run(shell, "od -An -tx1", stdin=given).answer == " ff\n"


def test_the_worker_has_none_of_a_languages_variables() -> None:
    """They come from a file that somebody else may have written, and the worker has more rights than programs."""
    greeting = dataclasses.replace(SHELL, variables={"GREETING": "hello", "PYTHONPATH": "/nowhere"})
    with Judge(greeting, workers=1) as judge:
        assert run(judge, "echo $GREETING $PYTHONPATH").answer == "hello /nowhere\n"
    assert not greeting.environment()
