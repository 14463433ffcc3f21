"""A child that calls what its language has made ready, in each isolation, and what becomes of it if that goes wrong."""

from __future__ import annotations

import pytest
from lowres_code.judge import Judge
from lowres_code.language.base import Execution, Status
from lowres_code.problem import Test

from tests.core.sandbox.ready import Fails, Greeter, Misunderstands, NotReady, Raises


def executed(language: Greeter, isolation: str = "namespaces") -> list[Execution]:
    with Judge(language, isolation=isolation, workers=1) as judge:
        return judge.execute(["anything", "something else"], [Test(), Test()])


@pytest.mark.parametrize("isolation", ["namespaces", "limits"])
def test_what_is_told_comes_out_whole(isolation: str) -> None:
    assert [(one.status, one.answer) for one in executed(Greeter(), isolation)] == [(Status.OK, "hello")] * 2


def test_a_call_that_fails_is_understood() -> None:
    (first, second) = executed(Fails())
    assert (first.status, second.status) == (Status.RUNTIME_ERROR, Status.RUNTIME_ERROR)
    assert [note.message for note in first.diagnostics] == ["a call has failed"]


def test_a_call_that_raises_is_the_judge_s_failure_and_no_child_goes_on_as_a_worker() -> None:
    for one in executed(Raises()):
        assert (one.status, one.stderr) == (Status.INFRA_ERROR, "")
        assert "has raised an exception" in one.diagnostics[0].message


def test_a_language_that_cannot_make_anything_ready_executes() -> None:
    assert [one.answer for one in executed(NotReady())] == ["hello from Python"] * 2


def test_a_language_that_does_not_understand_itself_is_the_judge_s_failure() -> None:
    assert {one.status for one in executed(Misunderstands())} == {Status.INFRA_ERROR}
