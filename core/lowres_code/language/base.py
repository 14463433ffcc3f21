"""What a language backend is: three questions and some data.

A backend answers `Language.check_syntax`, `Language.execute` and `Language.compare`. Everything else (limits,
isolation, pooling, verdicts) is the judge's. The first two are asked in a sandboxed process that is forked for one
program, with an empty scratch directory as the working directory and nobody else's state in memory: a backend may
loop, crash or be killed there without harm.
"""

from __future__ import annotations

import ctypes
import signal
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from lowres_code.answers import same_answer
from lowres_code.appended import AppendStyle
from lowres_code.language.analysis import Analysis
from lowres_code.limits import LIMIT_BOUNDS as LIMIT_BOUNDS
from lowres_code.limits import Limits as Limits
from lowres_code.problem import Test

NAME = r"[a-z][a-z0-9+#._-]*"  # what a language's name looks like
SUFFIX = r"\.[A-Za-z0-9+_]+"
PROGRAM_PATH = "/usr/local/bin:/usr/bin:/bin"  # where programs and their tools find commands


class Status(str, Enum):
    """How an execution ended."""

    OK = "ok"
    SYNTAX_ERROR = "syntax_error"
    RUNTIME_ERROR = "runtime_error"
    TIMEOUT = "timeout"
    MEMORY_LIMIT = "memory_limit"
    OUTPUT_LIMIT = "output_limit"
    NO_ANSWER = "no_answer"
    INFRA_ERROR = "infra_error"


def status_of_signal(number: int, cpu_s: float, limits: Limits) -> Status:
    """What it means that a program died of a signal after so many CPU seconds."""
    # The kernel's count for this limit is coarse; a program that ends itself by that signal has used hardly anything.
    if number == signal.SIGXCPU and cpu_s >= limits.cpu_s / 2:
        return Status.TIMEOUT
    if number == signal.SIGKILL and cpu_s >= limits.cpu_s:
        return Status.TIMEOUT
    if number == signal.SIGXFSZ:
        return Status.OUTPUT_LIMIT
    if number in (signal.SIGABRT, signal.SIGBUS):  # how allocators give up
        return Status.MEMORY_LIMIT
    return Status.RUNTIME_ERROR


MOST_ANSWERS = 10  # different ones, that anybody counts
MOST_DIAGNOSTICS, LONGEST_MESSAGE = 50, 4_000  # of a program; what is more nobody reads


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One message about a program; lines and columns count from 1, ``None`` where unknown."""

    message: str
    severity: str = "error"
    line: int | None = None
    column: int | None = None


@dataclass(frozen=True, slots=True)
class Execution:
    """What came out of one execution.

    Attributes:
        status: how it ended.
        answer: the program's answer, ``None`` unless the status is ``ok``.
        stdout, stderr: what it printed, cut at the output limit.
        diagnostics: errors and warnings with their places.
        cpu_s, wall_s, peak_mb: what it used.
        isolation: the isolation that was in force.
        exit_code: of the program's own process, or of the command that ran it; the number of a signal that ended it,
            negative. ``None`` if the program did not run, was ended by the judge, or gave its answer from within an
            interpreter.
    """

    status: Status
    answer: str | None = None
    stdout: str = ""
    stderr: str = ""
    diagnostics: tuple[Diagnostic, ...] = ()
    cpu_s: float = 0.0
    wall_s: float = 0.0
    peak_mb: float = 0.0
    isolation: str = ""
    exit_code: int | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """A worked example for the prompt; its program must answer ``answer``."""

    question: str
    reasoning: str
    program: str
    answer: str


@dataclass(frozen=True, slots=True)
class SelfTest:
    """A program whose end is known; the backend's own proof that it works."""

    program: str
    status: Status
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """A tool that the backend needs and that is not there."""

    what: str
    install: str

    def message(self, language: str) -> str:
        """What a user of that language is told."""
        how = self.install and f": {self.install}"
        return f"language {language!r} needs {self.what}, which is not installed{how}"


class Language(ABC):
    """A language backend. Data as class attributes, three questions as methods.

    Attributes:
        name: as in ``--lang``; lower case.
        title: as people and prompts write it.
        suffix: of a program file, with the dot.
        stem: what a program file is called, without its suffix.
        fences: tags that mark a fenced code block as this language.
        guidance: what a model must know to answer, in a few sentences; goes into the prompt.
        examples: worked examples for the prompt, the best first; recipes mostly show the first.
        self_tests: programs whose end is known.
        snippets: programs for `lang verify`, by the names of `lowres_code.language.snippets.SNIPPETS`.
        plain: the command line that runs a program without this package, in an empty directory; ``{file}`` stands for
            its file, ``{stem}`` for the same without its suffix.
        prints: whether a program's answer is what it prints; it may then end with exit code 0 wherever it likes.
        queries: whether `Test.query` is asked of a program; where not, nothing else is asked than that it runs.
        forks: whether running a program takes processes of its own.
        analyses: whether it offers `analyse`; enumerates: whether it offers `answers`.
        checks_failures: whether `check_syntax` is asked about a program that has failed, in a fresh sandbox.
        packages: Python packages, beside the standard library and its own, that it imports in a worker; programs can
            read these, and no others that are installed.
        needs: the least of each of the `Limits` that the language's own tools need, by name; lower ones are raised.
        append: how tests that are code are put behind a program; ``None`` if the language does not say.
        file: the TOML file that it was read from, if a user named one.
    """

    name: str
    title: str
    suffix: str
    fences: tuple[str, ...]
    guidance: str
    stem: str = "program"
    examples: tuple[Example, ...] = ()
    self_tests: tuple[SelfTest, ...] = ()
    snippets: Mapping[str, str] = MappingProxyType({})
    plain: tuple[str, ...] = ()
    prints: bool = False
    queries: bool = False
    analyses: bool = False
    enumerates: bool = False
    forks: bool = True
    checks_failures: bool = False
    packages: tuple[str, ...] = ()
    needs: Mapping[str, int] = MappingProxyType({})
    append: AppendStyle | None = None
    file: Path | None = None

    @abstractmethod
    def check_syntax(self, program: str) -> tuple[Diagnostic, ...]:
        """The program's syntax errors, found by the language's own reader; empty if there are none."""

    @abstractmethod
    def execute(self, program: str, test: Test, limits: Limits) -> Execution:
        """Run the program once; the answer is the first that it gives. A bad syntax is ``syntax_error``.

        ``ok`` without an answer means that the answer is what the program printed on standard output (see ``prints``).
        What a program can make the interpreter raise must be caught: an exception that gets out is the judge's failure.
        """

    def compare(self, expected: str, actual: str) -> bool:
        """Whether an answer is the expected one; by default as `lowres_code.answers.same_answer` says."""
        return same_answer(expected, actual)

    def analyse(self, program: str) -> Analysis | None:
        """What the program consists of, by the language's own reader and without running it; ``None`` if it is broken.

        Asked in a sandbox like the other two, only where ``analyses`` is set and a recipe needs it.
        """
        return None

    def answers(self, program: str, test: Test, limits: Limits) -> tuple[str, ...] | None:
        """The different answers that the program has, the first `MOST_ANSWERS` of them; ``None`` if it gives none.

        For languages whose programs can have several, and only where ``enumerates`` is set. Asked in a sandbox, of
        programs that were right.
        """
        return None

    def missing(self) -> Missing | None:
        """What is not installed, or ``None`` if the backend can run. Cheap: it looks, it does not start anything."""
        return None

    def warm_up_of(self, program: str) -> str:
        """Which warm-up a program should find, from its text; programs of equal warm-up share workers.

        What a warm-up loads must change nothing but the time that a program takes. By default there is one, ``""``.
        """
        return ""

    def read_only_paths(self) -> tuple[Path, ...]:
        """Files outside the system's own folders that the interpreter must be able to read."""
        return ()

    def environment(self) -> Mapping[str, str]:
        """Environment variables of the worker; programs see no others."""
        return {}


Call = tuple[Callable[..., int], tuple[Any, ...]]  # of a C function, by ctypes; its arguments


class Ready(NamedTuple):
    """`EmbeddedLanguage.execute` as calls of C functions.

    Attributes:
        calls: one after another, until one returns 0: that one has failed.
        data: where what they have to tell stands afterwards.
        length: its bytes; none are as if a call had failed.
    """

    calls: tuple[Call, ...]
    data: ctypes.c_void_p
    length: ctypes.c_size_t


class EmbeddedLanguage(Language):
    """A language whose interpreter has a Python binding.

    A worker process calls `load` once, before it forks a child for each program: all that is loaded is there already.
    """

    forks = False

    @abstractmethod
    def load(self, warm_up: str) -> None:
        """Load the interpreter and what the warm-up names; called once in a worker, before any program.

        It leaves no thread of Python running: programs run in forks, which have none but their own.
        """

    def ready(self, file: str, test: Test, limits: Limits) -> Ready | None:
        """For speed: `execute` as calls of C functions, made ready in a worker before it forks the child for them.

        A child copies each page of memory that it writes to, if only by counting a reference: what Python does there
        costs several times what it costs elsewhere.

        Args:
            file: the program, which the worker writes there.
            test: its standard input and query.
            limits: its limits.

        Returns:
            The calls; ``None``: the child calls `execute`.
        """
        return None

    def understood(self, told: bytes, limits: Limits) -> Execution:
        """What those calls have left, read outside of the sandbox: a program may have written it.

        So it takes no more time and memory than its length calls for, and believes no number in it.

        Args:
            told: nothing, if a call has failed.
            limits: the program's.

        Raises:
            ValueError: the calls tell nothing of this form, so the program has damaged its own result. Any other
                exception is the language's mistake, and the judge's failure. By default nothing is understood.
        """
        raise ValueError("this language's calls tell nothing")
