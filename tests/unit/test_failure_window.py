"""When the judge's own failures end a run: at least 8 of the last 1,000 completions, and more than 2 % of them."""

from __future__ import annotations

import pytest
from lowres_code.completion import parse_completion
from lowres_code.errors import JudgeError
from lowres_code.judgement import CORRECT, INFRA_ERROR, NO_CODE, FailureWindow, Judgement
from lowres_code.language.base import Diagnostic, Execution, Status

COMPLETION = parse_completion("", ())
GOOD, NONE = Judgement(CORRECT, COMPLETION), Judgement(NO_CODE, COMPLETION)


def bad(reason: str = "the worker ended") -> Judgement:
    execution = Execution(Status.INFRA_ERROR, diagnostics=(Diagnostic(reason),))
    return Judgement(INFRA_ERROR, COMPLETION, execution, 0)


@pytest.mark.parametrize("failed", [0, 1, 7])
def test_single_failures_of_a_batch_end_nothing(failed: int) -> None:
    window = FailureWindow()
    window.add([GOOD] * (32 - failed) + [bad()] * failed)
    window.finish()


def test_eight_of_a_batch_of_32_end_it_with_the_last_reason() -> None:
    with pytest.raises(JudgeError, match=r"failed on 8 of the last 32 completions; the last failure: no space$"):
        FailureWindow().add([bad()] * 7 + [GOOD] * 24 + [bad("no space")])


def test_a_judge_that_fails_on_everything_is_found_in_one_batch_or_at_the_eighth() -> None:
    with pytest.raises(JudgeError, match="all 32 completions"):
        FailureWindow().add([bad()] * 32)
    window = FailureWindow()
    for _ in range(7):
        window.add([bad()])
    with pytest.raises(JudgeError, match="all 8 completions"):
        window.add([bad()])


def test_what_fails_now_and_then_is_found_when_it_is_more_than_two_percent_of_the_window() -> None:
    window = FailureWindow()
    for _ in range(50):
        window.add([bad(), *[GOOD] * 99])  # 1 %, for ever
    with pytest.raises(JudgeError, match="failed on 21 of the last 1000"):
        window.add([bad()] * 12)  # 1,000 are left: 9 from before, 12 now


def test_two_percent_is_not_more_than_two_percent() -> None:
    FailureWindow().add([bad()] * 20 + [GOOD] * 900 + [NONE] * 80)
    with pytest.raises(JudgeError, match="failed on 21 of the last 1000"):
        FailureWindow().add([bad()] * 21 + [GOOD] * 979)


def test_what_is_long_ago_is_forgotten_and_a_long_batch_is_looked_at_as_a_whole() -> None:
    window = FailureWindow()
    window.add([bad()] * 7 + [GOOD] * 993)
    window.add([GOOD] * 1000)
    window.add([bad()] * 7)
    FailureWindow().add([bad()] * 50 + [GOOD] * 2450)
    with pytest.raises(JudgeError, match="failed on 51 of the last 2500"):
        FailureWindow().add([bad()] * 51 + [GOOD] * 2449)


def test_a_small_evaluation_stands_with_some_failures_and_not_with_nothing_else() -> None:
    window = FailureWindow()
    window.add([GOOD] * 37 + [bad()] * 3)
    window.finish()
    FailureWindow().finish()
    window = FailureWindow()
    window.add([bad()] * 4)
    with pytest.raises(JudgeError, match="failed on all 4 completions; the last failure: the worker ended"):
        window.finish()
