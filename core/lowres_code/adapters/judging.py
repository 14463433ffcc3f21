"""What all adapters do: a model's text and what is right go in, the judge's verdict comes out.

A process has one judge for each language. It is opened when it is first asked, used by all threads, and closed when
the process ends; a process that was forked off opens its own. So what adapters hand out holds no judge and can be
pickled: it finds one wherever it arrives.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lowres_code.api import Judge, find_language
from lowres_code.completion import Completion, parse_completion
from lowres_code.errors import JudgeError
from lowres_code.judgement import INFRA_ERROR, FailureWindow, Judgement
from lowres_code.language.base import Language
from lowres_code.language.demands import check_tests
from lowres_code.problem import Test, tests_of

Row = Mapping[str, object]


@dataclass
class _Open:
    """A judge of this process, and how often it has failed of late."""

    judge: Judge
    failures: FailureWindow = field(default_factory=FailureWindow)
    noting: threading.Lock = field(default_factory=threading.Lock)


_opened: dict[tuple[int, str], _Open] = {}  # by process, for a fork copies judges without their threads
_opening = threading.Lock()
os.register_at_fork(before=_opening.acquire, after_in_parent=_opening.release, after_in_child=_opening.release)


def language_of(name: str) -> Language:
    """The language of that name or file; what it needs is asked for here only where its programs run here.

    Raises:
        UsageError: there is no such language, or something it needs is missing.
    """
    return find_language(name, elsewhere=bool(_servers()))


def open_judge(language: str) -> Judge:
    """Open the judge of a language, by its name or file; the one place that says which judge adapters ask.

    Programs run on this machine, or at the served judges whose addresses are in ``LOWRES_CODE_JUDGE``.

    Raises:
        UsageError: there is no such language, or something it needs is missing.
        JudgeError: the judge does not work here, or no server answers.
    """
    judge = Judge(language, servers=_servers())
    try:
        judge.start()
    except BaseException:
        judge.close()
        raise
    return judge


def _servers() -> list[str]:
    return os.environ.get("LOWRES_CODE_JUDGE", "").split()


def judged(language: str, completions: Sequence[str | Completion], rows: Sequence[Row]) -> list[Judgement]:
    """The verdict on each completion as an answer to its row.

    Args:
        language: its name or its file.
        completions: what the model wrote, with a program somewhere in it; or that taken apart.
        rows: what is right for each, under the keys of a problem (``answer``, ``tests``, ...); others do not matter.

    Raises:
        UsageError: there is no such language, or a row does not say what is right.
        JudgeError: the judge does not work here. What it fails on here and there is an ``infra_error``.
    """
    tests = [tests_of(row, f"row {number}") for number, row in enumerate(rows)]
    judge = _open(language).judge
    fences = judge.language.fences
    parsed = [parse_completion(one, fences) if isinstance(one, str) else one for one in completions]
    return judge.judge_parsed(parsed, tests)


def must_work(language: str) -> None:
    """Open the judge of a language now.

    Raises:
        UsageError: there is no such language, or something it needs is missing.
        JudgeError: the judge does not work here.
    """
    _open(language)


def tests_for(language: str, row: Row) -> tuple[Test, ...]:
    """The tests of a row.

    Raises:
        UsageError: it does not say what is right, or asks what the language cannot do.
    """
    tests = tests_of(row, "the row")
    check_tests(_open(language).judge.language, tests, "the row")
    return tests


def judged_by(language: str, completion: Completion, tests: Sequence[Test]) -> Judgement:
    """The verdict on one completion by these tests."""
    return _open(language).judge.judge_parsed([completion], [tuple(tests)])[0]


def surely_judged(language: str, completion: str, row: Row) -> Judgement:
    """The verdict on one completion, for tools that cannot leave a sample out.

    Raises:
        UsageError: as for `judged`.
        JudgeError: the judge has failed on it, also in a fresh worker.
    """
    judgement = judged(language, [completion], [row])[0]
    if judgement.verdict == INFRA_ERROR:
        raise JudgeError(f"the judge failed on a completion, which has no score therefore: {messages_of(judgement)}")
    return judgement


def note_failures(language: str, judgements: Sequence[Judgement]) -> None:
    """Take note of how many of these the judge itself has failed on, where nobody else counts them.

    Raises:
        JudgeError: it fails on over 2 % of recent completions, so that what it says of others is not to be trusted.
    """
    opened = _open(language)
    with opened.noting:
        opened.failures.add(judgements)


def value_of(judgement: Judgement) -> float | None:
    """1 for a right program, 0 for another; ``None`` if the judge itself failed, which is never the program's fault."""
    return None if judgement.verdict == INFRA_ERROR else float(judgement.correct)


def messages_of(judgement: Judgement) -> str:
    """What was said of the program, a line for each message; empty if nothing was."""
    found = judgement.execution.diagnostics if judgement.execution else ()
    return "\n".join(f"line {one.line}: {one.message}" if one.line else one.message for one in found)


def row_of(gold: object) -> Row:
    """The row of what a tool knows as the right answer: an answer, a list of tests, or the row itself."""
    if isinstance(gold, Mapping):
        return gold
    return {"tests": gold} if isinstance(gold, list) else {"answer": gold}


def text_of(message: object) -> str:
    """The text of what a model said: a text, or the last of its chat messages."""
    if isinstance(message, list):
        message = message[-1] if message else ""
    if isinstance(message, Mapping):
        parts = message.get("content") or ""
        message = parts if isinstance(parts, str) else "".join(str(part.get("text", "")) for part in parts)
    return str(message)


def _open(language: str) -> _Open:
    key = (os.getpid(), language)
    with _opening:
        if key not in _opened:
            _opened[key] = _Open(open_judge(language))
        return _opened[key]


def _close_all() -> None:
    for (process, _), opened in _opened.items():
        if process == os.getpid():
            opened.judge.close()


atexit.register(_close_all)
