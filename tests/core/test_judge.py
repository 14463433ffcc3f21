from __future__ import annotations

import pytest
from lowres_code.completion import format_completion
from lowres_code.errors import JudgeError
from lowres_code.evaluation.run import check_infrastructure
from lowres_code.judge import Judge, Judgement
from lowres_code.language.base import Execution, Status
from lowres_code.problem import Problem, Test
from lowres_code.reward import TERMS


def problem(answer: str) -> Problem:
    return Problem("p", "q", (Test(answer),))


CASES = [
    (format_completion("r", "solve(X) :- X is 6 * 7."), "42", "correct"),
    (format_completion("r", "solve(X) :- X is 6 * 7."), "41", "wrong_answer"),
    (format_completion("r", "solve(X) :- X is 7 rdiv 2."), "3.50", "correct"),
    (format_completion("r", "solve(X) :- X is 1200 * 1."), "1,200", "correct"),
    ("```prolog\nsolve(42).\n```", "42", "correct"),
    ("42", "42", "no_code"),
    (format_completion("r", "solve(X) :- X is"), "42", "syntax_error"),
    (format_completion("r", "solve(X) :- X is foo."), "42", "runtime_error"),
    (format_completion("r", "solve(X) :- fail."), "42", "no_answer"),
    (format_completion("r", "solve(_)."), "42", "no_answer"),
    (format_completion("r", "solve(40 + 2)."), "42", "no_answer"),
    (format_completion("r", ":- write(42), halt."), "42", "no_answer"),
    (format_completion("r", "solve(X) :- solve(X)."), "42", "timeout"),
    (format_completion("r", "solve(X) :- numlist(1, 100000000, L), sum_list(L, X)."), "42", "memory_limit"),
    (format_completion("r", "solve(42) :- repeat, write('42\\n'), fail."), "42", "output_limit"),
]


def test_verdicts_in_order(judge: Judge) -> None:
    completions, answers, verdicts = zip(*CASES, strict=True)
    judged = judge.judge(completions, [problem(answer) for answer in answers])
    assert [judgement.verdict for judgement in judged] == list(verdicts)


def test_every_test_of_a_problem_must_pass(judge: Judge) -> None:
    program = format_completion("r", "solve(X) :- read(N), X is N * N.")
    both = Problem("p", "q", (Test("9", stdin="3."), Test("16", stdin="4.")))
    second_wrong = Problem("p", "q", (Test("9", stdin="3."), Test("15", stdin="4.")))
    right, wrong = judge.judge([program] * 2, [both, second_wrong])
    assert right.correct
    assert wrong.verdict == "wrong_answer"
    assert wrong.execution is not None
    assert (wrong.execution.answer, wrong.failed_test, right.failed_test) == ("16", 1, None)
    no_code, failed = judge.judge(["no program", format_completion("r", "solve(X) :- X is foo.")], [both, both])
    assert (no_code.failed_test, failed.failed_test) == (None, 0)


def test_a_problem_may_ask_its_own_query(judge: Judge) -> None:
    asked = Problem("p", "q", (Test("[1,2]", query="pair(L)."),))
    assert judge.judge([format_completion("r", "pair([1, 2]).")], [asked])[0].correct


@pytest.mark.parametrize(
    ("verdict", "values"),
    [
        ("correct", {"correct": 1, "runs": 1, "syntax": 1, "format": 1}),
        ("wrong_answer", {"correct": 0, "runs": 1, "syntax": 1, "format": 1}),
        ("runtime_error", {"correct": 0, "runs": 0, "syntax": 1, "format": 1}),
        ("syntax_error", {"correct": 0, "runs": 0, "syntax": 0, "format": 1}),
        ("infra_error", {"correct": None, "runs": None, "syntax": None, "format": None}),
    ],
)
def test_reward_terms(verdict: str, values: dict[str, float | None], judge: Judge) -> None:
    completion = judge.judge([format_completion("r", "solve(1).")], [problem("1")])[0].completion
    judgement = Judgement(verdict, completion)
    assert {term.name: term.score(judgement) for term in TERMS if term.name != "coin"} == values


def test_no_code_earns_nothing_but_may_be_well_formed(judge: Judge) -> None:
    judgement = judge.judge(["<reasoning>r</reasoning><code> </code>"], [problem("1")])[0]
    assert [term.score(judgement) for term in TERMS if term.name in ("correct", "runs", "syntax")] == [0, 0, 0]


def test_the_judges_own_failures_stop_a_run_above_two_percent(judge: Judge) -> None:
    good = judge.judge([CASES[0][0]], [problem("42")])[0]
    bad = Judgement("infra_error", good.completion, Execution(Status.INFRA_ERROR))
    check_infrastructure([good] * 98 + [bad] * 2)
    with pytest.raises(JudgeError, match="failed on 3 of 100"):
        check_infrastructure([good] * 97 + [bad] * 3)
