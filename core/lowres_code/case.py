"""One completion and the tests that its program must pass: what is to be run, and the verdict that follows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from lowres_code._util.given import must_be, must_be_list
from lowres_code.checkers import CheckerError
from lowres_code.completion import Completion
from lowres_code.errors import UsageError, near_match
from lowres_code.judgement import CORRECT, INFRA_ERROR, NO_CODE, WRONG_ANSWER, Judgement
from lowres_code.language.base import Diagnostic, Execution, Language, Status
from lowres_code.language.demands import check_tests
from lowres_code.problem import RIGHT, Test, tests_of
from lowres_code.sandbox.runner import Job

_ASKED = {*RIGHT, "prefix", "query", "form", "checker", "limits"}  # of a program, by `Judge.check`
_TESTS = '[{"stdin": "2", "stdout": "4"}]'
_BY_NO_MEANS = (Diagnostic("it also passes a check that nothing can pass: it has changed its tests, or read them"),)


class Case:
    """A completion on its way to its judgement.

    Attributes:
        completion: that is judged.
        tests: those that are code have each a secret of their own.
        jobs: what is to be run, one for each test; nothing where there is no program.
    """

    def __init__(self, language: Language, completion: Completion, tests: Sequence[Test]) -> None:
        """Raises `UsageError` if there is no test, or one that the language cannot do."""
        if not tests:
            raise UsageError("a completion cannot be judged without tests")
        check_tests(language, tests, "a test")
        self.completion, self._language = completion, language
        self.tests = [replace(test, appended=test.appended.armed()) if test.appended else test for test in tests]
        program = completion.program
        self.jobs: list[Job] = [] if program is None else [self._job(program, test) for test in self.tests]
        self._told: dict[int, tuple[str, Execution]] = {}
        self._last = -1  # of the tests that were passed and are no controls

    def passes(self, place: int, execution: Execution) -> bool:
        """Whether an execution passes the test at its place, so that those behind it are wanted."""
        return self._tell(place, execution)[0] == CORRECT

    def judgement(self, executions: Sequence[Execution], every_test: bool = False) -> Judgement:
        """The judgement by the first execution that failed, else by the last that is no control.

        Args:
            executions: of the first tests, all of them or up to one that failed.
            every_test: they are all there. What the judge has failed on decides then.
        """
        tests = sum(not _is_control(test) for test in self.tests)
        if self.completion.program is None:
            return Judgement(NO_CODE, self.completion, tests=tests, passed=0)
        told = [self._tell(place, execution) for place, execution in enumerate(executions)]
        failed = [place for place, (verdict, _) in enumerate(told) if verdict != CORRECT]
        if every_test:  # nobody knows how many tests were passed
            failed.sort(key=lambda place: told[place][0] != INFRA_ERROR)
        if not failed:
            last = next(place for place in reversed(range(len(told))) if not _is_control(self.tests[place]))
            return Judgement(CORRECT, self.completion, told[last][1], tests=tests, passed=tests)
        verdict, execution = told[failed[0]]
        passed = _passed(self.tests, [verdict for verdict, _ in told])
        return Judgement(verdict, self.completion, execution, failed[0], tests=tests, passed=passed)

    def judgement_of_told(self) -> Judgement:
        """The judgement by the executions that `passes` was asked about, in their order and up to one that failed."""
        return self.judgement([execution for _, execution in self._told.values()])

    def _job(self, program: str, test: Test) -> Job:
        if test.appended is not None and self._language.append is not None:
            return self._language.append.compose(program, test.appended), test
        own = self.completion.query if self._language.queries and test.query is None else None
        return program, test if own is None else replace(test, query=own)

    def _tell(self, place: int, execution: Execution) -> tuple[str, Execution]:
        """The verdict on an execution, found once, and what is told of it."""
        if place not in self._told:
            self._told[place] = _told(self._language, execution, self.tests[place])
            if self._told[place][0] == CORRECT and not _is_control(self.tests[place]):
                self._lighten(place)
        return self._told[place]

    def _lighten(self, place: int) -> None:
        """Of all tests that are passed, what is printed in the last is told; what others have printed is dropped."""
        before, self._last = sorted((place, self._last))
        if before >= 0:
            self._told[before] = CORRECT, replace(self._told[before][1], answer=None, stdout="", stderr="")


def verdict_on(language: Language, execution: Execution, test: Test) -> str:
    """The verdict on one execution.

    Raises:
        UsageError: the test says nothing of what is right.
    """
    if _is_control(test) and test.appended and execution.status is not Status.INFRA_ERROR:
        return CORRECT if test.appended.accepts(execution.answer) else WRONG_ANSWER
    if _is_silent(language, execution, test):
        return CORRECT if _accepts(language, test, "") else str(Status.NO_ANSWER.value)
    if execution.status is not Status.OK:
        return str(execution.status.value)
    if execution.answer is None:  # a backend that says ok and gives none
        return str(Status.NO_ANSWER.value)
    return CORRECT if _accepts(language, test, execution.answer) else WRONG_ANSWER


def given(program: str) -> Completion:
    """A program that need not be found in anything."""
    must_be(program, str, 'check: the program must be text, as check("print(42)", answer="42")')
    return Completion(text=program, reasoning=None, program=program if program.strip() else None, well_formed=False)


def tests_asked(
    answer: str | float | None, tests: Iterable[Mapping[str, object]], more: Mapping[str, object]
) -> tuple[Test, ...]:
    """The tests in what `lowres_code.judge.Judge.check` is given."""
    each = f"check: each test must be as in {_TESTS}"
    asked = must_be_list(tests, Mapping, f"check: tests must be a list, as {_TESTS}", each)
    record = {"answer": answer, "tests": [*asked] or None, **more}
    if strange := sorted(record.keys() - _ASKED):
        raise UsageError(f"check: there is no {strange[0]!r}; {near_match(strange[0], _ASKED)}")
    return tests_of(record, "check")


def _told(language: Language, execution: Execution, test: Test) -> tuple[str, Execution]:
    try:
        verdict = verdict_on(language, execution, test)
    except UsageError:  # a test that says nothing of what is right
        raise
    except Exception as error:  # a comparison has met an answer that it was not made for
        said = str(error) if isinstance(error, CheckerError) else f"{type(error).__name__}: {error}"
        reason = Diagnostic(f"the answers cannot be compared: {said}")
        return INFRA_ERROR, Execution(Status.INFRA_ERROR, diagnostics=(reason,))
    cheated = verdict != CORRECT and _is_control(test)
    return verdict, replace(execution, diagnostics=_BY_NO_MEANS) if cheated else execution


def _accepts(language: Language, test: Test, answer: str) -> bool:
    """Whether the answer is all that the test asks for: the expected one, and one that its check passes."""
    if not test.decides:
        raise UsageError("a verdict needs an expected answer or a check")
    if test.appended is not None:
        return test.appended.accepts(answer)
    return _is_same(language, test, answer) and (test.check is None or test.check(answer))


def _is_same(language: Language, test: Test, answer: str) -> bool:
    if test.expected is None:
        return True
    if test.checker is not None:
        return test.checker.check(test.expected, answer, test.stdin)
    return language.compare(test.expected, answer)


def _is_silent(language: Language, execution: Execution, test: Test) -> bool:
    """Whether nothing was to be printed, and nothing was, by a program that has ended by itself as it should."""
    to_be = test.expected is not None and not test.expected.strip() and test.appended is None
    ended = execution.status is Status.NO_ANSWER and not execution.exit_code
    return to_be and ended and language.prints


def _is_control(test: Test) -> bool:
    return test.appended is not None and test.appended.control


def _passed(tests: Sequence[Test], verdicts: Sequence[str]) -> int | None:
    """How many tests were passed, none if a control has failed; ``None`` if not all have a verdict."""
    run = [(_is_control(test), verdict) for test, verdict in zip(tests, verdicts, strict=False)]  # those that were run
    own = [verdict for is_control, verdict in run if not is_control]
    if INFRA_ERROR in verdicts or len(own) < sum(not _is_control(test) for test in tests):
        return None
    cheated = any(is_control and verdict != CORRECT for is_control, verdict in run)
    return 0 if cheated else own.count(CORRECT)
