"""When two answers are the same.

Numbers are compared as numbers: exactly as rationals where both are exact (``7r2``, ``3.5``, ``7/2`` and ``"3.50"``
are equal), else with a relative tolerance of 1e-6. Everything else is compared as text without surrounding blanks.
"""

from __future__ import annotations

import re
from fractions import Fraction

RELATIVE_TOLERANCE = Fraction(1, 10**6)

_MAX_DIGITS = 4000  # more is compared as text: turning it into a number would take too long
_RATIONAL = re.compile(r"([+-]?\d+)\s*[r/]\s*(\d+)", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)
_THOUSANDS = re.compile(r"(?<![\d.])(\d{1,3})((?:,\d{3})+)(?![\d,])")
_CURRENCY = ("$", "€", "£", "¥")


def clean_gold(answer: str) -> str:
    """A gold answer without thousands separators and currency signs: ``"$1,200"`` is ``"1200"``.

    Only a text that is a number then is changed; ``"Paris, 1,200 people"`` stays as it is.
    """
    if len(answer) > 2 * _MAX_DIGITS:
        return answer.strip()
    bare = _without_currency(answer.strip())
    bare = _THOUSANDS.sub(lambda match: match.group().replace(",", ""), bare).strip()
    return bare if _number(bare) is not None else answer.strip()


def _without_currency(text: str) -> str:
    """The text without a sign of a currency before or behind it; ``-$5`` is ``-5``."""
    sign = text[:1] if text.startswith(("+", "-")) else ""
    unsigned = text[len(sign) :].lstrip()
    text = sign + unsigned[1:].lstrip() if unsigned.startswith(_CURRENCY) else text
    return text[:-1].rstrip() if text.endswith(_CURRENCY) else text


def same_answer(expected: str, actual: str) -> bool:
    """Whether ``actual`` is the expected answer; ``expected`` is cleaned first, see `clean_gold`."""
    gold, given = _unquoted(clean_gold(expected)), _unquoted(actual.strip())
    if gold == given:
        return True
    left, right = _number(gold), _number(given)
    if left is None or right is None:
        return False
    if left == right or (_is_exact(gold) and _is_exact(given)):
        return left == right
    return abs(left - right) <= RELATIVE_TOLERANCE * max(abs(left), abs(right))


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


def _unquoted(text: str) -> str:
    """The text without one pair of surrounding double or single quotes."""
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1].strip()
    return text
