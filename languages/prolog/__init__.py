"""Prolog through SWI-Prolog: an interpreter that stays warm in a worker, by pyswip.

A program is loaded as ``swipl FILE`` loads it, by SWI-Prolog's own reader; its answer is the first solution of
``solve(X)`` or of the test's own query. A worker preloads just the slow libraries that a program names, and imports
none of them: a program that forgets its ``use_module`` fails here as it does there.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from ctypes import string_at
from ctypes.util import find_library
from itertools import accumulate
from pathlib import Path
from typing import Any

from lowres_code._util.text import bytes_of, write_anew
from lowres_code.answers import same_lines, same_value
from lowres_code.language.analysis import Analysis, Places
from lowres_code.language.base import (
    MOST_ANSWERS,
    MOST_DIAGNOSTICS,
    Diagnostic,
    EmbeddedLanguage,
    Execution,
    Limits,
    Missing,
    Ready,
    SelfTest,
    Status,
)
from lowres_code.plugins.hookspecs import Registry, hookimpl
from lowres_code.problem import Test

from .driver import AbortedError, Driver
from .examples import EXAMPLES
from .terms import same_term

DEFAULT_QUERY = "solve(X)"
SLOW_LIBRARIES = re.compile(r"\blibrary\(\s*(clpq|clpr|clpfd|clpb)\s*\)")
# Autoloaded by most programs. None of these has a goal or term expansion, so that nobody can tell whether they are
# loaded; library(yall), for one, would compile lambda expressions that plain Prolog copies.
COMMON_LIBRARIES = ("lists", "apply", "error", "pairs", "ordsets", "option", "aggregate", "assoc")
_MOST_PARTS = 2 + 4 * MOST_DIAGNOSTICS  # that `judge/6` tells
MORE_INFERENCES = 2_000_000  # to look for more answers: a program that ends needs fewer, and many do not end
WARM_RUNS = 20  # of a program in the worker itself: what they look up and compile is there for every child
_ADDRESS = re.compile(r"(?<=>)\(0x[0-9a-f]+\)")  # of a stream, for one: another one in each run
_PLACE = re.compile(r"^\S*/program\.pl:\d+:\d+: ")  # it is told by itself, with columns counted from 1
_OWN_LIBRARY = re.compile(rf"\bmodule\(\s*'?({'|'.join(COMMON_LIBRARIES)})\b")
# What the driver can say; a program that has found it and changed it can say no more.
_STATUSES = {status.value: status for status in Status if status is not Status.INFRA_ERROR}
DRIVER, *READER = (Path(__file__).with_name(name) for name in ("driver.pl", "analysis.pl", "places.pl"))


class Prolog(EmbeddedLanguage):
    """SWI-Prolog (9.0 or later), embedded."""

    name = "prolog"
    title = "Prolog"
    suffix = ".pl"
    fences = ("prolog", "pl", "plg", "pro", "swi-prolog", "swi", "swipl")
    guidance = (
        "The program is read by SWI-Prolog. It must define solve/1; the answer is the first solution X of solve(X), "
        "bound to the value itself and not printed. Use `is` for arithmetic, or constraints after "
        "`:- use_module(library(clpq)).` with {A = B + C}. Every clause ends with a full stop, variables begin with "
        "a capital letter, and every library that is used is imported."
    )
    examples = EXAMPLES
    self_tests = (
        SelfTest("solve(X) :- X is 6 * 7.", Status.OK, "42"),
        SelfTest(":- use_module(library(clpq)).\nsolve(X) :- {2 * X = 7}.", Status.OK, "7r2"),
        SelfTest("solve(X) :- {2 * X = 7}.", Status.RUNTIME_ERROR),
        SelfTest("solve(X) :- X is 1 +.", Status.SYNTAX_ERROR),
        SelfTest("solve(X) :- X = 3 + 4.", Status.NO_ANSWER),
        SelfTest(":- halt.\nsolve(1).", Status.NO_ANSWER),
        SelfTest("solve(X) :- solve(X).", Status.TIMEOUT),
        SelfTest("solve(X) :- length(L, 100000000), X = L.", Status.MEMORY_LIMIT),
    )

    snippets = {  # noqa: RUF012 - as every attribute of a backend, it is never changed
        "hello": "solve(hello).",
        "syntax_error": "other(1).\nsolve(X) :- X is 1 +.",
        "runtime_error": "solve(X) :- X is 1 / 0.",
        "loop": "solve(X) :- repeat, X = 1, fail.",
        "memory": "solve(X) :- length(X, 100000000).",
        "flood": "solve(X) :- repeat, writeln(spam), fail, X = 1.",
        "fork": ":- use_module(library(unix)).\nsolve(X) :- repeat, fork(_), fail, X = 1.",
        "stdin": "solve(X) :- read_line_to_string(user_input, X).",
        "close_stdout": "solve(X) :- stream_property(S, file_no(1)), close(S, [force(true)]), X = hello.",
        "exit_early": ":- halt(0).\nsolve(hello).",
        "write_outside": "solve(X) :- open('@PATH@', write, S), write(S, spam), close(S), X = written.",
        "network": (
            ":- use_module(library(socket)).\nsolve(X) :- tcp_connect('127.0.0.1':@PORT@, S, []), close(S), X = called."
        ),
        "environment": "solve(X) :- ( getenv('@VARIABLE@', X) -> true ; X = none ).",
        "state": (
            "solve(seen) :- exists_file(state), !.\nsolve(seen) :- nb_current(state, _), !.\n"
            "solve(clean) :- open(state, write, S), close(S), nb_setval(state, seen)."
        ),
        "non_utf8": "solve(X) :- set_stream(user_output, encoding(octet)), put_byte_or_char(255), X = printed.\n"
        "put_byte_or_char(B) :- char_code(C, B), put_char(C).",
    }
    queries = True
    analyses = True
    enumerates = True
    packages = ("pyswip",)
    plain = ("swipl", "-g", "solve(X),print(X),nl", "-t", "halt", "{file}")

    def missing(self) -> Missing | None:
        """SWI-Prolog with its shared library."""
        if shutil.which("swipl") and find_library("swipl"):
            return None
        return Missing("SWI-Prolog (swipl and libswipl)", "sudo apt-get install swi-prolog-nox")

    def environment(self) -> Mapping[str, str]:
        """UTF-8, as a user's terminal has it; and libraries are linked in the worker, not bit by bit in each child."""
        return {"LANG": "C.UTF-8", "LD_BIND_NOW": "1"}

    def warm_up_of(self, program: str) -> str:
        """The libraries to preload, for instance ``"lists apply clpq"``: the common ones, and slow ones it names.

        A program may define a module that has a common library's name; it finds none of them.
        """
        common = () if _OWN_LIBRARY.search(program) else COMMON_LIBRARIES
        return " ".join((*common, *sorted(set(SLOW_LIBRARIES.findall(program)))))

    def load(self, warm_up: str) -> None:
        """Start Prolog, load the libraries, and lock the driver."""
        from pyswip import Prolog as Engine

        os.environ.pop("LD_BIND_NOW", None)  # it has done its work, and is no business of a program's
        judge = f"lowres_judge_{os.urandom(8).hex()}"
        driver = DRIVER.read_text(encoding="utf-8").replace("lowres_judge", judge)
        goals = [
            "set_prolog_gc_thread(false)",  # a thread would not survive the fork
            *(f"load_files(library({name}), [if(not_loaded), imports([]), silent(true)])" for name in warm_up.split()),
            "load_files(library(prolog_wrap), [imports([]), silent(true)])",
            f"open_string({_quoted(driver)}, Text), load_files({judge}, [stream(Text), silent(true)])",
            "set_prolog_flag(verbose, normal)",
            "catch('$no_such_predicate', _, true)",  # reads the index of autoloadable libraries
            "abolish(user:pyrun/2)",  # pyswip's own; the last that is asked through it
        ]
        for goal in goals:
            list(Engine.query(goal))
        self._call = Driver(judge)
        self._reader = "\n".join(part.read_text(encoding="utf-8") for part in READER)
        for _ in range(WARM_RUNS):
            self.execute(f"{judge}(1).\n", Test(query=f"{judge}(X)"), Limits())
            self._call("forget", f"{os.getcwd()}/program.pl")

    def check_syntax(self, program: str) -> tuple[Diagnostic, ...]:
        """Syntax errors that loading the program reports; loading runs its directives, as it must."""
        try:
            _, _, notes = self._call("check", _write(program), Limits().inferences)
        except _NO_RESULT:
            return ()
        return tuple(d for severity, d in map(_diagnostic, notes) if severity == "syntax")

    def execute(self, program: str, test: Test, limits: Limits) -> Execution:
        """Load the program and ask the query once."""
        calls, data, length = self.ready(_write(program), test, limits)
        done = all(function(*arguments) for function, arguments in calls)
        return self.understood(string_at(data.value or 0, length.value) if done else b"", limits)

    def ready(self, file: str, test: Test, limits: Limits) -> Ready:
        """The driver's ``judge/6`` on the program and the query."""
        budget = (limits.memory_mb * 2**19, limits.inferences, limits.output_kb * 1024)
        return self._call.judge.ready((file, _query(test)), budget)

    def understood(self, told: bytes, limits: Limits) -> Execution:
        """What ``judge/6`` has told."""
        try:
            status, answer, *notes = _parts(told)
            diagnostics = tuple([_diagnostic(notes[at : at + 4])[1] for at in range(0, len(notes), 4)])
        except _NO_RESULT:
            return Execution(Status.RUNTIME_ERROR, diagnostics=(Diagnostic("the program aborted"),))
        if status == Status.TIMEOUT.value:  # CPU time and the clock end a program from outside
            diagnostics += (Diagnostic(f"it passed the limit of {limits.inferences} inferences"),)
        ended = _STATUSES.get(status, Status.RUNTIME_ERROR)
        return Execution(ended, answer if ended is Status.OK else None, diagnostics=diagnostics)

    def answers(self, program: str, test: Test, limits: Limits) -> tuple[str, ...] | None:
        """Of all solutions, as far as `MORE_INFERENCES` go from the first; after an exception no more are known."""
        inferences = (limits.inferences, MORE_INFERENCES)
        budget = (limits.memory_mb * 2**19, *inferences, limits.output_kb * 1024, MOST_ANSWERS)
        try:
            return tuple(self._call("answers", _write(program), _query(test), *budget)) or None
        except _NO_RESULT:
            return None

    def analyse(self, program: str) -> Analysis | None:
        """By SWI-Prolog's own reader; of the directives only operators and the solvers' libraries are followed.

        Clauses that it cannot read are left out, as when the program is loaded.
        """
        limits = Limits()
        path = _write(_readable(program))
        try:
            told = self._call("analyse", self._reader, path, limits.memory_mb * 2**19, limits.inferences)
            status, *counts, literals, names, numbers = told
            clauses, predicates, constraints, operations = map(int, counts)
            places = Places.of_rows(names, numbers)
        except _NO_RESULT:
            return None
        if status != "ok":
            return None
        return Analysis(clauses, predicates, constraints, operations, tuple(literals), places)

    def compare(self, expected: str, actual: str) -> bool:
        """By values, as every language does; else as terms, or as text where one cannot be read as a term."""
        if same_value(expected, actual):
            return True
        same = same_term(expected, actual)
        return same_lines(expected, actual) if same is None else same


def _query(test: Test) -> str:
    return (test.query or DEFAULT_QUERY).strip().removeprefix("?-").removesuffix(".")


def _parts(told: bytes) -> list[str]:
    """The texts that ``judge/6`` has put together, which counts characters; half of one is a character for it too.

    Raises:
        ValueError: the program has put them together.
    """
    head, _, rest = told.decode("utf-8", "surrogatepass").partition("\n")
    lengths = [int(length) for length in head.split(" ", _MOST_PARTS)]
    if min(lengths) < 0 or sum(lengths) != len(rest):
        raise ValueError("lengths that are none")
    ends = accumulate(lengths)
    return [_whole(rest[end - length : end]) for end, length in zip(ends, lengths, strict=True)]


def _whole(text: str) -> str:
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def _readable(program: str) -> str:
    """The program for a reader to whom a byte order mark and a first line of a script mean nothing; no place moves."""
    marked = program.startswith("\ufeff")
    text = " " * marked + program[marked:]
    return f"{text[:marked]}%{text[marked + 1 :]}" if text.startswith("#!", marked) else text


def _quoted(text: str) -> str:
    """The text as a quoted atom."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"


def _write(program: str) -> str:
    """Put the program into the scratch directory, byte by byte as it came; Prolog itself finds out its encoding."""
    path = f"{os.getcwd()}/program.pl"
    write_anew(path, bytes_of(program))
    return path


_NO_RESULT = (AbortedError, ValueError, TypeError, RecursionError)  # the latter: the program has written it itself


def _diagnostic(note: list[str]) -> tuple[str, Diagnostic]:
    severity, line, column, message = note
    shown = "warning" if severity == "warning" else "error"
    said = _ADDRESS.sub("", _PLACE.sub("", message))
    return severity, Diagnostic(said, shown, line=int(line) or None, column=int(column) or None)


@hookimpl
def register_languages(register: Registry[Any]) -> None:
    """Prolog."""
    register(Prolog())
