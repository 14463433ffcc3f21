"""The one judge: where a program meets a problem and a verdict comes out."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, TypeVar

from lowres_code.completion import Completion, parse_completion
from lowres_code.errors import UsageError, near_match
from lowres_code.judgement import CORRECT, INFRA_ERROR, NO_CODE, WRONG_ANSWER, Judgement
from lowres_code.language.analysis import Analysis
from lowres_code.language.base import Diagnostic, Execution, Language, Limits, Status
from lowres_code.language.demands import check_tests
from lowres_code.problem import RIGHT, Problem, Test, tests_of
from lowres_code.sandbox.isolation import choose_isolation
from lowres_code.sandbox.pool import Pool
from lowres_code.sandbox.runner import Job, Runner

K = TypeVar("K")

MOST_WORKERS = 1_000
_ASKED = {*RIGHT, "prefix", "query", "form"}  # of a program, by `Judge.check`


class Judge:
    """Judges programs of one language; holds what runs them, so use it in ``with`` or `close` it.

    Several threads may use one at once. It belongs to the process that made it; pickled, it makes its own elsewhere.

    Attributes:
        language: of the programs.
        limits: of each program.
        runner: runs the programs, on this machine or at served judges.
    """

    def __init__(
        self,
        language: Language,
        limits: Limits | None = None,
        isolation: str = "auto",
        workers: int | None = None,
        servers: Sequence[str] = (),
    ) -> None:
        """Args:
            language: the backend.
            limits: of each program; by default `Limits`. The language's own needs come first.
            isolation: ``"auto"``, or the name of an isolation.
            workers: how many programs at a time; by default one for each core.
            servers: addresses of served judges that run the programs (``lowres-code serve``); without one, this
                machine runs them. Verdicts are given here in either case: gold answers are not sent.

        Raises:
            UsageError: more workers than `MOST_WORKERS`, or fewer than one; or a server does not serve this language.
            JudgeError: the isolation does not work here, or no server answers.
        """
        if workers is not None and not 1 <= workers <= MOST_WORKERS:
            raise UsageError(f"workers must be from 1 to {MOST_WORKERS}, not {workers!r}")
        self.language = language
        self.limits = (limits or Limits()).at_least(language.needs)
        self.runner = _runner(language, isolation, workers, servers)
        self._made_of = (language, limits, isolation, workers, servers)

    @property
    def isolation(self) -> str:
        """The isolation in which programs run."""
        return self.runner.isolation

    def within(self, limits: Limits) -> Judge:
        """The same judge with other limits; whoever closes one of them closes both."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.limits = limits.at_least(self.language.needs)
        return other

    def start(self) -> None:
        """Start a worker now; raises `JudgeError` if it does not come up."""
        self.runner.start()

    def execute(self, programs: Sequence[str], tests: Sequence[Test]) -> list[Execution]:
        """Run each program once with its test, in order.

        Raises:
            UsageError: a test asks a query, and the language has none.
        """
        check_tests(self.language, tests, "a test")
        return self.runner.run(list(zip(programs, tests, strict=True)), self.limits)

    def check_syntax(self, programs: Sequence[str]) -> list[Execution]:
        """Ask the language's reader about each program."""
        return self.runner.run([(program, Test()) for program in programs], self.limits, "check_syntax")

    def analyse(self, judgements: Sequence[Judgement]) -> list[Judgement]:
        """The same judgements with the analysis of each program that the language's reader accepts.

        One whose analysis the judge itself fails at becomes an ``infra_error``.

        Raises:
            UsageError: the language offers none.
        """
        if not self.language.analyses:
            raise UsageError(f"{self.language.title} offers no analysis of its programs")
        programs = [judgement.completion.program or "" for judgement in judgements if judgement.syntax]
        found = iter(self.runner.run([(program, Test()) for program in programs], self.limits, "analyse"))
        return [_analysed(judgement, next(found)) if judgement.syntax else judgement for judgement in judgements]

    def must_support(self, problems: Iterable[Problem]) -> None:
        """See that the language can do what the problems ask of it.

        Raises:
            UsageError: one asks a query and there are none, or is code to be appended and the language cannot.
        """
        for problem in problems:
            check_tests(self.language, problem.tests, f"problem {problem.id!r}")

    def check(
        self,
        program: str,
        answer: str | float | None = None,
        tests: Sequence[Mapping[str, object]] = (),
        **more: object,
    ) -> Judgement:
        """The verdict on one program.

        Example: ``judge.check("solve(X) :- X is 6 * 7.", answer="42").correct``.

        Args:
            program: as it is to be run.
            answer: the right one.
            tests: or what it must print, ``{"stdin": ..., "stdout": ...}`` for each.
            more: other keys of a problem: ``query``, ``form``, ``append``, ``prefix``.

        Raises:
            UsageError: neither says what is right, or the language cannot do what is asked.
        """
        return self.judge_parsed([given(program)], [asked(answer, tests, more)])[0]

    def judge(self, completions: Sequence[str], problems: Sequence[Problem]) -> list[Judgement]:
        """The verdict on each completion as a solution of its problem.

        Raises:
            UsageError: a problem asks a query, and the language has none.
        """
        self.must_support(problems)
        parsed = [parse_completion(text, self.language.fences) for text in completions]
        return self.judge_parsed(parsed, [problem.tests for problem in problems])

    def judge_parsed(self, completions: Sequence[Completion], tests: Sequence[tuple[Test, ...]]) -> list[Judgement]:
        """The verdict on each completion; its program must pass all the tests that stand at its place.

        Raises:
            UsageError: there are none at some place, or one asks a query of a language that has none.
        """
        items = enumerate(zip(completions, tests, strict=True))
        judged = dict(self.stream(((place, *item) for place, item in items), ahead=len(completions)))
        return [judged[place] for place in range(len(completions))]

    def stream(
        self,
        items: Iterable[tuple[K, Completion, Sequence[Test]]],
        ahead: int | None = None,
        room: Callable[[], bool] = lambda: True,
    ) -> Generator[tuple[K, Judgement], None, None]:
        """Judge completions as they come, in constant memory; each verdict comes out as soon as it is there.

        No worker waits for one slow program, and no failure costs another completion its verdict. Equal programs
        with equal tests that are on their way at the same time run once; the tests of one run side by side. A
        completion's own query is asked where its test brings none, if the language has queries.

        Args:
            items: for each, a key of the caller's making, the completion, and the tests that its program must pass.
                Read as they are needed.
            ahead: how many may be on their way; by default 32 for each worker.
            room: whether another may be begun; not asked while none is on its way.

        Yields:
            Key and judgement, in the order in which they are done.

        Raises:
            UsageError: a completion has no tests, or one that asks a query of a language that has none.
        """
        armed = ((key, completion, armed_tests(tests)) for key, completion, tests in items)
        groups = ((item, self.jobs(*item[1:])) for item in armed)
        for (key, completion, tests), executions in self.runner.stream(groups, self.limits, ahead=ahead, room=room):
            yield key, self.conclude(completion, tests, executions)

    def verdict(self, execution: Execution, test: Test) -> str:
        """The verdict on one execution."""
        if test.appended is not None and test.appended.control and execution.status is not Status.INFRA_ERROR:
            return CORRECT if test.appended.accepts(execution.answer) else WRONG_ANSWER
        if execution.status is not Status.OK:
            return str(execution.status.value)
        if execution.answer is None:  # a backend that says ok and gives none
            return str(Status.NO_ANSWER.value)
        return CORRECT if self._accepts(test, execution.answer) else WRONG_ANSWER

    def close(self) -> None:
        """End the workers."""
        self.runner.close()

    def _accepts(self, test: Test, answer: str) -> bool:
        """Whether the answer is all that the test asks for: the expected one, and one that its check passes."""
        if not test.decides:
            raise UsageError("a verdict needs an expected answer or a check")
        if test.appended is not None:
            return test.appended.accepts(answer)
        same = test.expected is None or self.language.compare(test.expected, answer)
        return same and (test.check is None or test.check(answer))

    def jobs(self, completion: Completion, tests: Sequence[Test]) -> list[Job]:
        """What is to be run of a completion, once for each test; nothing if it has no program.

        Raises:
            UsageError: there is no test, or one that the language cannot do.
        """
        if not tests:
            raise UsageError("a completion cannot be judged without tests")
        check_tests(self.language, tests, "a test")
        program = completion.program
        return [] if program is None else [self._job(program, test, completion) for test in tests]

    def _job(self, program: str, test: Test, completion: Completion) -> Job:
        if test.appended is not None and self.language.append is not None:
            return self.language.append.compose(program, test.appended), test
        return program, self._asked(test, completion)

    def _asked(self, test: Test, completion: Completion) -> Test:
        own = completion.query if self.language.queries and test.query is None else None
        return test if own is None else replace(test, query=own)

    def conclude(self, completion: Completion, tests: Sequence[Test], executions: Sequence[Execution]) -> Judgement:
        """The verdict that follows from the executions of `jobs`."""
        if completion.program is None:
            return Judgement(NO_CODE, completion)
        try:
            return self._first_failure(completion, tests, executions)
        except UsageError:  # a test that says nothing of what is right
            raise
        except Exception as error:  # a backend's comparison has met an answer that it was not made for
            reason = Diagnostic(f"the answers cannot be compared: {type(error).__name__}: {error}")
            return Judgement(INFRA_ERROR, completion, Execution(Status.INFRA_ERROR, diagnostics=(reason,)))

    def _first_failure(
        self, completion: Completion, tests: Sequence[Test], executions: Sequence[Execution]
    ) -> Judgement:
        """The judgement by the first execution that failed, else by the last that is no control."""
        last = executions[0]
        for number, (test, execution) in enumerate(zip(tests, executions, strict=True)):
            is_control = test.appended is not None and test.appended.control
            verdict = self.verdict(execution, test)
            if verdict != CORRECT:
                told = replace(execution, diagnostics=_BY_NO_MEANS) if is_control else execution
                return Judgement(verdict, completion, told, failed_test=number)
            last = last if is_control else execution
        return Judgement(CORRECT, completion, last)

    def __reduce__(self) -> tuple[Any, ...]:
        return _made_again, (type(self), self._made_of, self.limits)

    def __enter__(self) -> Judge:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _analysed(judgement: Judgement, analysis: Execution) -> Judgement:
    if analysis.status is Status.INFRA_ERROR:
        return Judgement(INFRA_ERROR, judgement.completion, analysis)
    answer = analysis.answer if analysis.status is Status.OK else None
    return replace(judgement, analysis=None if answer is None else Analysis.of_text(answer))


_BY_NO_MEANS = (Diagnostic("it also passes a check that nothing can pass: it has changed its tests, or read them"),)


def armed_tests(tests: Sequence[Test]) -> list[Test]:
    """The tests, those that are code each with a secret of its own."""
    return [test if test.appended is None else replace(test, appended=test.appended.armed()) for test in tests]


def given(program: str) -> Completion:
    """A program that need not be found in anything."""
    return Completion(text=program, reasoning=None, program=program if program.strip() else None, well_formed=False)


def asked(
    answer: str | float | None, tests: Sequence[Mapping[str, object]], more: Mapping[str, object]
) -> tuple[Test, ...]:
    """The tests in what `Judge.check` is given."""
    record = {"answer": answer, "tests": [*tests] or None, **more}
    if strange := sorted(record.keys() - _ASKED):
        raise UsageError(f"check: there is no {strange[0]!r}; {near_match(strange[0], _ASKED)}")
    return tests_of(record, "check")


def _made_again(kind: type[Judge], made_of: tuple[Any, ...], limits: Limits) -> Judge:
    return kind(*made_of).within(limits)


def _runner(language: Language, isolation: str, workers: int | None, servers: Sequence[str]) -> Runner:
    if servers:
        from lowres_code.remote.pool import RemotePool  # what it needs takes a while to import

        pool = RemotePool(language, servers, workers)
        if isolation not in ("auto", pool.isolation):
            pool.close()
            raise UsageError(f"the judge at {', '.join(servers)} has isolation {pool.isolation!r}, not {isolation!r}")
        return pool
    return Pool(language, choose_isolation(isolation, language.forks), workers)
