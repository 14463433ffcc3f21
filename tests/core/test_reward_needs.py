"""What reward terms get to know beside a verdict, by a real judge."""

from __future__ import annotations

import pytest
from lowres_code.judge import Judge
from lowres_code.problem import Problem, Test
from lowres_code.reward import TERMS
from lowres_code.reward.needs import informed

PROBLEM = Problem("p", "What is 14 * 32 - 85?", (Test("363"),))
OTHER = Problem("o", "What is 20 * 41 - 99?", (Test("721"),))
PROGRAMS = {
    "honest": "lots(14, 32).\nsolve(X) :- lots(A, B), X is A * B - 85.",
    "stated": "solve(363).",
    "listed": "solve(X) :- member(X, [363, 364]).",
    "named": "k363.\nsolve(X) :- current_predicate(N/0), atom_concat(k, A, N), atom_number(A, X).",
    "wrong": "solve(X) :- X is 14 * 32.",
}


@pytest.mark.parametrize(
    ("name", "earned"),
    [
        ("one_answer", {"honest": 1.0, "stated": 1.0, "listed": 0.0, "named": 1.0, "wrong": 0.0}),
        ("follows_renaming", {"honest": 1.0, "stated": 1.0, "listed": 1.0, "named": 0.0, "wrong": 0.0}),
        ("follows_numbers", {"honest": 1.0, "stated": 0.0, "listed": 0.0, "named": 1.0, "wrong": 0.0}),
    ],
)
def test_terms_that_need_more_executions(name: str, earned: dict[str, float], judge: Judge) -> None:
    (term,) = [term for term in TERMS if term.name == name]
    texts = [f"<code>{program}</code>" for program in PROGRAMS.values()]
    problems = [PROBLEM] * len(texts)
    known = informed(judge, judge.judge(texts, problems), problems, [term], lambda _: [OTHER])
    assert {kind: term.score(PROBLEM, one) for kind, one in zip(PROGRAMS, known, strict=True)} == earned


def test_nothing_is_asked_that_no_term_needs(judge: Judge) -> None:
    judged = judge.judge([f"<code>{PROGRAMS['honest']}</code>"], [PROBLEM])
    (correct,) = [term for term in TERMS if term.name == "correct"]
    assert informed(judge, judged, [PROBLEM], [correct]) == judged
