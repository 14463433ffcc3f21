"""The one judge: where a program meets a problem and a verdict comes out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Generic, TypeVar

from lowres_code.checkers import CheckerError
from lowres_code.completion import Completion, parse_completion
from lowres_code.errors import UsageError
from lowres_code.judgement import CORRECT, INFRA_ERROR, NO_CODE, WRONG_ANSWER, Judgement
from lowres_code.language.analysis import Analysis
from lowres_code.language.base import Diagnostic, Execution, Language, Limits, Status
from lowres_code.language.demands import check_tests
from lowres_code.problem import Problem, Test
from lowres_code.sandbox.isolation import choose_isolation
from lowres_code.sandbox.pool import Job, Pool

K = TypeVar("K")

MOST_WORKERS = 1_000

log = logging.getLogger("lowres_code.judge")


class Judge:
    """Judges programs of one language; holds the worker processes, so use it in ``with`` or `close` it."""

    def __init__(
        self, language: Language, limits: Limits | None = None, isolation: str = "auto", workers: int | None = None
    ) -> None:
        """Args:
            language: the backend.
            limits: of each program; by default `Limits`. The language's own needs come first.
            isolation: ``"auto"``, or the name of an isolation.
            workers: how many programs at a time; by default one for each core.

        Raises:
            UsageError: more workers than `MOST_WORKERS`, or fewer than one.
            JudgeError: the isolation does not work here.
        """
        if workers is not None and not 1 <= workers <= MOST_WORKERS:
            raise UsageError(f"workers must be from 1 to {MOST_WORKERS}, not {workers!r}")
        self.language = language
        self.limits = (limits or Limits()).at_least(language.needs)
        self.isolation = choose_isolation(isolation, language.forks)
        self._pool = Pool(language, self.isolation, workers)
        self._capped: set[str] = set()

    def start(self) -> None:
        """Start a worker now; raises `JudgeError` if it does not come up."""
        self._pool.start()

    def execute(self, programs: Sequence[str], tests: Sequence[Test]) -> list[Execution]:
        """Run each program once with its test, in order.

        Raises:
            UsageError: a test asks a query, and the language has none.
        """
        check_tests(self.language, tests, "a test")
        self._tell_of_caps(tests)
        return self._pool.run(list(zip(programs, tests, strict=True)), self.limits)

    def check_syntax(self, programs: Sequence[str]) -> list[Execution]:
        """Ask the language's reader about each program."""
        return self._pool.run([(program, Test()) for program in programs], self.limits, "check_syntax")

    def analyse(self, judgements: Sequence[Judgement]) -> list[Judgement]:
        """The same judgements with the analysis of each program that the language's reader accepts.

        One whose analysis the judge itself fails at becomes an ``infra_error``.

        Raises:
            UsageError: the language offers none.
        """
        if not self.language.analyses:
            raise UsageError(f"{self.language.title} offers no analysis of its programs")
        programs = [judgement.completion.program or "" for judgement in judgements if judgement.syntax]
        found = iter(self._pool.run([(program, Test()) for program in programs], self.limits, "analyse"))
        return [_analysed(judgement, next(found)) if judgement.syntax else judgement for judgement in judgements]

    def check(self, problems: Iterable[Problem]) -> None:
        """See that the language can do what the problems ask of it.

        Raises:
            UsageError: one asks a query and there are none, or is code to be appended and the language cannot.
        """
        for problem in problems:
            check_tests(self.language, problem.tests, f"problem {problem.id!r}")

    def judge(
        self, completions: Sequence[str], problems: Sequence[Problem], every_test: bool = False
    ) -> list[Judgement]:
        """The verdict on each completion as a solution of its problem; ``every_test`` as for `stream`.

        Raises:
            UsageError: a problem asks a query, and the language has none.
        """
        self.check(problems)
        parsed = [parse_completion(text, self.language.fences) for text in completions]
        return self.judge_parsed(parsed, [problem.tests for problem in problems], every_test)

    def judge_parsed(
        self, completions: Sequence[Completion], tests: Sequence[tuple[Test, ...]], every_test: bool = False
    ) -> list[Judgement]:
        """The verdict on each completion; its program must pass all the tests that stand at its place.

        Raises:
            UsageError: there are none at some place, or one asks a query of a language that has none.
        """
        items = enumerate(zip(completions, tests, strict=True))
        judged = dict(self.stream(((place, *item) for place, item in items), len(completions), every_test=every_test))
        return [judged[place] for place in range(len(completions))]

    def stream(
        self,
        items: Iterable[tuple[K, Completion, Sequence[Test]]],
        ahead: int | None = None,
        room: Callable[[], bool] = lambda: True,
        every_test: bool = False,
    ) -> Generator[tuple[K, Judgement], None, None]:
        """Judge completions as they come, in constant memory; each verdict comes out as soon as it is there.

        No worker waits for one slow program, and no failure costs another completion its verdict. Equal programs
        with equal tests that are on their way at the same time run once. The first test that a program fails spares
        those behind it. A completion's own query is asked where its test brings none, if the language has queries.

        Args:
            items: for each, a key of the caller's making, the completion, and the tests that its program must pass.
                Read as they are needed.
            ahead: how many may be on their way; by default 32 for each worker.
            room: whether another may be begun; not asked while none is on its way.
            every_test: run all tests of a completion, so that `Judgement.passed` is there whatever fails. A failure of
                the judge in any of them is the completion's verdict then.

        Yields:
            Key and judgement, in the order in which they are done.

        Raises:
            UsageError: a completion has no tests, or one that asks a query of a language that has none.
        """
        cases = (_Case(key, completion, [_armed(test) for test in tests]) for key, completion, tests in items)
        groups = ((case, self._jobs(case.completion, case.tests)) for case in cases)
        go_on = None if every_test else self._passes
        for case, executions in self._pool.stream(groups, self.limits, ahead=ahead, room=room, go_on=go_on):
            yield case.key, self._judgement(case, executions, every_test)

    def verdict(self, execution: Execution, test: Test) -> str:
        """The verdict on one execution."""
        if test.appended is not None and test.appended.control and execution.status is not Status.INFRA_ERROR:
            return CORRECT if test.appended.accepts(execution.answer) else WRONG_ANSWER
        if self._is_silent(execution, test):
            return CORRECT if self._accepts(test, "") else str(Status.NO_ANSWER.value)
        if execution.status is not Status.OK:
            return str(execution.status.value)
        if execution.answer is None:  # a backend that says ok and gives none
            return str(Status.NO_ANSWER.value)
        return CORRECT if self._accepts(test, execution.answer) else WRONG_ANSWER

    def close(self) -> None:
        """End the workers."""
        self._pool.close()

    def _accepts(self, test: Test, answer: str) -> bool:
        """Whether the answer is all that the test asks for: the expected one, and one that its check passes."""
        if not test.decides:
            raise UsageError("a verdict needs an expected answer or a check")
        if test.appended is not None:
            return test.appended.accepts(answer)
        return self._is_same(test, answer) and (test.check is None or test.check(answer))

    def _is_same(self, test: Test, answer: str) -> bool:
        if test.expected is None:
            return True
        if test.checker is not None:
            return test.checker.check(test.expected, answer, test.stdin)
        return self.language.compare(test.expected, answer)

    def _is_silent(self, execution: Execution, test: Test) -> bool:
        """Whether nothing was to be printed, and nothing was, by a program that has ended by itself as it should."""
        to_be = test.expected is not None and not test.expected.strip() and test.appended is None
        ended = execution.status is Status.NO_ANSWER and not execution.exit_code
        return to_be and ended and self.language.prints

    def _jobs(self, completion: Completion, tests: Sequence[Test]) -> list[Job]:
        if not tests:
            raise UsageError("a completion cannot be judged without tests")
        check_tests(self.language, tests, "a test")
        self._tell_of_caps(tests)
        program = completion.program
        return [] if program is None else [self._job(program, test, completion) for test in tests]

    def _tell_of_caps(self, tests: Sequence[Test]) -> None:
        """Warn, once for each limit, that tests ask for more of it than there is."""
        for name, value in (asked for test in tests for asked in test.limits.items()):
            if value > (most := getattr(self.limits, name)) and name not in self._capped:
                self._capped.add(name)
                log.warning(
                    "a problem asks for limits.%s = %s; programs have %s here at most: --set limits.%s=%s allows it",
                    *(name, value, most, name, value),
                )

    def _job(self, program: str, test: Test, completion: Completion) -> Job:
        if test.appended is not None and self.language.append is not None:
            return self.language.append.compose(program, test.appended), test
        return program, self._asked(test, completion)

    def _asked(self, test: Test, completion: Completion) -> Test:
        own = completion.query if self.language.queries and test.query is None else None
        return test if own is None else replace(test, query=own)

    def _passes(self, case: _Case[Any], place: int, execution: Execution) -> bool:
        return self._told(case, place, execution)[0] == CORRECT

    def _judgement(self, case: _Case[Any], executions: list[Execution], every_test: bool) -> Judgement:
        tests = sum(not _is_control(test) for test in case.tests)
        if case.completion.program is None:
            return Judgement(NO_CODE, case.completion, tests=tests, passed=0)
        told = [self._told(case, place, execution) for place, execution in enumerate(executions)]
        failed = [place for place, (verdict, _) in enumerate(told) if verdict != CORRECT]
        if every_test:  # what the judge has failed on decides: nobody knows how many tests were passed
            failed.sort(key=lambda place: told[place][0] != INFRA_ERROR)
        if not failed:
            last = next(place for place in reversed(range(len(told))) if not _is_control(case.tests[place]))
            return Judgement(CORRECT, case.completion, told[last][1], tests=tests, passed=tests)
        verdict, execution = told[failed[0]]
        passed = _passed(case.tests, [verdict for verdict, _ in told])
        return Judgement(verdict, case.completion, execution, failed[0], tests=tests, passed=passed)

    def _told(self, case: _Case[Any], place: int, execution: Execution) -> tuple[str, Execution]:
        """The verdict on an execution, once, and what is told of it."""
        if place not in case.told:
            case.told[place] = self._tell(case.tests[place], execution)
        return case.told[place]

    def _tell(self, test: Test, execution: Execution) -> tuple[str, Execution]:
        try:
            verdict = self.verdict(execution, test)
        except UsageError:  # a test that says nothing of what is right
            raise
        except Exception as error:  # a comparison has met an answer that it was not made for
            said = str(error) if isinstance(error, CheckerError) else f"{type(error).__name__}: {error}"
            reason = Diagnostic(f"the answers cannot be compared: {said}")
            return INFRA_ERROR, Execution(Status.INFRA_ERROR, diagnostics=(reason,))
        cheated = verdict != CORRECT and _is_control(test)
        return verdict, replace(execution, diagnostics=_BY_NO_MEANS) if cheated else execution

    def __enter__(self) -> Judge:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class _Case(Generic[K]):
    """A completion on its way; ``told``: the verdicts on its tests, and on what, by their places."""

    key: K
    completion: Completion
    tests: Sequence[Test]
    told: dict[int, tuple[str, Execution]] = field(default_factory=dict)


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


def _analysed(judgement: Judgement, analysis: Execution) -> Judgement:
    if analysis.status is Status.INFRA_ERROR:
        return Judgement(INFRA_ERROR, judgement.completion, analysis, tests=judgement.tests)
    answer = analysis.answer if analysis.status is Status.OK else None
    return replace(judgement, analysis=None if answer is None else Analysis.of_text(answer))


_BY_NO_MEANS = (Diagnostic("it also passes a check that nothing can pass: it has changed its tests, or read them"),)


def _armed(test: Test) -> Test:
    return test if test.appended is None else replace(test, appended=test.appended.armed())
