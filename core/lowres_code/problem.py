"""A problem: a question, and what a program must answer to be right."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from lowres_code.errors import UsageError

T = TypeVar("T")

_NAMED = 5  # validation_errors about single records of a file; what is wrong with one is mostly wrong with all


@dataclass(frozen=True, slots=True)
class Test:
    """One execution of a program: what it is given, and what it must answer.

    Attributes:
        expected: the right answer; ``None`` if the program is only to be run.
        stdin: what the program reads from standard input.
        query: the goal that asks for the answer, for languages that have one (``None``: the language's default).
    """

    __test__ = False  # not a pytest class

    expected: str | None = None
    stdin: str = ""
    query: str | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """A question and its tests.

    Attributes:
        id: unique within its data set.
        question: the text that the model reads.
        tests: all of them must pass; at least one.
        task: the group that reports break results down by (``""``: none).
        metadata: whatever else the record held.
    """

    id: str
    question: str
    tests: tuple[Test, ...]
    task: str = ""
    metadata: Mapping[str, object] = field(default_factory=dict)


def tests_of(record: Mapping[str, object], where: str) -> tuple[Test, ...]:
    """The tests of a record with ``"answer"`` or with ``"tests": [{"stdin", "stdout"}]``.

    Raises:
        UsageError: neither key is there, or both, or they have a wrong shape; ``where`` names the record.
    """
    query = record.get("query")
    if query is not None and not isinstance(query, str):
        raise UsageError(f"{where}: 'query' must be text, not {query!r}")
    answer = record.get("answer")
    if answer is not None and record.get("tests") is not None:
        raise UsageError(f"{where}: has both 'answer' and 'tests'; one of them must say what is right")
    if answer is not None:
        if isinstance(answer, bool) or not isinstance(answer, str | int | float):
            raise UsageError(f"{where}: 'answer' must be text or a number, not {answer!r}")
        return (Test(expected=str(answer), query=query),)
    tests = record.get("tests")
    if not isinstance(tests, list) or not tests:
        raise UsageError(f"{where}: needs 'answer', or 'tests' with at least one {{\"stdin\", \"stdout\"}}")
    return tuple(_stdin_test(test, query, where) for test in tests)


def _stdin_test(test: object, query: str | None, where: str) -> Test:
    if not isinstance(test, dict) or not isinstance(test.get("stdout"), str):
        raise UsageError(f"{where}: each of 'tests' needs 'stdout' (and may have 'stdin'), got {test!r}")
    if not test["stdout"].strip():
        raise UsageError(f"{where}: 'stdout' must not be empty, for a program that prints nothing gives no answer")
    stdin = test.get("stdin") or ""
    if not isinstance(stdin, str):
        raise UsageError(f"{where}: 'stdin' must be text, not {stdin!r}")
    return Test(expected=test["stdout"], stdin=stdin, query=query)


_OWN_KEYS = {"id", "question", "answer", "tests", "query", "task"}


def problem_of(record: Mapping[str, object], where: str) -> Problem:
    """The problem that the record at ``FILE:LINE`` describes; see `tests_of` for what it must hold."""
    question = record.get("question")
    if not isinstance(question, str) or not question.strip():
        raise UsageError(f"{where}: needs 'question' with some text, got {question!r}")
    file, _, line = where.rpartition(":")
    return Problem(
        id=str(record.get("id", f"{Path(file).stem}-{line}")),
        question=question,
        tests=tests_of(record, where),
        task=str(record.get("task", "")),
        metadata={key: value for key, value in record.items() if key not in _OWN_KEYS},
    )


def read_each(path: Path, make: Callable[[Mapping[str, object], str], T]) -> list[T]:
    """What ``make`` makes of each object of a JSON Lines file, and of ``FILE:LINE``.

    Raises:
        UsageError: the file cannot be read, a line is no JSON object, or ``make`` has raised it; of those the first
            five are named and the others counted.
    """
    made, validation_errors = [], []
    for where, record in read_records(path):
        try:
            made.append(make(record, where))
        except UsageError as error:  # noqa: PERF203 - each record has a message of its own
            validation_errors.append(str(error))
    if more := len(validation_errors[_NAMED:]):
        validation_errors[_NAMED:] = [f"and {more} more of {len(made) + len(validation_errors)} lines"]
    if validation_errors:
        raise UsageError("\n".join(validation_errors))
    return made


def read_records(path: Path) -> Iterator[tuple[str, dict[str, object]]]:
    """The objects of a JSON Lines file, each with ``FILE:LINE`` to name it by. Empty lines are skipped.

    Raises:
        UsageError: the file cannot be read, or a line is no JSON object.
    """
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield f"{path}:{number}", _object_of(line, f"{path}:{number}")
    except OSError as error:
        raise UsageError(f"cannot read {str(path)!r}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{str(path)!r} is not UTF-8 text: {error}") from error


def _object_of(line: str, where: str) -> dict[str, object]:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise UsageError(f"{where}: not JSON ({error.msg}, column {error.colno})") from error
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits, lists a thousand deep
        raise UsageError(f"{where}: JSON that cannot be read ({error})") from error
    if not isinstance(record, dict):
        raise UsageError(f"{where}: expected a JSON object, got {line.strip()[:60]!r}")
    return record


def unique(problems: Iterable[Problem]) -> list[Problem]:
    """The problems without those whose question was there before."""
    seen: set[str] = set()
    return [p for p in problems if not (p.question in seen or seen.add(p.question))]  # type: ignore[func-returns-value]
