"""The one judge: where a program meets a problem and a verdict comes out."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TypeVar

from lowres_code.completion import Completion, parse_completion
from lowres_code.errors import JudgeError, UsageError
from lowres_code.language.base import Diagnostic, Execution, Language, Limits, Status
from lowres_code.problem import Problem, Test
from lowres_code.sandbox.isolation import choose_isolation
from lowres_code.sandbox.pool import Job, Pool

K = TypeVar("K")

CORRECT = "correct"
WRONG_ANSWER = "wrong_answer"
NO_CODE = "no_code"
INFRA_ERROR = Status.INFRA_ERROR.value
MOST_WORKERS = 1_000


class Judged:
    """Anything that has a verdict."""

    __slots__ = ()
    verdict: str

    @property
    def correct(self) -> bool:
        """Whether every test was answered rightly."""
        return self.verdict == CORRECT

    @property
    def syntax(self) -> bool:
        """Whether there is a program and the language's reader accepts it."""
        return self.verdict not in (NO_CODE, INFRA_ERROR, Status.SYNTAX_ERROR.value)

    @property
    def runs(self) -> bool:
        """Whether the program ran and gave an answer."""
        return self.verdict in (CORRECT, WRONG_ANSWER)


@dataclass(frozen=True, slots=True)
class Judgement(Judged):
    """A completion, its verdict, and the execution that decided it.

    Attributes:
        verdict: ``correct``, ``wrong_answer``, ``no_code``, or the status of the execution that did not succeed.
        completion: the completion, taken apart.
        execution: the first execution that failed, else the last; ``None`` for ``no_code``.
        failed_test: which of the problem's tests that was, counted from 0; ``None`` if all passed or none was run.
    """

    verdict: str
    completion: Completion
    execution: Execution | None = None
    failed_test: int | None = None


class FailureWindow:
    """Notices that the judge itself is broken: what it says of other completions is not to be trusted then.

    It is, if of the last ``window`` completions at least ``minimum`` failed and more than ``share`` of them. So single
    failures end nothing, a judge that fails on everything is found within a batch of eight, and one that fails now and
    then, within a thousand completions. A batch longer than the window is looked at as a whole.
    """

    def __init__(self, share: float = 0.02, window: int = 1_000, minimum: int = 8) -> None:
        self._share, self._window, self._minimum = share, window, minimum
        self._recent: deque[bool] = deque()
        self._failed = 0  # of these
        self._judged = False
        self._reason = "unknown"

    def add(self, judgements: Sequence[Judgement]) -> None:
        """Take note of what was judged last.

        Raises:
            JudgeError: too many have failed, with the last failure's reason.
        """
        failures = [judgement.verdict == INFRA_ERROR for judgement in judgements]
        self._recent.extend(failures)
        self._failed += sum(failures)
        while len(self._recent) > max(self._window, len(failures)):
            self._failed -= self._recent.popleft()
        self._judged |= not all(failures)
        for judgement in judgements:
            if judgement.verdict == INFRA_ERROR and judgement.execution and judgement.execution.diagnostics:
                self._reason = judgement.execution.diagnostics[0].message
        if self._failed >= self._minimum and self._failed > self._share * len(self._recent):
            self._fail(self._failed)

    def finish(self) -> None:
        """Look at the whole, however small it is, at the end of an evaluation.

        Raises:
            JudgeError: there were completions, and the judge has failed on all.
        """
        if self._recent and not self._judged:
            self._fail(len(self._recent))

    def _fail(self, failed: int) -> None:
        of = f"{failed} of the last {len(self._recent)}" if self._judged else f"all {failed}"
        raise JudgeError(f"the judge failed on {of} completions; the last failure: {self._reason}")


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

    def start(self) -> None:
        """Start a worker now; raises `JudgeError` if it does not come up."""
        self._pool.start()

    def execute(self, programs: Sequence[str], tests: Sequence[Test]) -> list[Execution]:
        """Run each program once with its test, in order.

        Raises:
            UsageError: a test asks a query, and the language has none.
        """
        check_queries(self.language, tests, "a test")
        return self._pool.run(list(zip(programs, tests, strict=True)), self.limits)

    def check_syntax(self, programs: Sequence[str]) -> list[Execution]:
        """Ask the language's reader about each program."""
        return self._pool.run([(program, Test()) for program in programs], self.limits, "check_syntax")

    def judge(self, completions: Sequence[str], problems: Sequence[Problem]) -> list[Judgement]:
        """The verdict on each completion as a solution of its problem.

        Raises:
            UsageError: a problem asks a query, and the language has none.
        """
        check_problems(self.language, problems)
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
        groups = ((item, self._jobs(*item[1:])) for item in items)
        for (key, completion, tests), executions in self._pool.stream(groups, self.limits, ahead=ahead, room=room):
            yield key, self._judgement(completion, tests, executions)

    def verdict(self, execution: Execution, test: Test) -> str:
        """The verdict on one execution."""
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
        same = test.expected is None or self.language.compare(test.expected, answer)
        return same and (test.check is None or test.check(answer))

    def _jobs(self, completion: Completion, tests: Sequence[Test]) -> list[Job]:
        if not tests:
            raise UsageError("a completion cannot be judged without tests")
        check_queries(self.language, tests, "a test")
        program = completion.program
        return [] if program is None else [(program, self._asked(test, completion)) for test in tests]

    def _asked(self, test: Test, completion: Completion) -> Test:
        own = completion.query if self.language.queries and test.query is None else None
        return test if own is None else replace(test, query=own)

    def _judgement(self, completion: Completion, tests: Sequence[Test], executions: list[Execution]) -> Judgement:
        if completion.program is None:
            return Judgement(NO_CODE, completion)
        try:
            return self._first_failure(completion, tests, executions)
        except UsageError:  # a test that says nothing of what is right
            raise
        except Exception as error:  # a backend's comparison has met an answer that it was not made for
            reason = Diagnostic(f"the answers cannot be compared: {type(error).__name__}: {error}")
            return Judgement(INFRA_ERROR, completion, Execution(Status.INFRA_ERROR, diagnostics=(reason,)))

    def _first_failure(self, completion: Completion, tests: Sequence[Test], executions: list[Execution]) -> Judgement:
        """The judgement by the first execution that failed, else by the last."""
        for number, (test, execution) in enumerate(zip(tests, executions, strict=True)):
            verdict = self.verdict(execution, test)
            if verdict != CORRECT:
                return Judgement(verdict, completion, execution, failed_test=number)
        return Judgement(CORRECT, completion, executions[-1])

    def __enter__(self) -> Judge:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def check_problems(language: Language, problems: Iterable[Problem]) -> None:
    """See that no problem asks a query of a language that has none.

    Raises:
        UsageError: as `check_queries`; the first such problem is named.
    """
    for problem in problems:
        check_queries(language, problem.tests, f"problem {problem.id!r}")


def check_queries(language: Language, tests: Iterable[Test], where: str) -> None:
    """See that nothing asks a query of a language that has none.

    Args:
        language: the backend.
        tests: what is to be asked.
        where: names what the tests belong to, in the message.

    Raises:
        UsageError: a test has a query, and the language would ignore it.
    """
    query = next((test.query for test in tests if test.query is not None), None)
    if query is not None and not language.queries:
        raise UsageError(
            f"{where} asks the query {query!r}, but {language.title} has no queries: a program is only run. "
            "Leave the query out, or take a language that has them, such as prolog"
        )
