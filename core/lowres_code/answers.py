"""When two answers are the same.

Equal text is right, first of all. Numbers are compared by their values: a whole number is exact however it is written
(``42``, ``42.0``, ``4.2e1`` and ``84/2`` are equal, ``-9867631`` and ``-9867630.0`` are not), and so are rationals
(``7r2``, ``7/2``); where either number is a decimal that is not whole, a relative tolerance of 1e-6 applies.
Surrounding quotes, thousands separators and currency signs do not count, on either side.

Anything longer is compared as contest judges compare what a program prints: line by line, and in a line word by word,
where words that are numbers are compared as numbers. Blanks at both ends of a line, how many blanks stand between two
words, blank lines at the end, and carriage returns do not count. Blank lines before the text do, unless it is a single
line, which is an answer by itself.
"""

from __future__ import annotations

import re
from fractions import Fraction

RELATIVE_TOLERANCE = Fraction(1, 10**6)

_MAX_DIGITS = 4000  # more is compared as text: turning it into a number would take too long
_RATIONAL = re.compile(r"([+-]?\d+)\s*[r/]\s*(\d+)", re.ASCII)
_DECIMAL = re.compile(r"([+-]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:[eE]([+-]?\d{1,4}))?", re.ASCII)
_DIGITS_AND_COMMAS = re.compile(r"(?<![.\d])[\d,]+", re.ASCII)
_THOUSANDS = re.compile(r"\d{1,3}(,\d{3})+", re.ASCII)
_CURRENCY = ("$", "€", "£", "¥")


def same_answer(expected: str, actual: str) -> bool:
    """Whether two answers are the same, as this module says."""
    return same_value(expected, actual) or same_lines(expected, actual)


def same_value(expected: str, actual: str) -> bool:
    """Whether two texts are equal or the same number, but for quotes, separators and currency signs around them."""
    left, right = expected.strip(), actual.strip()
    if "\n" in left and _blank_lines_before(expected) != _blank_lines_before(actual):
        return False
    if left == right:
        return True
    left, right = clean_gold(unquoted(left)), clean_gold(unquoted(right))
    return left == right or same_number(left, right)


def same_number(expected: str, actual: str) -> bool:
    """Whether both texts are numbers, and the same one."""
    exact = _is_exact(expected) and _is_exact(actual)
    scaled, other = _scaled(expected), _scaled(actual)
    if scaled is not None and other is not None:
        return _same_decimal(scaled, other, exact)
    left = _number(expected)
    right = None if left is None else _number(actual)
    if left is None or right is None:
        return False
    if left == right or exact or left.denominator == right.denominator == 1:
        return left == right
    return abs(left - right) <= RELATIVE_TOLERANCE * max(abs(left), abs(right))


def _scaled(text: str) -> tuple[int, int] | None:
    """A decimal as digits without zeros at their end, and the power of ten that they are multiplied by.

    ``1e9999`` is short, and a program may print many of them: no such number is ever written out.
    """
    match = _DECIMAL.fullmatch(text) if len(text) <= _MAX_DIGITS else None
    if match is None:
        return None
    sign, whole, part, only_part, exponent = match.groups("")
    fraction = part + only_part
    digits = (whole + fraction).rstrip("0")
    if not digits.lstrip("0"):
        return 0, 0
    zeros = len(whole) + len(fraction) - len(digits)
    return int(sign + digits), int(exponent or 0) - len(fraction) + zeros


def _same_decimal(left: tuple[int, int], right: tuple[int, int], exact: bool) -> bool:
    least = min(left[1], right[1])
    if left == right or exact or least >= 0:  # the latter: both are whole
        return left == right
    if abs(_magnitude(left) - _magnitude(right)) > 1:
        return False
    one, other = (digits * int(10 ** (power - least)) for digits, power in (left, right))
    return abs(one - other) <= RELATIVE_TOLERANCE * max(abs(one), abs(other))


def _magnitude(scaled: tuple[int, int]) -> int:
    return len(str(abs(scaled[0]))) + scaled[1]


def same_lines(expected: str, actual: str) -> bool:
    """Whether two printed texts are the same, line by line and word by word."""
    left, right = expected.rstrip().split("\n"), actual.rstrip().split("\n")
    return len(left) == len(right) and all(map(_same_words, left, right))


def same_text(expected: str, actual: str) -> bool:
    """Whether two printed texts are the same, character by character.

    Only line ends do not count: they may be carriage return and newline, and be there or not at the end of the text.
    """
    left, right = (text.replace("\r\n", "\n").rstrip("\n") for text in (expected, actual))
    return left == right


def clean_gold(answer: str) -> str:
    """An answer without thousands separators and currency signs: ``"$1,200"`` is ``"1200"``.

    Only a text that is a number then is changed; ``"Paris, 1,200 people"`` stays as it is.
    """
    answer = answer.strip()
    if len(answer) > 2 * _MAX_DIGITS:
        return answer
    bare = _DIGITS_AND_COMMAS.sub(_without_separators, _without_currency(answer)).strip()
    return answer if _number(bare) is None else bare


def _without_separators(digits: re.Match[str]) -> str:
    return digits.group().replace(",", "") if _THOUSANDS.fullmatch(digits.group()) else digits.group()


def _without_currency(text: str) -> str:
    """The text without a sign of a currency before or behind it; ``-$5`` is ``-5``."""
    sign = text[:1] if text.startswith(("+", "-")) else ""
    unsigned = text[len(sign) :].lstrip()
    text = sign + unsigned[1:].lstrip() if unsigned.startswith(_CURRENCY) else text
    return text[:-1].rstrip() if text.endswith(_CURRENCY) else text


def _blank_lines_before(text: str) -> int:
    return text.count("\n", 0, len(text) - len(text.lstrip()))


def _same_words(expected: str, actual: str) -> bool:
    left, right = expected.split(), actual.split()
    return len(left) == len(right) and all(a == b or same_number(a, b) for a, b in zip(left, right, strict=True))


def _is_exact(text: str) -> bool:
    """A decimal point or an exponent marks a number that may have been rounded."""
    return not any(mark in text for mark in ".eE")


def _number(text: str) -> Fraction | None:
    """The number that a text is; ``None`` if it is none."""
    if len(text) > _MAX_DIGITS:
        return None
    if match := _RATIONAL.fullmatch(text):
        denominator = int(match.group(2))
        return Fraction(int(match.group(1)), denominator) if denominator else None
    return Fraction(text) if _DECIMAL.fullmatch(text) else None


def unquoted(text: str) -> str:
    """The text without one pair of surrounding double or single quotes."""
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1].strip()
    return text
