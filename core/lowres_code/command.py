"""Command languages: backends that are pure data, a few command lines."""

from __future__ import annotations

import re
import resource
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lowres_code.language import (
    Diagnostic,
    Example,
    Execution,
    Language,
    Limits,
    Missing,
    SelfTest,
    Status,
    status_of_signal,
)
from lowres_code.problem import Test

Command = tuple[str, ...]

_PLACE = re.compile(r"^(?P<file>[^\s:]+):(?P<line>\d{1,9})(?::(?P<column>\d{1,9}))?:?\s*(?P<message>.*)$", re.MULTILINE)


@dataclass(frozen=True)
class CommandLanguage(Language):
    """A language whose programs are run by command lines, each program in a fresh process.

    ``{file}`` in a command stands for the program's file, ``{stem}`` for the same without its suffix; the working
    directory is an empty scratch directory that holds it. The program's answer is what it prints on standard output.

    Attributes:
        run: runs the program; it fails if the exit code is not 0.
        check: finds syntax errors without running anything; its failure is a ``syntax_error``.
        compile: makes what ``run`` runs; its failure is a ``syntax_error`` too.
        install: the command that installs what is missing.
        stem: what the program's file is called, without its suffix.
    """

    name: str
    title: str
    suffix: str
    run: Command
    check: Command = ()
    compile: Command = ()
    fences: tuple[str, ...] = ()
    guidance: str = ""
    example: Example | None = None
    self_tests: tuple[SelfTest, ...] = ()
    install: str = ""
    stem: str = "program"

    def check_syntax(self, program: str) -> tuple[Diagnostic, ...]:
        """What ``check`` finds, or else ``compile``; nothing if there is neither."""
        self._write(program)
        return self._errors(self.check or self.compile)

    def execute(self, program: str, test: Test, limits: Limits) -> Execution:
        """Check, compile, run. The answer is what is printed; the sandbox, which reads it, puts it in."""
        self._write(program)
        for command in (self.check, self.compile):
            if found := self._errors(command):
                return Execution(Status.SYNTAX_ERROR, diagnostics=found)
        code = subprocess.run(self._filled(self.run), check=False).returncode
        if code == 0:
            return Execution(Status.OK)
        if code > 0:
            return Execution(Status.RUNTIME_ERROR, diagnostics=(Diagnostic(f"it ended with exit code {code}"),))
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        status = status_of_signal(-code, used.ru_utime + used.ru_stime, limits)
        return Execution(status, diagnostics=(Diagnostic(f"it was ended by signal {-code}"),))

    @property
    def plain(self) -> Command:  # type: ignore[override]
        """``run``, if the program needs no compiling first."""
        return () if self.compile else self.run

    def missing(self) -> Missing | None:
        """The first command that is not on the path."""
        for command in (self.run, self.check, self.compile):
            if command and "{" not in command[0] and not shutil.which(command[0]):
                return Missing(command[0], self.install)
        return None

    def _write(self, program: str) -> None:
        try:
            data = program.encode("utf-8", "surrogateescape")  # bytes that are no UTF-8 are as they were
        except UnicodeEncodeError:
            data = program.encode("utf-8", "replace")
        Path(f"{self.stem}{self.suffix}").write_bytes(data)

    def _filled(self, command: Sequence[str]) -> list[str]:
        file = f"{self.stem}{self.suffix}"
        return [part.replace("{file}", file).replace("{stem}", self.stem) for part in command]

    def _errors(self, command: Command) -> tuple[Diagnostic, ...]:
        if not command:
            return ()
        done = subprocess.run(
            self._filled(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        return () if done.returncode == 0 else _diagnostics(done.stdout.decode("utf-8", "replace"))


def _diagnostics(output: str) -> tuple[Diagnostic, ...]:
    """The messages of a compiler that begin with ``FILE:LINE:`` or ``FILE:LINE:COLUMN:``; else all it said, as one."""
    found = tuple(
        Diagnostic(match["message"], line=int(match["line"]), column=int(match["column"]) if match["column"] else None)
        for match in _PLACE.finditer(output)
    )
    return found or (Diagnostic(output.strip() or "the check failed and said nothing"),)
