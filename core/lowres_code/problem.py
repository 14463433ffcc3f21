"""A problem: a question, and what a program must answer to be right."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from lowres_code._util.given import must_be, must_be_list
from lowres_code._util.records import difficulty_text, label, parsed_cell, shown
from lowres_code.appended import Appended
from lowres_code.checkers import Checker, find_checker
from lowres_code.errors import UsageError, near_match
from lowres_code.forms import FORMS, Check
from lowres_code.limits import check_limit

RIGHT = ("answer", "tests", "append")  # each says what is right, and one is enough

_LONGEST = 500  # characters of a message that quotes what stands in a record


@dataclass(frozen=True, slots=True)
class Test:
    """One execution of a program: what it is given, and what it must answer.

    An answer is right if it is the same as ``expected`` and passes ``check``, as far as these are given. Where the
    expected one is empty, a program that prints nothing and ends by itself with exit code 0 is right.

    Attributes:
        expected: the right answer; ``None`` if there are many, or if the program is only to be run.
        stdin: what the program reads from standard input.
        query: the goal that asks for the answer, for languages that have one (``None``: the language's default).
        check: called by the judge with the text of an answer; one of `lowres_code.forms`, or what knows a right answer
            where there are many. It must be quick and must not raise, whatever the text, for a program wrote that.
        checker: says whether an answer is the same as ``expected``, instead of the language; see
            `lowres_code.checkers.find_checker`.
        appended: tests that are code, which alone decides then; see `lowres_code.appended`.
        limits: those of `lowres_code.limits.Limits` that are to be lower than the judge's, by name; never higher.

    Raises:
        UsageError: there is a checker and nothing expected, or no such limit; or something is of a wrong type.
    """

    __test__ = False  # not a pytest class

    expected: str | None = None
    stdin: str = ""
    query: str | None = None
    check: Check | None = field(default=None, repr=False)
    checker: Checker | None = None
    appended: Appended | None = None
    limits: Mapping[str, float] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if not isinstance(self.expected, str | None) or not isinstance(self.checker, Checker | None):
            raise UsageError(
                f"Test takes its expected answer as text, and a checker as find_checker gives it: {self.expected!r} "
                f"and {self.checker!r} are of other types"
            )
        if self.checker is not None and self.expected is None:
            raise UsageError(f"the checker {str(self.checker)!r} needs an expected answer to compare with")
        if self.check is not None and not callable(self.check):
            raise UsageError(f"Test: check must be a function of an answer's text, not {shown(self.check)}")
        must_be(self.stdin, str, "Test: stdin must be text")
        must_be(self.query, str | None, "Test: query must be text")
        must_be(self.limits, Mapping, 'Test: limits must be as {"cpu_s": 2}')
        for name, value in self.limits.items():
            check_limit(name, value)

    @property
    def decides(self) -> bool:
        """Whether it says which answers are right."""
        return self.expected is not None or self.check is not None or self.appended is not None

    def without_answer(self) -> Test:
        """What a worker is told: nothing that says which answers are right."""
        return Test(stdin=self.stdin, query=self.query, limits=self.limits)


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
        UsageError: there is no test, or one that does not say what is right; or something is of a wrong type.
    """

    id: str
    question: str
    tests: tuple[Test, ...]
    task: str = ""
    metadata: Mapping[str, object] = field(default_factory=dict)
    difficulty: str = ""

    def __post_init__(self) -> None:
        for name, text in (("id", self.id), ("question", self.question), ("task", self.task)):
            must_be(text, str, f"Problem: {name} must be text")
        made = must_be_list(
            self.tests, Test, 'Problem: tests must be as (Test("42"),)', "Problem: each test must be a Test"
        )
        object.__setattr__(self, "tests", made)
        if not self.tests or not all(test.decides for test in self.tests):
            raise UsageError(f"problem {self.id!r} does not say which answer is right: give it a test with one")


def tests_of(record: Mapping[str, object], where: str) -> tuple[Test, ...]:
    """The tests of a record with ``"answer"``, with ``"tests": [{"stdin", "stdout"}]``, or with ``"append"``.

    Beside the first two ``"checker"`` may say how answers are compared (`lowres_code.checkers`), ``"form"`` which of
    `lowres_code.forms.FORMS` the answers must have. ``"append"`` is code that is run behind the program, and
    ``"prefix"`` beside it the beginning of one (`lowres_code.appended`). ``"limits"`` may lower those of the judge.

    Raises:
        UsageError: none of these keys is there, or several, or they have a wrong shape; ``where`` names the record.
    """
    given = [key for key in RIGHT if record.get(key) is not None]
    if len(given) > 1:
        raise UsageError(f"{where}: has both {given[0]!r} and {given[1]!r}; one of them must say what is right")
    limits = _limits(record.get("limits"), where)
    if given == ["append"]:
        return tuple(replace(test, limits=limits) for test in _appended(record, where))
    query = record.get("query")
    if query is not None and not isinstance(query, str):
        raise UsageError(f"{where}: 'query' must be text, not {shown(query)}")
    asked = Test(query=query, check=_form(label(record, "form", where), where), limits=limits)
    checker = _checker(record.get("checker"), where)
    if given == ["answer"]:
        return (_compared(replace(asked, expected=_gold(record["answer"], where)), checker, where),)
    tests = parsed_cell(record.get("tests"), "tests", "a list", where)
    if not isinstance(tests, list) or not tests:
        raise UsageError(
            f"{where}: needs 'answer', or 'tests' with at least one {{\"stdin\", \"stdout\"}}, or 'append'"
        )
    return tuple(_compared(_stdin_test(test, asked, where), checker, where) for test in tests)


def _appended(record: Mapping[str, object], where: str) -> tuple[Test, Test]:
    """The tests that are code, and their control."""
    if beside := [key for key in ("form", "checker") if record.get(key) is not None]:
        raise UsageError(f"{where}: {beside[0]!r} is for answers, and 'append' tests none: leave one of them out")
    code, prefix = record["append"], record.get("prefix") or ""
    for key, text in (("append", code), ("prefix", prefix)):
        if not isinstance(text, str):
            raise UsageError(f"{where}: {key!r} must be text, not {shown(text)}")
    code, prefix = str(code), str(prefix)
    if not code.strip():
        raise UsageError(f"{where}: 'append' must not be empty, for it would check nothing")
    return Test(appended=Appended(code, prefix)), Test(appended=Appended(code, prefix, control=True))


def _limits(value: object, where: str) -> dict[str, float]:
    """Limits by name; a table whose rows name different ones has null for the others."""
    limits = parsed_cell(value, "limits", "an object", where)
    if limits is None:
        return {}
    if not isinstance(limits, dict):
        raise UsageError(f"{where}: 'limits' must be an object as {{\"cpu_s\": 2}}, not {shown(limits)}")
    asked = {name: limit for name, limit in limits.items() if limit is not None}
    with _at(where):
        for name, limit in asked.items():
            check_limit(name, limit)
    return asked


@contextmanager
def _at(where: str) -> Iterator[None]:
    """Name the place in an error, which may quote what stands there."""
    try:
        yield
    except UsageError as error:
        raise UsageError(f"{where}: {str(error)[:_LONGEST]}") from error


def _checker(written: object, where: str) -> Checker | None:
    if written is None:
        return None
    if not isinstance(written, str):
        raise UsageError(f'{where}: \'checker\' must be text, as "tokens" or "float(rel=1e-4)", not {shown(written)}')
    with _at(where):
        return find_checker(written)


def _compared(test: Test, checker: Checker | None, where: str) -> Test:
    """The test with its checker, if that can be asked about the expected answer."""
    if checker is None:
        return test
    with _at(where):
        checker.try_on(test.expected or "", test.stdin)
    return replace(test, checker=checker)


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


def _stdin_test(test: object, asked: Test, where: str) -> Test:
    if not isinstance(test, dict) or not isinstance(test.get("stdout"), str):
        raise UsageError(f"{where}: each of 'tests' needs 'stdout' (and may have 'stdin'), got {shown(test)}")
    stdin = test.get("stdin")
    if stdin is not None and not isinstance(stdin, str):
        raise UsageError(f"{where}: 'stdin' must be text, not {shown(stdin)}")
    return replace(asked, expected=test["stdout"], stdin=stdin or "")


_OWN_KEYS = {"id", "question", *RIGHT, "prefix", "query", "form", "checker", "limits", "task", "difficulty"}


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


def unique(problems: Iterable[Problem]) -> list[Problem]:
    """The problems without those whose question was there before."""
    seen: set[str] = set()
    return [p for p in problems if not (p.question in seen or seen.add(p.question))]  # type: ignore[func-returns-value]
