"""Expected values worked out by hand, or by `fractions` and `decimal` for random ones."""

from __future__ import annotations

import random
from decimal import Decimal
from fractions import Fraction

import pytest
from lowres_code.answers import clean_gold, same_answer, same_number, same_text

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
    ("1e9999", "10e9998"),
    ("1.50e9999", "15e9998"),
    ("15e-9999", "1.5e-9998"),
    ("1.5e-9998", "1.5000001e-9998"),
    ("0e9999", "0.0"),
    ("+7", "7"),
    ("5.", "5"),
    ("yes", " yes "),
    ('"Anna is a knight."', "Anna is a knight."),
    (str(10**400), f"{10**400}.0"),
    ("1e400", str(10**400)),
    # equal text is right, and cleaning is for both sides
    ("1,200", "1,200"),
    ("$5", "$5"),
    ("5", "$5"),
    ("1200", "1,200"),
    ("1,200.50", "$1,200.5"),
    ('"1,200"', "1200"),
    ("1,000/3", "1000r3"),
    # a whole number, however it is written
    ("42", "4.2e1"),
    ("42", "84/2"),
    ("84r2", "42.00"),
    ("-9867630.0", "-9867630"),
    ("1e3", "1,000"),
    # the tolerance, where one is not whole
    ("3", "2.9999999999999996"),
    ("2.9999999999999996", "3"),
    ("1000000", "1000000.0000001"),
    ("0.1", "0.10000000000000001"),
    # what is printed
    ("1\n2\nFizz\n", "1 \n2 \nFizz \n"),
    ("1\n2\nFizz", "1\n2\nFizz\n\n \n"),
    ("1\r\n2\r\n", "1\n2\n"),
    ("1\n2\n", "1\r\n2\r\n"),
    ("0.3 1.0", "0.30000000000000004 1.0"),
    ("1 2 3", " 1  2.0   3"),
    ("1\nFizz", "           1\n Fizz\n"),  # as Fortran prints a list
    ("x = 0.3\ny = 7/2", "x = 0.30000000000000004\ny = 3.5"),
    ("a\n\nb", "a\n  \nb"),
]
DIFFERENT = [
    ("42", "43"),
    ("1000001", "1000000"),  # two exact integers: no tolerance
    ("7r2", "7r3"),
    ("1/0", "1r0"),
    ("0.3", "0.30001"),
    ("1e9999", "1.0000001e9999"),  # both are whole
    ("1e9999", "1e9998"),
    ("1.5e-9998", "1.50001e-9998"),
    ("0", "1e-9999"),
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
    ("-9867630.0", "-9867631"),
    ("-9867630", "-9867631.0"),
    ("9867630.0", "9867631.0"),
    ("1e7", "10000001"),
    ("20000002/2", "1.0e7"),
    ("3", "2.9999"),
    ("$5", "$6"),
    ("1,200", "1,201"),
    ("1.234,567", "1.234567"),
    ("1 2 3", "1 2"),
    ("1 2", "1 2 3"),
    ("1 2 3", "1 2 4"),
    ("12", "1 2"),
    ("1\n2", "1 2"),
    ("1\n2", "1\n\n2"),
    ("a b", "ab"),
    ("10000000 1", "10000001 1"),
    ("42", "42\n43"),
    ("42", "The answer is 42"),
    ("1\n2", "\n1\n2"),
    ("a\nb", " \r\n\na\nb"),
    ("\na\nb", "a\nb"),
]


@pytest.mark.parametrize(("expected", "actual"), SAME)
def test_same(expected: str, actual: str) -> None:
    assert same_answer(expected, actual)


@pytest.mark.parametrize(
    ("expected", "actual"), [("\na\nb", "\r\na\nb\n\n"), ("a\nb", "  a\nb \n"), ("42", "\n42\n"), ("Paris", "\nParis")]
)
def test_blank_lines_that_do_not_count(expected: str, actual: str) -> None:
    assert same_answer(expected, actual)


@pytest.mark.parametrize(("expected", "actual"), DIFFERENT)
def test_different(expected: str, actual: str) -> None:
    assert not same_answer(expected, actual)


def test_the_golds_of_a_data_set_that_are_written_as_floats_do_not_accept_their_neighbours() -> None:
    for gold in (2.0, 50000.0, 9867630.0, 123456789012.0):
        assert same_answer(str(gold), str(int(gold)))
        assert not same_answer(str(gold), str(int(gold) + 1))
        assert not same_answer(str(int(gold)), str(gold - 1))


@pytest.mark.parametrize(
    ("expected", "actual", "same"),
    [
        ("  *\n ***\n", "  *\n ***", True),
        ("  *\n ***", "*\n***", False),
        ("  *\n ***", " *\n ***", False),
        ("1\r\n2\r\n", "1\n2", True),
        ("1\n2", "1 \n2", False),
        ("42", "42.0", False),
        ("1,200", "1200", False),
        ("42\n", "42\n\n", True),
    ],
)
def test_printed_text_compared_character_by_character(expected: str, actual: str, same: bool) -> None:
    assert same_text(expected, actual) is same


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("1 " * 130_000, "1.0 " * 65_000 + "1 " * 65_000),
        ("1\n" * 130_000, " 1\r\n" * 130_000),
        ("x" + " " * 260_000 + "y", "x y"),
        ("0.5 " * 1000, "0.5" + "0" * 250 + " " + "0.5 " * 999),
        ("1,1 " * 60_000, "1,1\t" * 60_000),
    ],
)
def test_much_output_is_soon_compared(expected: str, actual: str) -> None:
    """A time that grows with the square of the length would be many minutes here."""
    assert same_answer(expected, actual)
    assert not same_answer(expected, actual + "z")


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


def test_no_number_is_written_out_for_its_exponent(monkeypatch: pytest.MonkeyPatch) -> None:
    def written_out(text: str) -> None:
        raise AssertionError(f"{text} has 10,000 digits")

    monkeypatch.setattr("lowres_code.answers._number", written_out)
    assert same_number("10e9998", "1e9999")
    assert not same_number("1e9999", "1.5e-9999")
