"""Whether a right answer was programmed; analyses are those that Prolog's reader gives, written down by hand."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from lowres_code.completion import Completion
from lowres_code.judgement import Judgement
from lowres_code.language.analysis import Analysis
from lowres_code.language.base import Execution, Status
from lowres_code.problem import Problem, Test
from lowres_code.quantities import numbers_given
from lowres_code.trust import is_bare, trust_of

EGGS = "Janet's ducks lay 16 eggs a day. She eats three, bakes with four, and sells the rest at $2. What does she make?"


def asked(question: str, **test: Any) -> Problem:
    return Problem("p", question, (Test("18", **test),))


def judged(
    answer: str | None, operations: int, *literals: str, reasoning: str | None = None, query: str | None = None
) -> Judgement:
    execution = Execution(Status.OK if answer else Status.NO_ANSWER, answer)
    analysis = Analysis(1, 1, 0, operations, literals)
    return Judgement("correct", Completion("", reasoning, "p", True, query=query), execution, analysis=analysis)


@pytest.mark.parametrize(
    ("answer", "operations", "literals"),
    [
        ("18", 0, ("18",)),  # solve(18).
        ("18", 0, ("janet", "18")),  # made(janet, 18). solve(X) :- made(janet, X).
        ("18", 0, ("18.0",)),  # solve(18.0).
        ("[3,1,2]", 0, ("3", "1", "2")),  # solve([3,1,2]).
        ("ab" * 150, 0, ("ab" * 100,)),  # solve('abab...'), a literal that is cut
        ("1\t2\t3\n", 0, ("1", "2", "3")),  # print(1, 2, 3)
        ("18", 0, ("1", "8")),  # print("1".."8")
        ("18", 0, ("9", "16")),  # whatever it is, nothing computes it
        ("18", 1, ("36", "2")),  # solve(X) :- {X = 36 / 2}: the 36 was computed in prose
        ("18", 1, ("45", "27")),  # 45 - 27
        ("18", 3, ("5", "13", "0.35", "101")),  # none of these is given
        ("18", 2, ("16", "14", "2")),  # 16 + 14 / ..., with a 14 from nowhere
        ("18", 1, ("17", "1")),  # 17 + 1
    ],
)
def test_what_is_bare(answer: str, operations: int, literals: tuple[str, ...]) -> None:
    assert is_bare(judged(answer, operations, *literals), asked(EGGS))


@pytest.mark.parametrize(
    ("answer", "operations", "literals"),
    [
        ("18", 3, ("16", "3", "4", "2")),  # (16 - 3 - 4) * 2
        ("18", 1, ("16", "2")),  # wrong as a sum, but of what is given
        ("18", 2, ("7", "16", "2")),  # seven is as good as three and four
        ("18", 4, ("16", "3", "4", "2", "250")),  # long enough to have a reason for the 250
        (None, 0, ("18",)),  # no answer
        ("18", 2, ("16", "180", "90")),  # angles are common, as hours are
        ("18", 2, ("16", "25", "360")),
    ],
)
def test_what_is_not(answer: str | None, operations: int, literals: tuple[str, ...]) -> None:
    assert not is_bare(judged(answer, operations, *literals), asked(EGGS))


@pytest.mark.parametrize("test", [{"stdin": "14"}, {"query": "roman(14, X)"}, {"query": 'f("a", X).'}])
def test_what_the_tests_give_need_not_stand_in_the_question(test: dict[str, str]) -> None:
    problem = asked("Define roman(N, R), for example roman(14, X).", **test)
    assert not is_bare(judged("xiv", 3, "1000", "m", "xl"), problem)
    assert not is_bare(judged("[x,iv]", 0, "x", "v"), problem)  # made of what it was given
    assert is_bare(judged("[x,v]", 0, "x", "v"), problem)
    assert is_bare(judged("a b " * 100, 0, ("a b " * 50)), problem)


def test_a_query_that_only_asks_gives_nothing() -> None:
    problem = asked("How many?", query="solve(X)")
    assert is_bare(judged("18", 0, "9"), problem)
    assert is_bare(judged("18", 0, "9", query=" ?- solve(X, _Y). "), asked("How many?"))
    assert is_bare(judged("18", 1, "36", "2"), asked(EGGS, query="solve(X)."))


def test_a_completion_may_compute_in_its_query() -> None:
    assert not is_bare(judged("18", 0, "16", "2", query="n(A), k(B), X is A + B"), asked(EGGS))
    assert is_bare(judged("18", 0, "16", query="X = 18"), asked(EGGS))


@pytest.mark.parametrize(
    ("question", "literals"),
    [
        ("Solve ((0x1a2b + 0x3c) - 0b101) * 0o17.", ("6699", "60", "5", "15")),
        ("Tom runs for two and a half hours, 3 days.", ("2.5", "3")),
        ("Two fifths of the 50 pupils", ("0.4", "50")),
        ("She eats one and three-quarters of 7 pies", ("1.75", "7")),
        ("It takes 2 and a half hours and 14 minutes", ("2.5", "14")),
        ("Each needs 2 1/2 cups and 1-3/8 spoons for 20", ("2.5", "1.375", "20")),
        ("Each needs 2½ cups or 2 and 3/4 for 20", ("2.5", "2.75", "20")),
        ("An hour and a half, 14 times", ("1.5", "14")),
        ("There are twenty-five apples in each of 4 boxes.", ("25", "4")),
        ("Of one hundred and fifty birds 20 fly away.", ("150", "20")),
        ("A pen costs $.50, and she buys 14.", ("0.5", "14")),
        ("Three dozen eggs are for 4 children.", ("36", "4")),
        ("Two thousand five hundred people pay 8 dollars.", ("2500", "8")),
    ],
)
def test_numbers_in_words_are_given(question: str, literals: tuple[str, ...]) -> None:
    assert not is_bare(judged("1", 1, *literals), asked(question))
    assert is_bare(judged("1", 1, *literals, "77"), asked(question))


def test_a_question_without_numbers_says_nothing_of_foreign_ones() -> None:
    assert not is_bare(judged("26", 1, "13.5", "12.5"), asked("How many letters has the alphabet?"))
    assert is_bare(judged("26", 0, "26"), asked("How many letters has the alphabet?"))


def test_the_numbers_that_a_question_gives() -> None:
    found = numbers_given("Half of the 1,200 eggs cost twenty cents, 15% are broken, and 3/8 are brown.")
    assert {Fraction(1, 2), Fraction(1200), Fraction(20), Fraction(1, 5), Fraction(15), Fraction(3, 20)} <= found
    assert {Fraction(85, 100), Fraction(115, 100), Fraction(3, 8), Fraction(5, 8)} <= found
    assert not {Fraction(240), Fraction(600)} & found


def test_endless_numbers_harm_nobody() -> None:
    for endless in ("1" + ",111" * 1_500, "1" * 6_000, "1," * 3_000, "." + "1" * 6_000, "0x" + "f" * 6_000):
        trust = trust_of(judged("18", 3, "16", "3", reasoning=f"It is {endless}, and 16."), asked(f"{EGGS} {endless}"))
        assert trust is not None and trust.agreement == 1 / 2


def test_what_is_kept_of_a_judgement() -> None:
    trust = trust_of(judged("18", 3, "16", "3", "4", "2", reasoning="16 - 3 - 4 is 9."), asked(EGGS))
    assert trust is not None
    assert (trust.bare, trust.clauses, trust.operations) == (False, 1, 3)
    assert trust.agreement == pytest.approx(3 / 4)
    assert trust_of(Judgement("no_code", Completion("", None, None, False)), asked(EGGS)) is None
    silent = trust_of(judged("18", 1, "16", "2"), asked(EGGS))
    assert silent is not None and silent.agreement is None
