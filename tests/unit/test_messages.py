"""What tools say of a program, read."""

from __future__ import annotations

import pytest
from lowres_code.language.base import Diagnostic, Status
from lowres_code.language.messages import diagnostics, failure_said, limit_said


@pytest.mark.parametrize(
    ("output", "found"),
    [
        ("luac5.4: program.x:2: unexpected symbol near '='", Diagnostic("unexpected symbol near '='", line=2)),
        (
            "program.x:3:9:\n\n    3 |   x = = 1\n      |         1\nError: Invalid character in name at (1)\n",
            Diagnostic("Invalid character in name at (1)", line=3, column=9),
        ),
        (
            'File "program.x", line 2, characters 8-9:\n2 | let x = = 1\n            ^\nError: Syntax error',
            Diagnostic("Syntax error", line=2, column=9),
        ),
        (
            "program.x:2:14: error:\n    parse error on input `='",
            Diagnostic("parse error on input `='", line=2, column=14),
        ),
        ("program.x:2:1: syntax error before: '='", Diagnostic("syntax error before: '='", line=2, column=1)),
        ("Error: unexpected symbol", Diagnostic("Error: unexpected symbol")),
    ],
)
def test_what_compilers_say_is_understood(output: str, found: Diagnostic) -> None:
    assert diagnostics(output, "program.x") == (found,)


def test_no_more_than_fifty_messages_are_read() -> None:
    output = "".join(f"program.sh:{n}: error: {n}\n" for n in range(1, 1000))
    found = diagnostics(output, "program.sh")
    assert [note.line for note in found] == list(range(1, 51))
    assert found[-1].message == "50"


RUBY = """\
program.rb:3:in `/': divided by 0 (ZeroDivisionError)
\tfrom program.rb:3:in `share'
\tfrom program.rb:9:in `<main>'
"""
PYTHON = """\
Traceback (most recent call last):
  File "program.py", line 9, in <module>
    share(0)
  File "program.py", line 3, in share
    return 12 / people
ZeroDivisionError: division by zero
"""


@pytest.mark.parametrize(
    ("stderr", "file", "line"),
    [(RUBY, "program.rb", 3), (PYTHON, "program.py", 3), ("Error in f() : no\nExecution halted\n", "program.r", None)],
)
def test_what_a_program_said_before_it_failed_has_the_innermost_line(stderr: str, file: str, line: int | None) -> None:
    assert failure_said(stderr, file) == (Diagnostic(stderr.strip(), line=line),)


def test_of_much_that_was_said_the_end_is_kept_from_the_beginning_of_a_line() -> None:
    (note,) = failure_said("debugging\n" * 10_000 + "program.rb:7: at last", "program.rb")
    assert note.message.startswith("debugging\n")
    assert note.message.endswith("\nprogram.rb:7: at last")
    assert (3_980 < len(note.message) <= 4_000, note.line) == (True, 7)
    assert len(failure_said("x" * 10_000, "program.rb")[0].message) == 4_000
    assert failure_said(" \n", "program.rb") == ()


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("gcc: internal compiler error: File size limit exceeded signal terminated program as", Status.OUTPUT_LIMIT),
        ("/usr/bin/ld: final link failed: No space left on device", Status.OUTPUT_LIMIT),
        ("error: disk full writing program.ali", Status.OUTPUT_LIMIT),
        ("gcc: internal compiler error: CPU time limit exceeded signal terminated program gnat1", Status.TIMEOUT),
        ("virtual memory exhausted: Cannot allocate memory", Status.MEMORY_LIMIT),
        ("f951: out of memory allocating 60000000 bytes after a total of 65535 bytes", Status.MEMORY_LIMIT),
        ("raised STORAGE_ERROR : System.Memory.Alloc: heap exhausted", Status.MEMORY_LIMIT),
        ("cc1: error while loading shared libraries: libc.so.6: failed to map segment from", Status.MEMORY_LIMIT),
        ("gcc: fatal error: cannot execute 'as': vfork: Resource temporarily unavailable", Status.RUNTIME_ERROR),
        ("gcc: internal compiler error: Segmentation fault signal terminated program f951", Status.RUNTIME_ERROR),
    ],
)
def test_a_limit_that_stopped_a_part_of_a_compiler_is_told_from_what_its_driver_says(line: str, status: Status) -> None:
    output = f"program.x:3:4: warning: unused\n{line}\nPlease submit a full bug report\n"
    assert limit_said(output, "program.x", "x = 1\n") == (status, Diagnostic(line))


def test_a_program_cannot_have_its_syntax_error_taken_for_a_limit() -> None:
    """By words in its text that a compiler repeats, or in a message that it has the compiler make of parts."""
    text = "x = = 'No space left on device'\n"
    assert limit_said(f"program.x:1: error\n    1 | {text}", "program.x", text) is None
    assert limit_said("program.x:1:5: error: No space left on device\n", "program.x", "'No space' & ' left'") is None
    assert limit_said("program.x:1: error: no such name\n", "program.x", "x = = 1") is None
