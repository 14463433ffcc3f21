"""Command languages: backends that are pure data, a few command lines."""

from __future__ import annotations

import os
import resource
import shlex
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lowres_code._util.text import bytes_of
from lowres_code.answers import same_answer, same_text
from lowres_code.appended import AppendStyle
from lowres_code.language.analysis import Analysis
from lowres_code.language.base import (
    PROGRAM_PATH,
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
from lowres_code.language.messages import diagnostics, limit_said
from lowres_code.problem import Test

Command = tuple[str, ...]

_LONGEST_ANALYSIS = 2**22  # bytes
_MOST_READ = 2**18  # bytes of a tool's messages, at the beginning and at the end


@dataclass(frozen=True)
class CommandLanguage(Language):
    """A language whose programs are run by command lines, each program in a fresh process.

    ``{file}`` in a command stands for the program's file, ``{stem}`` for the same without its suffix; the working
    directory is an empty scratch directory that holds it. The program's answer is what it prints on standard output.

    Attributes:
        run: runs the program; it fails if the exit code is not 0.
        check: tells syntax errors without running anything. Without a ``compile`` it is asked when a program has
            failed, in a fresh sandbox: if it fails too, the failure was a ``syntax_error``.
        compile: makes what ``run`` runs; its failure is a ``syntax_error``.
        install: the command that installs what is missing.
        exact: whether what is printed is compared character by character, see `lowres_code.answers.same_text`.
        reads: files and folders beside the system's own that the tools must be able to read.
        analysis: reads a program without running it, and prints what it consists of as one object of JSON, with the
            fields of `lowres_code.language.analysis.Analysis`, and if it likes ``names`` (``[name, begin, end]``) and
            ``numbers`` (``[begin, end]``), see `lowres_code.language.analysis.Places`. If it fails, there is none.
        reader: files that it consists of, texts by names; ``{reader}`` in there stands for the first one.
        variables: environment variables that the tools and programs have; the worker has none of them.
    """

    name: str
    title: str
    suffix: str
    run: Command
    check: Command = ()
    compile: Command = ()
    fences: tuple[str, ...] = ()
    guidance: str = ""
    examples: tuple[Example, ...] = ()
    self_tests: tuple[SelfTest, ...] = ()
    snippets: Mapping[str, str] = field(default_factory=dict)
    install: str = ""
    stem: str = "program"
    exact: bool = False
    analysis: Command = ()
    reader: Mapping[str, str] = field(default_factory=dict)
    reads: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    needs: Mapping[str, int] = field(default_factory=dict)
    append: AppendStyle | None = None
    file: Path | None = None
    prints = True

    def check_syntax(self, program: str) -> tuple[Diagnostic, ...]:
        """What ``check`` finds, or else ``compile``; nothing if there is neither."""
        command = self.check or self.compile
        if not command:
            return ()
        self._write(program)
        code, said, _ = self._tool(command)
        stopped = code == 0 or _signal_of(code) or limit_said(said, self._file, program)
        return () if stopped else diagnostics(said, self._file)

    def execute(self, program: str, test: Test, limits: Limits) -> Execution:
        """Compile, run. The answer is what is printed; the sandbox, which reads it, puts it in."""
        self._write(program)
        if self.compile:
            code, said, used = self._tool(self.compile)
            if code:
                return self._not_compiled(code, said, used, program, limits)
        try:
            process = subprocess.Popen(self._filled(self.run), env=self._environment())
        except OSError as error:  # where nothing was compiled, no program has run yet: the judge's own failure
            status = Status.RUNTIME_ERROR if self.compile else Status.INFRA_ERROR
            return Execution(status, diagnostics=(Diagnostic(f"it does not start: {error}"),))
        code, used = _end(process)
        return replace(_failure(code, used, limits) if code else Execution(Status.OK), exit_code=code)

    def _not_compiled(
        self, code: int, said: str, used: resource.struct_rusage, program: str, limits: Limits
    ) -> Execution:
        """A compiler has failed: the limit that has stopped it, or else a syntax error."""
        if _signal_of(code):
            return _failure(code, used, limits)
        if found := limit_said(said, self._file, program):
            return Execution(found[0], diagnostics=(found[1],))
        status = Status.TIMEOUT if used.ru_utime + used.ru_stime >= limits.cpu_s else Status.SYNTAX_ERROR
        return Execution(status, diagnostics=diagnostics(said, self._file))

    def compare(self, expected: str, actual: str) -> bool:
        """As every language does; if ``exact``, character by character."""
        return same_text(expected, actual) if self.exact else same_answer(expected, actual)

    def analyse(self, program: str) -> Analysis | None:
        """What ``analysis`` prints."""
        self._write(program)
        for name, text in self.reader.items():
            Path(f"reader-{name}").write_text(text, encoding="utf-8")
        first = f"reader-{next(iter(self.reader), '')}"
        words = [part.replace("{reader}", first) for part in self._filled(self.analysis)]
        with subprocess.Popen(
            words, env=self._environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            assert process.stdout is not None
            said = process.stdout.read(_LONGEST_ANALYSIS)
            process.stdout.close()
            code, _ = _end(process)
        return None if code else Analysis.of_text(said.decode("utf-8", "replace"))

    @property
    def analyses(self) -> bool:  # type: ignore[override]
        """Whether there is an ``analysis``."""
        return bool(self.analysis)

    @property
    def checks_failures(self) -> bool:  # type: ignore[override]
        """Whether there is a ``check`` that tells more than compiling has told."""
        return bool(self.check) and not self.compile

    @property
    def plain(self) -> Command:  # type: ignore[override]
        """``run`` with its ``variables``; of a compiled language both commands, on a copy in the working directory."""
        variables = ("env", *(f"{key}={value}" for key, value in self.variables.items()))
        if not self.compile:
            return (*variables, *self.run)
        compile_and_run = " && ".join(shlex.join(self._filled(command)) for command in (self.compile, self.run))
        return (*variables, "sh", "-c", f'cp "$0" {self._file} && {compile_and_run}', "{file}")

    def missing(self) -> Missing | None:
        """The first command that is not on the path."""
        for command in (self.run, self.check, self.compile, self.analysis):
            if command and "{" not in command[0] and not shutil.which(command[0], path=PROGRAM_PATH):
                return Missing(command[0], self.install)
        return None

    def read_only_paths(self) -> tuple[Path, ...]:
        """What ``reads`` names, as far as it is there."""
        return tuple(path for path in map(Path, self.reads) if os.path.exists(path))  # noqa: PTH110 - of any text

    @property
    def _file(self) -> str:
        return f"{self.stem}{self.suffix}"

    def _environment(self) -> dict[str, str]:
        """Compilers need a folder for their temporary files, and some run-times a home."""
        return {**os.environ, **dict.fromkeys(("HOME", "TMPDIR"), str(Path.cwd())), **self.variables}

    def _write(self, program: str) -> None:
        Path(self._file).write_bytes(bytes_of(program))

    def _filled(self, command: Sequence[str]) -> list[str]:
        return [part.replace("{file}", self._file).replace("{stem}", self.stem) for part in command]

    def _tool(self, command: Command) -> tuple[int, str, resource.struct_rusage]:
        """How a check or a compiler ended, and what it has said, at the beginning and at the end."""
        words, environment = self._filled(command), self._environment()
        with subprocess.Popen(
            words, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process:
            assert process.stdout is not None
            said, end = process.stdout.read(_MOST_READ), b""
            while more := process.stdout.read(_MOST_READ):
                end = (end + more)[-_MOST_READ:]
            code, used = _end(process)
        return code, (said + end).decode("utf-8", "replace"), used


def _end(process: subprocess.Popen[bytes]) -> tuple[int, resource.struct_rusage]:
    """The exit code of a process, and what it and its own children have used."""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, used


def _signal_of(code: int) -> int:
    """The signal that ended a process, or 0. A limit's may come as 128 and its number, from those who catch it."""
    if code - 128 in (signal.SIGXCPU, signal.SIGXFSZ):
        return code - 128
    return max(0, -code)


def _failure(code: int, used: resource.struct_rusage, limits: Limits) -> Execution:
    """What an exit code that is not 0 means."""
    if number := _signal_of(code):
        status = status_of_signal(number, used.ru_utime + used.ru_stime, limits)
        message = f"it was ended by signal {number}: {signal.strsignal(number)}"
        return Execution(status, diagnostics=(Diagnostic(message),))
    # A run-time that cannot get more memory says so in words of its own; copying collectors give up at a half.
    full = used.ru_maxrss * 1024 > limits.memory_mb * 2**20 / 2
    status = Status.MEMORY_LIMIT if full else Status.RUNTIME_ERROR
    return Execution(status, diagnostics=(Diagnostic(f"it ended with exit code {code}"),))
