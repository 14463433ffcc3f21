"""Tcl through the interpreter that Python carries for tkinter: warm in a worker, no window.

A program runs as ``tclsh FILE`` runs it; its answer is what it prints on standard output. What a worker loads before
is what tclsh loads when it starts.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lowres_code._util.text import bytes_of
from lowres_code.language.base import (
    Diagnostic,
    EmbeddedLanguage,
    Example,
    Execution,
    Limits,
    Missing,
    SelfTest,
    Status,
)
from lowres_code.plugins.hookspecs import Registry, hookimpl
from lowres_code.problem import Test

_ENDED_WELL = ("0", "2")  # at its end, or by return; break and continue outside of a loop are errors
_TRACE = "if {[dict exists $options -errorinfo]} {dict get $options -errorinfo} {set said}"


class Tcl(EmbeddedLanguage):
    """Tcl 8.6, embedded."""

    name = "tcl"
    title = "Tcl"
    suffix = ".tcl"
    fences = ("tcl", "tclsh")
    guidance = (
        "The program is run by tclsh. The answer is what it prints on standard output with puts; print nothing else. "
        "Arithmetic stands in [expr {...}], and dividing two integers there gives an integer."
    )
    examples = (
        Example(
            question="What is 14 * 32 - 85?",
            reasoning="The answer is the value of 14 * 32 - 85.",
            program="puts [expr {14 * 32 - 85}]",
            answer="363",
        ),
        Example(
            question="Anna has 3 boxes of 12 pencils each. She gives 7 pencils away. How many pencils has she left?",
            reasoning="Anna starts with 3 times 12 pencils and gives 7 away. What is left is 3 * 12 - 7.",
            program=(
                "set boxes 3\nset pencilsPerBox 12\nset givenAway 7\n\n"
                "set left [expr {$boxes * $pencilsPerBox - $givenAway}]\nputs $left"
            ),
            answer="29",
        ),
    )
    self_tests = (
        SelfTest("puts [expr {6 * 7}]", Status.OK, "42"),
        SelfTest("foreach x {3 1 2} { lappend all $x }\nputs [lsort $all]", Status.OK, "1 2 3"),
        SelfTest('puts "hello\n', Status.SYNTAX_ERROR),
        SelfTest("puts [expr {1 / 0}]", Status.RUNTIME_ERROR),
        SelfTest("no_such_command", Status.RUNTIME_ERROR),
    )
    snippets = {  # noqa: RUF012 - as every attribute of a backend, it is never changed
        "hello": "puts hello",
        "syntax_error": "puts hello\nif {1} {\nputs more\n",
        "runtime_error": "error spam",
        "loop": "while 1 {}",
        "memory": "set x spam\nwhile 1 { append x $x }",
        "flood": "while 1 { puts spam }",
        "fork": "while 1 { exec tclsh & }",
        "stdin": "puts [gets stdin]",
        "close_stdout": "close stdout\nputs hello",
        "exit_early": "exit 0\nputs hello",
        "write_outside": "set f [open @PATH@ w]\nputs $f spam\nclose $f",
        "network": "close [socket 127.0.0.1 @PORT@]",
        "environment": "puts [expr {[info exists env(@VARIABLE@)] ? $env(@VARIABLE@) : {none}}]",
        "state": (
            "if {[file exists state] || [info exists state]} { puts seen } else {\n"
            "close [open state w]\nset state 1\nputs clean\n}"
        ),
        "non_utf8": 'fconfigure stdout -translation binary\nputs -nonewline "\\xff"',
    }
    plain = ("tclsh", "{file}")
    prints = True

    def missing(self) -> Missing | None:
        """Python's own binding of Tcl."""
        if importlib.util.find_spec("_tkinter"):
            return None
        return Missing("Tcl in this Python (its module tkinter)", "sudo apt-get install python3-tk")

    def environment(self) -> Mapping[str, str]:
        """UTF-8, as a user's terminal has it."""
        return {"LANG": "C.UTF-8"}

    def load(self, warm_up: str) -> None:
        """Make an interpreter within tkinter's: tkinter takes ``exit`` from its own, and leaves variables there."""
        import tkinter

        self._tcl: Any = tkinter.Tcl().tk
        self._tcl.eval("interp create program")
        inner = [path for path in self._words("set auto_path") if not path.startswith(sys.prefix)]
        self._inside("set", "auto_path", inner)
        self._inside("auto_load_index")  # of the commands that are loaded when they are first called

    def check_syntax(self, program: str) -> tuple[Diagnostic, ...]:
        """Whether braces, brackets and quotes are closed: all that Tcl can tell without running a program."""
        program = program.encode("utf-8", "replace").decode()  # Tcl has no lone surrogates
        if self._tcl.call("info", "complete", program):
            return ()
        lines = program.splitlines() or [""]
        begun = next(n for n in range(len(lines), 0, -1) if self._complete(lines[: n - 1]))
        return (Diagnostic("a brace, a bracket or a quote is not closed in the command that begins here", line=begun),)

    def execute(self, program: str, test: Test, limits: Limits) -> Execution:
        """Run the program as tclsh does."""
        path = str(Path("program.tcl").resolve())
        Path(path).write_bytes(bytes_of(program))
        for name, value in {"argv0": path, "argv": "", "argc": "0", "tcl_interactive": "0"}.items():
            self._inside("set", name, value)
        self._tcl.setvar("path", path)
        code = str(self._tcl.eval("catch {interp eval program [list source $path]} said options"))
        trace = str(self._tcl.eval(_TRACE))
        self._tcl.eval("interp delete program; catch {flush stdout}")  # closes, and so flushes, all its channels
        return Execution(Status.OK) if code in _ENDED_WELL else self._failed(program, trace)

    def _failed(self, program: str, trace: str) -> Execution:
        """As tclsh does, the trace of the error goes to standard error."""
        trace = trace.partition('\n    invoked from within\n"source ')[0]
        with contextlib.suppress(OSError):  # the program may have closed it
            os.write(2, f"{trace}\n".encode("utf-8", "replace"))
        if found := self.check_syntax(program):
            return Execution(Status.SYNTAX_ERROR, diagnostics=found)
        said = str(self._tcl.getvar("said"))
        return Execution(Status.RUNTIME_ERROR, diagnostics=(Diagnostic(said, line=_line(trace)),))

    def _inside(self, *command: object) -> object:
        """Call a command of the interpreter that programs have."""
        return self._tcl.call("interp", "eval", "program", self._tcl.call("list", *command))

    def _words(self, command: str) -> tuple[str, ...]:
        return tuple(map(str, self._tcl.splitlist(self._tcl.eval(f"program eval {{{command}}}"))))

    def _complete(self, lines: list[str]) -> bool:
        return bool(self._tcl.call("info", "complete", "\n".join(lines) + "\n"))


def _line(trace: str) -> int | None:
    """The line of the program's file that a trace speaks of."""
    _, found, number = trace.rpartition('program.tcl" line ')
    digits = number.partition(")")[0]
    return int(digits) if found and re.fullmatch("[0-9]{1,9}", digits) else None


@hookimpl
def register_languages(register: Registry[Any]) -> None:
    """Tcl."""
    register(Tcl())
