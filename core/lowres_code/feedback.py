"""What a model is told of its program, so that it can try again.

It is told what a user with the language's own tools would see: messages with their lines, how the program ended, what
it printed. Nothing here reads what is right: a message is made of the program's execution alone. Two things say more
than tools do, and are not said unless a recipe asks for them (``tell_wrong``): that an answer is not right, and that
tests which are code were not passed. Without it a conversation ends with the first program that gives an answer, right
or wrong, for to ask again would be to tell.

Not covered: a program that reads a test's input and prints it shows that input, but never what is expected. And that a
later test of several ended badly tells that the tests before it were not answered wrongly.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lowres_code._util.text import whole_text
from lowres_code.errors import UsageError
from lowres_code.judgement import CORRECT, INFRA_ERROR, NO_CODE, WRONG_ANSWER, Judgement
from lowres_code.language.base import Diagnostic, Execution, Status
from lowres_code.problem import Problem

PLACEHOLDERS = ("verdict", "diagnostics", "output")
LONGEST_ANSWER = 200  # characters of an answer that is told not to be right

_SAID = {
    NO_CODE: "There is no program in your answer.",
    Status.SYNTAX_ERROR.value: "The program has a syntax error.",
    Status.RUNTIME_ERROR.value: "The program ended with an error.",
    Status.NO_ANSWER.value: "The program ran, but gave no answer.",
    Status.TIMEOUT.value: "The program was not done when its time was over.",
    Status.MEMORY_LIMIT.value: "The program needed more memory than it may use.",
    Status.OUTPUT_LIMIT.value: "The program printed more than it may.",
}
_TESTS_FAILED = "The program does not pass its tests."
# Of a program with tests that are code behind it, these may be the tests that failed.
_MAY_BE_THE_TESTS = (WRONG_ANSWER, Status.RUNTIME_ERROR.value, Status.NO_ANSWER.value)
_SCRATCH = re.compile(r"(?:/[\w.-]+)*/program/(?=\w+\.\w)")  # the directory in which a program's file stands
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")


@dataclass(frozen=True, slots=True)
class Feedback:
    """How a model is told.

    Attributes:
        template: of the user's message; ``{verdict}`` is a sentence, ``{diagnostics}`` the messages of the language's
            tools, ``{output}`` what the program printed; lines that are left empty go.
        tell_wrong: whether it is told that an answer is not right.
        longest: characters that the program and its tools have in a message, at most.
    """

    template: str
    tell_wrong: bool = False
    longest: int = 1_000

    def message(self, judgement: Judgement, problem: Problem) -> str | None:
        """What is said of a judged completion; ``None`` if there is nothing to say, and the conversation ends.

        The same program is told the same: places in memory and the folder of the program's file are left out.

        Raises:
            UsageError: the template has an unknown placeholder.
        """
        by_code = any(test.appended is not None for test in problem.tests)
        verdict = self._verdict(judgement, by_code)
        if verdict is None:
            return None
        seen = judgement.execution if judgement.execution and not by_code else Execution(Status.NO_ANSWER)
        diagnostics = _cut(_told(_diagnostics(seen)), self.longest)
        printed = "" if seen.stdout.strip() == (seen.answer or "").strip() else seen.stdout.strip()  # not twice
        output = _cut(_told(printed), self.longest - len(diagnostics))
        return _without_empty_lines(self._filled(verdict, diagnostics, output and f"It printed:\n{output}"))

    def _verdict(self, judgement: Judgement, by_code: bool) -> str | None:
        if judgement.verdict in (CORRECT, INFRA_ERROR):
            return None
        if by_code and judgement.verdict in _MAY_BE_THE_TESTS:
            return _TESTS_FAILED if self.tell_wrong else None
        if judgement.verdict != WRONG_ANSWER:
            return _SAID[judgement.verdict]
        answer = judgement.execution.answer if judgement.execution else None
        return f"The answer {_cut(_told(answer or ''), LONGEST_ANSWER)} is not right." if self.tell_wrong else None

    def _filled(self, verdict: str, diagnostics: str, output: str) -> str:
        try:
            return self.template.format(verdict=verdict, diagnostics=diagnostics, output=output)
        except (KeyError, IndexError, ValueError, AttributeError, TypeError) as error:
            allowed = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
            raise UsageError(f"the feedback template {self.template!r} may hold {allowed} only ({error})") from error


def _diagnostics(execution: Execution) -> str:
    """The messages, each once; where there are none, the end of standard error."""
    lines = dict.fromkeys(_line(note) for note in execution.diagnostics)
    return "\n".join(lines) or execution.stderr[-400:].strip()


def _line(note: Diagnostic) -> str:
    place = ", ".join(_place(note))
    return f"{place}: {note.message}" if place else note.message


def _place(note: Diagnostic) -> Iterator[str]:
    if note.line is not None:
        yield f"line {note.line}"
        if note.column is not None:
            yield f"column {note.column}"


def _told(text: str) -> str:
    """A text of a program's, fit for a message."""
    lines = whole_text(text).replace("\r\n", "\n")
    shown = "".join(one if one.isprintable() or one in "\n\t" else "\ufffd" for one in lines)
    return _ADDRESS.sub("0x...", without_folder(shown))


def without_folder(text: str) -> str:
    """What a program or its tools say, with its file named alone: the folder is the sandbox's."""
    return _SCRATCH.sub("", text)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: max(0, most - 3)] + "..."[: max(0, most)]


def _without_empty_lines(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if line.strip())
