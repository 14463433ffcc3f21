"""The numbers that a text gives: in digits, in words, as fractions, and what is obvious from each."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction

_SPELLED = """
zero=0 one=1 two=2 three=3 four=4 five=5 six=6 seven=7 eight=8 nine=9 ten=10 eleven=11 twelve=12 thirteen=13 fourteen=14
fifteen=15 sixteen=16 seventeen=17 eighteen=18 nineteen=19 twenty=20 thirty=30 forty=40 fifty=50 sixty=60 seventy=70
eighty=80 ninety=90 hundred=100 thousand=1000 million=1000000 dozen=12 once=1 twice=2 thrice=3 double=2 triple=3
"""
_SPELLED_PARTS = """
half=2 halves=2 third=3 thirds=3 quarter=4 quarters=4 fourth=4 fourths=4 fifth=5 fifths=5 sixth=6 sixths=6 seventh=7
sevenths=7 eighth=8 eighths=8 ninth=9 ninths=9 tenth=10 tenths=10
"""


def _pairs(text: str) -> dict[str, Fraction]:
    return {word: Fraction(value) for word, _, value in (pair.partition("=") for pair in text.split())}


_WORDS = _pairs(_SPELLED)
_PARTS = {word: 1 / value for word, value in _pairs(_SPELLED_PARTS).items()}
_ONE = "|".join(_WORDS)
_RUN = rf"\b(?:{_ONE})(?:(?:[\s-]|\sand\s){{1,3}}(?:{_ONE})){{0,9}}\b"
_COUNT = rf"(?:{_RUN}|(?<![\w.])\d{{1,9}})"
_WORD = re.compile(_RUN, re.IGNORECASE)
_PART = re.compile(
    rf"(?:({_COUNT})\sand\s)?(?:({_COUNT})[\s-]|\ban?\s)?\b({'|'.join(_PARTS)})\b", re.ASCII | re.IGNORECASE
)
_NUMBER = re.compile(r"(?<![\w.])(\d{1,3}(?:,\d{3}){1,13}|\d{1,40}|(?=\.\d))(?!\d)(\.\d{1,40})?(?:\s?(%))?", re.ASCII)
_BASED = re.compile(r"(?<![\w.])0(?:x[0-9a-f]{1,40}|b[01]{1,160}|o[0-7]{1,54})(?!\w)", re.ASCII | re.IGNORECASE)
_FRACTION = re.compile(r"(?<![\w./])(?:(\d{1,9})(?:-|\s(?:and\s)?))?(\d{1,9})\s?/\s?(\d{1,9})(?![\w./]\d)", re.ASCII)
_SIGNS = str.maketrans({"½": " 1/2", "⅓": " 1/3", "⅔": " 2/3", "¼": " 1/4", "¾": " 3/4"})


def numbers_in(text: str) -> set[Fraction]:
    """The numbers in a text, without their signs; of a percentage also the hundredth part."""
    found = {Fraction(int(number, 0)) for number in _BASED.findall(text)}
    for whole, decimals, percent in _NUMBER.findall(text):
        number = Fraction(whole.replace(",", "") + decimals)
        found |= {number, number / 100} if percent else {number}
    return found


def numbers_given(question: str) -> set[Fraction]:
    """The numbers that a question gives, in digits, in words, and as fractions, and what is obvious from each.

    Obvious are the hundredth part and the whole of it (20 % is 0.2, 1.2 and 0.8), and the denominator of a fraction.
    """
    question = question.translate(_SIGNS)
    plain = numbers_in(question) | {number for words in _WORD.findall(question) for number in _spelled(words)}
    plain |= set(_fractions(question))
    shares = {number / 100 for number in plain} | {number for number in plain if 0 < number < 1}
    return (
        plain | shares | {1 + share for share in shares} | {1 - share for share in shares} | {1 / n for n in plain if n}
    )


def _fractions(question: str) -> Iterable[Fraction]:
    """Those that have a denominator: "3/8", "two fifths"; with a whole number before it "2 1/2", "two and a half"."""
    for whole, above, below in _FRACTION.findall(question):
        if int(below):
            yield from _mixed(whole, Fraction(int(above), int(below)))
    for whole, count, part in _PART.findall(question):
        yield _PARTS[part.lower()]
        yield from _mixed(whole, (_counted(count) if count else 1) * _PARTS[part.lower()])


def _mixed(whole: str, part: Fraction) -> Iterable[Fraction]:
    return (part, _counted(whole) + part) if whole else (part,)


def _counted(words: str) -> Fraction:
    return Fraction(words) if words.isdecimal() else max(_spelled(words))


def _spelled(words: str) -> set[Fraction]:
    """What number words come to, one by one and together: "one hundred fifty" is 150, "three dozen" 36."""
    values = [_WORDS[word] for word in re.split(r"[\s-]+|\sand\s", words.lower()) if word in _WORDS]
    whole, current = Fraction(0), Fraction(0)
    for value in values:
        if value >= 1000:
            whole, current = whole + max(current, Fraction(1)) * value, Fraction(0)
        elif value == 100:
            current = max(current, Fraction(1)) * value
        elif value == 12 and current:  # a dozen
            current *= value
        else:
            current += value
    return {*values, whole + current}
