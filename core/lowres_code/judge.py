"""The one judge: where a program meets a problem and a verdict comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType

from lowres_code.completion import Completion, parse_completion
from lowres_code.errors import JudgeError, UsageError
from lowres_code.language.base import Execution, Language, Limits, Status
from lowres_code.problem import Problem, Test
from lowres_code.sandbox.isolation import choose_isolation
from lowres_code.sandbox.pool import Pool

CORRECT = "correct"
WRONG_ANSWER = "wrong_answer"
NO_CODE = "no_code"
INFRA_ERROR = Status.INFRA_ERROR.value
MOST_WORKERS = 1_000


@dataclass(frozen=True, slots=True)
class Judgement:
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


class FailureWindow:
    """Notices that the judge itself is broken: what it says of other completions is not to be trusted then.

    It is, if of the last ``window`` completions at least ``minimum`` failed and more than ``share`` of them. So single
    failures end nothing, a judge that fails on everything is found within a batch of eight, and one that fails now and
    then, within a thousand completions. A batch longer than the window is looked at as a whole.
    """

    def __init__(self, share: float = 0.02, window: int = 1_000, minimum: int = 8) -> None:
        self._share, self._window, self._minimum = share, window, minimum
        self._recent: list[bool] = []
        self._judged = False
        self._reason = "unknown"

    def add(self, judgements: Sequence[Judgement]) -> None:
        """Take note of what was judged last.

        Raises:
            JudgeError: too many have failed, with the last failure's reason.
        """
        failures = [judgement.verdict == INFRA_ERROR for judgement in judgements]
        self._recent = (self._recent + failures)[-max(self._window, len(failures)) :]
        self._judged |= not all(failures)
        for judgement in judgements:
            if judgement.verdict == INFRA_ERROR and judgement.execution and judgement.execution.diagnostics:
                self._reason = judgement.execution.diagnostics[0].message
        failed = sum(self._recent)
        if failed >= self._minimum and failed > self._share * len(self._recent):
            self._fail(failed)

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
        """Run each program once with its test, in order."""
        return self._pool.run(list(zip(programs, tests, strict=True)), self.limits)

    def check_syntax(self, programs: Sequence[str]) -> list[Execution]:
        """Ask the language's reader about each program."""
        return self._pool.run([(program, Test()) for program in programs], self.limits, "check_syntax")

    def judge(self, completions: Sequence[str], problems: Sequence[Problem]) -> list[Judgement]:
        """The verdict on each completion as a solution of its problem."""
        parsed = [parse_completion(text, self.language.fences) for text in completions]
        return self.judge_parsed(parsed, [problem.tests for problem in problems])

    def judge_parsed(self, completions: Sequence[Completion], tests: Sequence[tuple[Test, ...]]) -> list[Judgement]:
        """The verdict on each completion; its program must pass all the tests that stand at its place."""
        jobs = [
            (completion.program, test)
            for completion, given in zip(completions, tests, strict=True)
            if completion.program is not None
            for test in given
        ]
        executions = iter(self._pool.run(jobs, self.limits))
        return [
            Judgement(NO_CODE, completion)
            if completion.program is None
            else self._judgement(completion, [(test, next(executions)) for test in given])
            for completion, given in zip(completions, tests, strict=True)
        ]

    def verdict(self, execution: Execution, test: Test) -> str:
        """The verdict on one execution."""
        if execution.status is not Status.OK:
            return str(execution.status.value)
        if execution.answer is None:  # a backend that says ok and gives none
            return str(Status.NO_ANSWER.value)
        if test.expected is None:
            raise ValueError("a verdict needs an expected answer")
        return CORRECT if self.language.compare(test.expected, execution.answer) else WRONG_ANSWER

    def close(self) -> None:
        """End the workers."""
        self._pool.close()

    def _judgement(self, completion: Completion, runs: list[tuple[Test, Execution]]) -> Judgement:
        for number, (test, execution) in enumerate(runs):
            verdict = self.verdict(execution, test)
            if verdict != CORRECT:
                return Judgement(verdict, completion, execution, failed_test=number)
        return Judgement(CORRECT, completion, runs[-1][1])

    def __enter__(self) -> Judge:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
