"""Expected values worked out by hand, or by `fractions` and `decimal` for random ones."""

from __future__ import annotations

import random
from decimal import Decimal
from fractions import Fraction

import pytest
from lowres_code.answers import clean_gold, same_answer

SAME = [
    ("42", "42"),
    ("42", "42.0"),
    ("42.0", "42"),
    ("3.5", "7r2"),
    ("7/2", "7r2"),
    ("7/2", "3.50"),
    ("3.5", '"3.50"'),
    ("'3.50'", "7/2"),
    ("-1/3", "-2r6"),
    ("1,200", "1200"),
    ("$1,200", "1200"),
    ("-$5", "-5"),
    ("€ 3,000,000", "3000000"),
    ("0.3", "0.30000000000000004"),
    ("0.3333333", "1r3"),
    ("1e3", "1000"),
    ("1000", "1.0e3"),
    ("+7", "7"),
    ("5.", "5"),
    ("yes", " yes "),
    ('"Anna is a knight."', "Anna is a knight."),
    (str(10**400), f"{10**400}.0"),
    ("1e400", str(10**400)),
]
DIFFERENT = [
    ("42", "43"),
    ("1000001", "1000000"),  # two exact integers: no tolerance
    ("7r2", "7r3"),
    ("1/0", "1r0"),
    ("0.3", "0.30001"),
    ("1,2", "12"),  # no thousands separator
    ("10,00", "1000"),
    ("Paris, 1,200", "Paris, 1200"),
    ("yes", "Yes"),
    ("", "0"),
    ("0", ""),
    ("nan", "0"),
    ("inf", "1e9999"),
    ("3", "3 apples"),
    ("3+4", "7"),
    ("1_000", "1000"),
]


@pytest.mark.parametrize(("expected", "actual"), SAME)
def test_same(expected: str, actual: str) -> None:
    assert same_answer(expected, actual)


@pytest.mark.parametrize(("expected", "actual"), DIFFERENT)
def test_different(expected: str, actual: str) -> None:
    assert not same_answer(expected, actual)


def test_random_fractions_against_the_decimal_module() -> None:
    rng = random.Random(1)
    for _ in range(500):
        value = Fraction(rng.randint(-(10**6), 10**6), 2 ** rng.randint(0, 6) * 5 ** rng.randint(0, 6))
        text = str(Decimal(value.numerator) / Decimal(value.denominator))
        assert same_answer(text, f"{value.numerator}r{value.denominator}"), text
        assert not same_answer(f"{value.numerator + value.denominator}/{value.denominator}", str(value))


@pytest.mark.parametrize(
    ("gold", "clean"),
    [("1,234", "1234"), ("$18", "18"), (" 7 ", "7"), ("3,4", "3,4"), ("A, 1,000", "A, 1,000"), ("1,000.50", "1000.50")],
)
def test_gold_answers_lose_separators_and_currency(gold: str, clean: str) -> None:
    assert clean_gold(gold) == clean


def test_an_endless_number_is_compared_as_text_and_at_once() -> None:
    assert same_answer("9" * 100_000, "9" * 100_000)
    assert not same_answer("9" * 100_000, "9" * 100_001)


@pytest.mark.parametrize("gold", ["a" + " " * 200_000 + "b", "111," * 100_000 + "1111"])
def test_a_hostile_gold_answer_is_soon_read(gold: str) -> None:
    """A time that grows with the square of the length would be many minutes here."""
    assert clean_gold(gold) == gold
