"""What to change in a language's file, from what went wrong with its hello-world."""

from __future__ import annotations

import re
from pathlib import Path

from lowres_code.conformance.limit_search import GENEROUS, limits_needed, run_with
from lowres_code.judge import Judge
from lowres_code.judgement import CORRECT, WRONG_ANSWER
from lowres_code.language.base import Execution, Language, Status
from lowres_code.language.snippets import SNIPPETS
from lowres_code.sandbox.isolation import SYSTEM
from lowres_code.sandbox.packages import covers

_PATH = re.compile(r"/[\w.+@-]+(?:/[\w.+@-]+)+")
_MISSING = re.compile(
    r"(?i)no such file|not found|(?:can't|can ?not|unable to|could not) (?:find|open|load|locate|read)"
)


def for_a_right_program(judge: Judge, program: str, answer: str, verdict: str) -> str:
    """Why a right program has another verdict: limits, files that cannot be seen; what is seen with wide limits."""
    if verdict in (CORRECT, WRONG_ANSWER):
        return ""
    if needed := limits_needed(judge, program, answer):
        lines = ", ".join(f"{name} = {least}" for name, least in needed.items())
        return f"; it is right with higher limits: [limits] {lines}"
    again = run_with(judge, program, GENEROUS)
    return _files(judge.language, again) or f"; with far higher limits it ends as {seen(again)}"


def for_a_broken_program(language: Language, execution: Execution) -> str:
    """What to do if a program that was made to be broken is not."""
    if "syntax_error" in language.snippets or execution.status is not Status.OK:
        return ""
    return (
        "; it is hello with nonsense behind it: if that is right in this language, give a snippet syntax_error: "
        + SNIPPETS["syntax_error"]
    )


def _files(language: Language, execution: Execution) -> str:
    """What ``reads`` should name: files of this machine that were spoken of and that programs cannot see."""
    said = "\n".join([*(note.message for note in execution.diagnostics), execution.stderr[-4_000:]])
    visible = (*SYSTEM, *language.read_only_paths())
    hidden = [path for path in map(Path, _PATH.findall(said)) if not covers(visible, path) and _is_there(path)]
    if hidden:
        return f'; programs cannot see {hidden[0]}: reads = ["{_with_its_neighbours(hidden[0])}"]'
    if _MISSING.search(said):
        return (
            "; if a file of the tools' own is missing, name it or its folder, as in reads = "
            '["/opt/tool"]: of all that is not in /usr, programs see only what stands there'
        )
    return ""


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # too long
        return False


def _with_its_neighbours(path: Path) -> Path:
    """The folder of a file: where one is needed, others are. Never one that holds more than a tool."""
    folder = path if path.is_dir() else path.parent
    return path if len(folder.parts) < 3 or Path.home().is_relative_to(folder) else folder


def seen(execution: Execution) -> str:
    """How it ended, with all that was said about it."""
    notes = [note.message for note in execution.diagnostics if note.message not in execution.stderr]
    printed = execution.stderr.strip() or (execution.answer is None and execution.stdout.strip())
    parts = [
        execution.answer is not None and repr(execution.answer.strip()),
        notes and f"({'; '.join(map(_shortened, notes[:3]))})",
        printed and f"saying: {printed[-300:]}",
    ]
    return " ".join([execution.status.value, *(part for part in parts if part)])


def _shortened(text: str) -> str:
    """Its beginning and its end."""
    return text if len(text) <= 300 else f"{text[:100]} ... {text[-200:]}"
