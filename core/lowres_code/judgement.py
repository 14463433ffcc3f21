"""What the judge says of a completion, and when it is not to be trusted."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from lowres_code.completion import Completion
from lowres_code.errors import JudgeError
from lowres_code.language.analysis import Analysis
from lowres_code.language.base import Execution, Status

CORRECT = "correct"
WRONG_ANSWER = "wrong_answer"
NO_CODE = "no_code"
INFRA_ERROR = Status.INFRA_ERROR.value


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
class Follows:
    """Whether a right program is still right when it is changed; ``None`` where a check does not apply.

    Attributes:
        renaming: when its own names are others.
        numbers: when the question's numbers, and with them those in the program, are others.
    """

    renaming: bool | None = None
    numbers: bool | None = None


@dataclass(frozen=True, slots=True)
class Judgement(Judged):
    """A completion, its verdict, and the execution that decided it.

    Attributes:
        verdict: ``correct``, ``wrong_answer``, ``no_code``, or the status of the execution that did not succeed.
        completion: the completion, taken apart.
        execution: the first execution that failed, else the last; ``None`` for ``no_code``.
        failed_test: which of the problem's tests that was, counted from 0; ``None`` if all passed or none was run.
        tests: how many the problem has.
        passed: how many of them the program has passed; ``None`` if not all were run, since one had failed.
        analysis: what the program consists of, if somebody has asked (`Judge.analyse`) and it can be told.
        answers: how many different answers a right program has (`lowres_code.solutions`), likewise.
        follows: whether it is still right when it is changed (`lowres_code.metamorphic`), likewise.
    """

    verdict: str
    completion: Completion
    execution: Execution | None = None
    failed_test: int | None = None
    analysis: Analysis | None = None
    tests: int = 1
    passed: int | None = None
    answers: int | None = None
    follows: Follows | None = None

    @property
    def fraction(self) -> float | None:
        """The share of the tests that the program has passed; ``None`` if not all were run."""
        return None if self.passed is None else self.passed / self.tests


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
