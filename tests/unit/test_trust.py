"""Whether a right answer was programmed; analyses are those that Prolog's reader gives, written down by hand."""

from __future__ import annotations

from fractions import Fraction

import pytest
from lowres_code.completion import Completion
from lowres_code.judgement import Judgement
from lowres_code.language.analysis import Analysis
from lowres_code.language.base import Execution, Status
from lowres_code.trust import is_bare, numbers_given, trust_of

EGGS = "Janet's ducks lay 16 eggs a day. She eats three, bakes with four, and sells the rest at $2. What does she make?"


def judged(answer: str | None, operations: int, *literals: str, reasoning: str | None = None) -> Judgement:
    execution = Execution(Status.OK if answer else Status.NO_ANSWER, answer)
    analysis = Analysis(1, 1, 0, operations, literals)
    return Judgement("correct", Completion("", reasoning, "p", True), execution, analysis=analysis)


@pytest.mark.parametrize(
    ("answer", "operations", "literals"),
    [
        ("18", 0, ("18",)),  # solve(18).
        ("18", 0, ("janet", "18")),  # made(janet, 18). solve(X) :- made(janet, X).
        ("18", 0, ("18.0",)),  # solve(18.0).
        ("18", 1, ("36", "2")),  # solve(X) :- {X = 36 / 2}: the 36 was computed in prose
        ("18", 1, ("45", "27")),  # 45 - 27
        ("18", 3, ("5", "13", "0.35", "101")),  # none of these is given
        ("18", 2, ("16", "14", "2")),  # 16 + 14 / ..., with a 14 from nowhere
        ("18", 1, ("17", "1")),  # 17 + 1
    ],
)
def test_what_is_bare(answer: str, operations: int, literals: tuple[str, ...]) -> None:
    assert is_bare(judged(answer, operations, *literals), EGGS)


@pytest.mark.parametrize(
    ("answer", "operations", "literals"),
    [
        ("18", 3, ("16", "3", "4", "2")),  # (16 - 3 - 4) * 2
        ("18", 1, ("16", "2")),  # wrong as a sum, but of what is given
        ("18", 2, ("7", "16", "2")),  # seven is as good as three and four
        ("18", 4, ("16", "3", "4", "2", "250")),  # long enough to have a reason for the 250
        (None, 0, ("18",)),  # no answer
        ("18", 0, ("9", "16")),  # an answer from nowhere that is not written
    ],
)
def test_what_is_not(answer: str | None, operations: int, literals: tuple[str, ...]) -> None:
    assert not is_bare(judged(answer, operations, *literals), EGGS)


@pytest.mark.parametrize(
    ("question", "literals"),
    [
        ("There are twenty-five apples in each of 4 boxes.", ("25", "4")),
        ("Of one hundred and fifty birds 20 fly away.", ("150", "20")),
        ("A pen costs $.50, and she buys 14.", ("0.5", "14")),
        ("Three dozen eggs are for 4 children.", ("36", "4")),
        ("Two thousand five hundred people pay 8 dollars.", ("2500", "8")),
    ],
)
def test_numbers_in_words_are_given(question: str, literals: tuple[str, ...]) -> None:
    assert not is_bare(judged("1", 1, *literals), question)
    assert is_bare(judged("1", 1, *literals, "77"), question)


def test_a_question_without_numbers_says_nothing_of_foreign_ones() -> None:
    assert not is_bare(judged("26", 1, "13.5", "12.5"), "How many letters has the alphabet?")
    assert is_bare(judged("26", 0, "26"), "How many letters has the alphabet?")


def test_the_numbers_that_a_question_gives() -> None:
    found = numbers_given("Half of the 1,200 eggs cost twenty cents, 15% are broken, and 3/8 are brown.")
    assert {Fraction(1, 2), Fraction(1200), Fraction(20), Fraction(1, 5), Fraction(15), Fraction(3, 20)} <= found
    assert {Fraction(85, 100), Fraction(115, 100), Fraction(3, 8), Fraction(5, 8)} <= found
    assert not {Fraction(240), Fraction(600)} & found


def test_endless_numbers_harm_nobody() -> None:
    for endless in ("1" + ",111" * 1_500, "1" * 6_000, "1," * 3_000, "." + "1" * 6_000, "0x" + "f" * 6_000):
        trust = trust_of(judged("18", 3, "16", "3", reasoning=f"It is {endless}, and 16."), f"{EGGS} {endless}")
        assert trust is not None and trust.agreement == 1 / 2


def test_what_is_kept_of_a_judgement() -> None:
    trust = trust_of(judged("18", 3, "16", "3", "4", "2", reasoning="16 - 3 - 4 is 9."), EGGS)
    assert trust is not None
    assert (trust.bare, trust.clauses, trust.operations) == (False, 1, 3)
    assert trust.agreement == pytest.approx(3 / 4)
    assert trust_of(Judgement("no_code", Completion("", None, None, False)), EGGS) is None
    silent = trust_of(judged("18", 1, "16", "2"), EGGS)
    assert silent is not None and silent.agreement is None
