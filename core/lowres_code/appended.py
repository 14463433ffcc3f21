"""Tests that are code to be run behind a program, as in MultiPL-E (arXiv 2208.08227): "append this code and run".

The judge appends the tests, and behind them one line that prints a secret, made freshly for each execution. The test is
passed if the program prints that secret and nothing else. An exit code means nothing. So a program that ends early,
prints anything, or has another ``print``, fails.

A program runs in one process with its tests, and could put other functions in the place of those that the tests use,
or look for the secret. Against both there is a control: the program runs once more, with a check among its tests that
nothing can pass. Whoever gets the secret out then as well has passed no tests. And the first thing that runs removes
the program's file, so that the secret is not to be read there.

Not covered: a program that is made against this very judge. It could find the secret in its own memory, or know the
control by its text, and behave otherwise there. Nothing within one process is safe from that; the answer would be
tests that give their input and compare the output outside (``tests`` with ``stdin`` and ``stdout``).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from lowres_code.errors import UsageError

_STRING = re.compile(r'"(?:\\.|[^"\\])*"')


@dataclass(frozen=True, slots=True)
class Appended:
    """What is put behind a program, and perhaps before it.

    Attributes:
        code: the tests.
        prefix: the beginning of a program, which the question shows; it is put before a program that does not repeat it
            (see `AppendStyle.definition`).
        control: whether a check that nothing can pass stands among the tests, so that the secret must not come out.
        secret: what is printed at the end; the judge's own, for one execution.
    """

    code: str
    prefix: str = ""
    control: bool = False
    secret: str = field(default="", repr=False)

    def armed(self) -> Appended:
        """The same with a fresh secret."""
        return replace(self, secret=os.urandom(16).hex())

    def accepts(self, answer: str | None) -> bool:
        """Whether an answer is as it must be: the secret alone, or in the control anything else."""
        return (answer is not None and answer.strip() == self.secret != "") != self.control


@dataclass(frozen=True, slots=True)
class AppendStyle:
    """What a language must say so that code can be appended to its programs.

    Attributes:
        success: code that prints ``{secret}`` in a line; it is run last.
        checks: for each way in which tests check something, what a line with such a check begins with, and a line that
            checks that ``{one}`` is ``{other}``, two numbers that differ; it must end the program.
        definition: a regular expression whose one group is the name of a function where it is defined. A program
            repeats the prefix if it defines the name that the prefix defines last.
        first: one line of code that removes the program's file; it stands before the program, in its first line, so
            that line numbers stay.
        header: what the line begins with that must stay the first of a program (``#lang``).
        before_tests: code between program and tests.
        replace: texts in the tests, and what stands in their place, where they would end the program.
    """

    success: str
    checks: Mapping[str, str]
    definition: str = ""
    first: str = ""
    header: str = ""
    before_tests: str = ""
    replace: Mapping[str, str] = field(default_factory=dict)

    def compose(self, program: str, appended: Appended) -> str:
        """The program as it is run.

        Raises:
            UsageError: the tests check in none of the ways that are known, so there is no control.
        """
        code = appended.code
        for old, new in self.replace.items():
            code = code.replace(old, new)
        tests = self._with_check(code) if appended.control else code
        success = self.success.replace("{secret}", appended.secret)
        return "\n".join([self._begun(self._whole(program, appended.prefix)), self.before_tests, tests, success, ""])

    def check(self, code: str) -> None:
        """See that tests can be appended.

        Raises:
            UsageError: as `compose`.
        """
        self._with_check(code)

    def _whole(self, program: str, prefix: str) -> str:
        defined = re.findall(self.definition, prefix, re.MULTILINE) if self.definition else []
        if defined:
            repeated = defined[-1] in re.findall(self.definition, program, re.MULTILINE)
        else:
            repeated = prefix.strip() in program
        between = "" if prefix.endswith("\n") else "\n"
        return program if repeated else f"{prefix}{between}{program}"

    def _begun(self, program: str) -> str:
        """The program with ``first`` before its first line, but behind the header, and in place of a ``#!``."""
        line, newline, rest = program.lstrip().partition("\n")
        if self.header and line.startswith(self.header):
            return f"{line}{newline}{self.first} {rest}"
        if program.startswith("#!"):
            return f"{self.first}\n{rest}"
        return f"{self.first} {program}"

    def _with_check(self, code: str) -> str:
        """The tests with a check that fails behind the last of theirs: by then the program has been called."""
        lines = code.split("\n")
        for number in range(len(lines) - 1, -1, -1):
            for begin, check in self.checks.items():
                if lines[number].lstrip().startswith(begin):
                    one = 100_000 + int.from_bytes(os.urandom(2), "big")
                    failing = check.replace("{one}", str(one)).replace("{other}", str(one + 1))
                    behind = _end_of(lines, number)
                    return "\n".join([*lines[:behind], failing, *lines[behind:]])
        known = ", ".join(map(repr, self.checks))
        raise UsageError(f"the appended code has no line that begins with one of {known}: it would check nothing")


def _end_of(lines: Sequence[str], number: int) -> int:
    """The line behind a check that may span several; where brackets do not tell, the one with which it begins."""
    depth = 0
    for place in range(number, len(lines)):
        text = _STRING.sub("", lines[place])
        depth += sum(map(text.count, "([{")) - sum(map(text.count, ")]}"))
        if depth <= 0:
            return place + 1
    return number
