"""Tcl in a warm worker means what it means under tclsh."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from lowres_code.judge import Judge
from lowres_code.language.base import Execution, Limits, Status
from lowres_code.plugins.manager import plugin_manager
from lowres_code.problem import Test

TCL = plugin_manager().languages["tcl"].thing
pytestmark = pytest.mark.skipif(TCL.missing() is not None, reason="this Python has no tkinter")

PROGRAMS = (
    "puts 42",
    "puts -nonewline 42",
    "puts [expr {7 / 2}]; puts [expr {7 / 2.0}]",
    'puts "a b"; puts {a $b}; puts é',
    "proc f n { if {$n < 2} { return 1 }; expr {$n * [f [expr {$n - 1}]]} }\nputs [f 30]",
    "puts 1; exit; puts 2",
    "puts 1; exit 3",
    "puts 1; error spam",
    "puts 1; return 3",
    "break",
    "puts hi; set x NaN",
    "return NaN",
    'error x "program.tcl\\" line \u00b2)\\n    invoked from within\\n\\"source "',
    "no_such_command",
    "puts [expr {1 / 0}]",
    'puts "not closed',
    "puts hello\nif {1} {",
    "rename puts say; say 42",
    "rename catch {}; rename set {}; puts 42",
    "rename set {}; error x",
    "close stdout; puts 42",
    "close stderr; error x",
    "set f [open /dev/stdout w]; puts $f 42",
    "puts [gets stdin]",
    "puts [lsort [info commands s*]]; puts [info exists tcl_interactive]; puts $argc; puts $argv",
    "foreach x {1 2} { lappend all $x }; puts $all; array set a {b 1}; parray a",
    "interp delete {}; puts 42",
    "trace add variable errorInfo read {apply {{args} {error again}}}; error x",
    "after 10 {puts late; set done 1}; vwait done",
    "puts [string repeat x 100000]",
    "puts [string length caf\udce9]",  # a byte that is not UTF-8
    "puts [scan \udcff %c]; # \udce2",
)


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    with Judge(TCL, Limits(cpu_s=2, wall_s=10)) as judge:
        yield judge


def run(judge: Judge, program: str) -> Execution:
    return judge.execute([program], [Test(stdin="given\n")])[0]


@pytest.mark.skipif(not shutil.which("tclsh"), reason="tclsh is not installed: sudo apt-get install tcl")
@pytest.mark.parametrize("program", PROGRAMS)
def test_it_agrees_with_tclsh(program: str, judge: Judge, tmp_path: Path) -> None:
    file = tmp_path / "program.tcl"
    file.write_bytes(program.encode("utf-8", "surrogateescape"))
    environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    plain = subprocess.run(
        ["tclsh", file], input=b"given\n", capture_output=True, timeout=10, env=environment, check=False
    )
    execution = run(judge, program)
    assert execution.stdout == plain.stdout.decode()
    failed = execution.status in (Status.RUNTIME_ERROR, Status.SYNTAX_ERROR)
    assert failed == (plain.returncode != 0), (execution, plain)


def test_a_syntax_error_and_a_run_time_error_have_their_lines(judge: Judge) -> None:
    execution = run(judge, "puts 1\nif {1} {\nputs 2\n")
    assert (execution.status, execution.diagnostics[0].line) == (Status.SYNTAX_ERROR, 2)
    execution = run(judge, "puts 1\nset x 2\nerror spam")
    assert (execution.status, execution.diagnostics[0].line) == (Status.RUNTIME_ERROR, 3)
    assert execution.diagnostics[0].message == "spam"


def test_nothing_is_left_for_the_next_program(judge: Judge) -> None:
    program = "puts [info exists left]; set left 1; proc left {} {}; puts [info commands left]"
    assert run(judge, program).answer == run(judge, f"{program} ").answer == "0\nleft\n"
