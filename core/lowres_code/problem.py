"""A problem: a question, and what a program must answer to be right."""

from __future__ import annotations

import json
import math
import reprlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from lowres_code.appended import Appended
from lowres_code.errors import UsageError, near_match
from lowres_code.forms import FORMS, Check

R = TypeVar("R")
T = TypeVar("T")

RIGHT = ("answer", "tests", "append")  # each says what is right, and one is enough

_NAMED = 5  # bad rows that are named; what is wrong with one is mostly wrong with all
_QUOTING = reprlib.Repr()
_QUOTING.maxstring = _QUOTING.maxother = 80


@dataclass(frozen=True, slots=True)
class Test:
    """One execution of a program: what it is given, and what it must answer.

    An answer is right if it is the same as ``expected`` and passes ``check``, as far as these are given.

    Attributes:
        expected: the right answer; ``None`` if there are many, or if the program is only to be run.
        stdin: what the program reads from standard input.
        query: the goal that asks for the answer, for languages that have one (``None``: the language's default).
        check: called by the judge with the text of an answer; one of `lowres_code.forms`, or what knows a right answer
            where there are many. It must be quick and must not raise, whatever the text, for a program wrote that.
        appended: tests that are code, which alone decides then; see `lowres_code.appended`.
    """

    __test__ = False  # not a pytest class

    expected: str | None = None
    stdin: str = ""
    query: str | None = None
    check: Check | None = field(default=None, repr=False)
    appended: Appended | None = None

    @property
    def decides(self) -> bool:
        """Whether it says which answers are right."""
        return self.expected is not None or self.check is not None or self.appended is not None

    def without_answer(self) -> Test:
        """What a worker is told: nothing that says which answers are right."""
        return Test(stdin=self.stdin, query=self.query)


@dataclass(frozen=True, slots=True)
class Problem:
    """A question and its tests.

    Attributes:
        id: unique within its data set.
        question: the text that the model reads.
        tests: all of them must pass; at least one.
        task: the group that reports break results down by (``""``: none).
        metadata: whatever else the record held.
        difficulty: as its source names it (``""``: unknown).

    Raises:
        UsageError: there is no test, or one that does not say what is right.
    """

    id: str
    question: str
    tests: tuple[Test, ...]
    task: str = ""
    metadata: Mapping[str, object] = field(default_factory=dict)
    difficulty: str = ""

    def __post_init__(self) -> None:
        if not self.tests or not all(test.decides for test in self.tests):
            raise UsageError(f"problem {self.id!r} does not say which answer is right: give it a test with one")


def tests_of(record: Mapping[str, object], where: str) -> tuple[Test, ...]:
    """The tests of a record with ``"answer"``, with ``"tests": [{"stdin", "stdout"}]``, or with ``"append"``.

    Beside the first two ``"form"`` may name one of `lowres_code.forms.FORMS`, which the answers must have. ``"append"``
    is code that is run behind the program, and ``"prefix"`` beside it the beginning of one; see `lowres_code.appended`.

    Raises:
        UsageError: none of these keys is there, or several, or they have a wrong shape; ``where`` names the record.
    """
    given = [key for key in RIGHT if record.get(key) is not None]
    if len(given) > 1:
        raise UsageError(f"{where}: has both {given[0]!r} and {given[1]!r}; one of them must say what is right")
    if given == ["append"]:
        return _appended(record, where)
    query = record.get("query")
    if query is not None and not isinstance(query, str):
        raise UsageError(f"{where}: 'query' must be text, not {shown(query)}")
    form = _form(label(record, "form", where), where)
    tests = _listed(record.get("tests"), where)
    if given == ["answer"]:
        return (Test(_gold(record["answer"], where), query=query, check=form),)
    if not isinstance(tests, list) or not tests:
        raise UsageError(
            f"{where}: needs 'answer', or 'tests' with at least one {{\"stdin\", \"stdout\"}}, or 'append'"
        )
    return tuple(_stdin_test(test, query, form, where) for test in tests)


def _appended(record: Mapping[str, object], where: str) -> tuple[Test, Test]:
    """The tests that are code, and their control."""
    code, prefix = record["append"], record.get("prefix") or ""
    for key, text in (("append", code), ("prefix", prefix)):
        if not isinstance(text, str):
            raise UsageError(f"{where}: {key!r} must be text, not {shown(text)}")
    code, prefix = str(code), str(prefix)
    if not code.strip():
        raise UsageError(f"{where}: 'append' must not be empty, for it would check nothing")
    return Test(appended=Appended(code, prefix)), Test(appended=Appended(code, prefix, control=True))


def _listed(tests: object, where: str) -> object:
    """The tests; where they stand in one cell as JSON, what that says."""
    if not isinstance(tests, str):
        return tests
    try:
        return json.loads(tests)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where}: 'tests' must be a list, or JSON of one: {error}") from error


def _gold(answer: object, where: str) -> str:
    if isinstance(answer, bool) or not isinstance(answer, str | int | float):
        raise UsageError(f"{where}: 'answer' must be text or a number, not {shown(answer)}")
    if isinstance(answer, float) and not math.isfinite(answer):
        raise UsageError(f"{where}: 'answer' must be a number that there is, not {answer!r}")
    if not str(answer).strip():
        raise UsageError(f"{where}: 'answer' must not be empty, for a program that says nothing gives no answer")
    return str(answer)


def _form(name: str, where: str) -> Check | None:
    if name and name not in FORMS:
        raise UsageError(f"{where}: there is no form {shown(name)}; {near_match(name, FORMS)}")
    return FORMS[name] if name else None


def _stdin_test(test: object, query: str | None, form: Check | None, where: str) -> Test:
    if not isinstance(test, dict) or not isinstance(test.get("stdout"), str):
        raise UsageError(f"{where}: each of 'tests' needs 'stdout' (and may have 'stdin'), got {shown(test)}")
    if not test["stdout"].strip():
        raise UsageError(f"{where}: 'stdout' must not be empty, for a program that prints nothing gives no answer")
    stdin = test.get("stdin")
    if stdin is not None and not isinstance(stdin, str):
        raise UsageError(f"{where}: 'stdin' must be text, not {shown(stdin)}")
    return Test(test["stdout"], stdin or "", query, form)


_OWN_KEYS = {"id", "question", *RIGHT, "prefix", "query", "form", "task", "difficulty"}


def problem_of(record: Mapping[str, object], where: str) -> Problem:
    """The problem that the record at ``FILE:LINE`` describes; see `tests_of` for what it must hold.

    Raises:
        UsageError: the record lacks something, or has it in a wrong shape. A key that is null is as good as absent.
    """
    question = record.get("question")
    if not isinstance(question, str) or not question.strip():
        raise UsageError(f"{where}: needs 'question' with some text, got {shown(question)}")
    file, _, line = where.rpartition(":")
    return Problem(
        id=label(record, "id", where) or f"{Path(file).stem}-{line}",
        question=question,
        tests=tests_of(record, where),
        task=label(record, "task", where),
        metadata={key: value for key, value in record.items() if key not in _OWN_KEYS},
        difficulty=difficulty_text(record.get("difficulty")),
    )


def label(record: Mapping[str, object], key: str, where: str) -> str:
    """The text or number at a key, as text; ``""`` if it is absent or null.

    Raises:
        UsageError: it is something else.
    """
    value = record.get(key)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise UsageError(f"{where}: {key!r} must be text or a number, not {shown(value)}")
    return str(value)


def difficulty_text(value: object) -> str:
    """A difficulty in one line, the same for the same value: ``{"terms": (2, 4)}`` is ``terms=2..4``."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={_range_text(value[key])}" for key in sorted(value, key=str))
    return "" if value is None else _range_text(value)


def _range_text(value: object) -> str:
    if isinstance(value, list | tuple):
        return ("..".join if len(value) == 2 else "/".join)(map(_item_text, value))
    return _item_text(value)


def _item_text(value: object) -> str:
    return shown(value) if isinstance(value, list | tuple | Mapping) else str(value)


def shown(value: object) -> str:
    """The value as Python writes it, no longer than a line, however long or deep it is."""
    return _QUOTING.repr(value)


def make_each(
    rows: Iterable[tuple[str, R]], make: Callable[[R, str], T], left_out: Callable[[str], None] | None = None
) -> list[T]:
    """What ``make`` makes of each row, and of its place.

    Args:
        rows: each with the place to name it by.
        make: raises `UsageError` for a bad row.
        left_out: if given, bad rows are left out, and it is told in a sentence how many and why.

    Raises:
        UsageError: there are bad rows; the first five are named and the others counted.
    """
    made: list[T] = []
    told: list[str] = []
    bad = 0
    for where, row in rows:
        try:
            made.append(make(row, where))
        except UsageError as error:  # noqa: PERF203 - each row has a message of its own
            bad += 1
            told += [str(error)] if bad <= _NAMED else []
    if bad and left_out is not None:
        left_out(f"{bad} of {len(made) + bad} rows are left out; the first: {told[0]}")
    elif bad:
        more = [f"and {bad - _NAMED} more of {len(made) + bad} rows"] if bad > _NAMED else []
        raise UsageError("\n".join([*told, *more]))
    return made


def unique(problems: Iterable[Problem]) -> list[Problem]:
    """The problems without those whose question was there before."""
    seen: set[str] = set()
    return [p for p in problems if not (p.question in seen or seen.add(p.question))]  # type: ignore[func-returns-value]
