"""Whether a right answer was programmed, or only written down: what a program's analysis tells beside its verdict.

Accuracy alone has misled in this field: a model can do the sum in prose and write a program that merely says the result
(in one study 89.9 % were right, and 1.6 % were programs in earnest). Nothing here runs a program.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction

from pydantic import BaseModel, ConfigDict

from lowres_code.answers import same_value
from lowres_code.judgement import Follows, Judgement
from lowres_code.language.analysis import Analysis

# What a question need not say: a dozen, hours, days and weeks, per cent, and what is counted by hand.
COMMON = frozenset(map(Fraction, (*range(13), 24, 30, 31, 52, 60, 100, 365, 366, 1000, 3600)))
_FEW = 2  # operations; a program of more can have reasons for a number of its own
_SPELLED = """
zero=0 one=1 two=2 three=3 four=4 five=5 six=6 seven=7 eight=8 nine=9 ten=10 eleven=11 twelve=12 thirteen=13 fourteen=14
fifteen=15 sixteen=16 seventeen=17 eighteen=18 nineteen=19 twenty=20 thirty=30 forty=40 fifty=50 sixty=60 seventy=70
eighty=80 ninety=90 hundred=100 thousand=1000 million=1000000 dozen=12 once=1 twice=2 thrice=3 double=2 triple=3
half=1/2 halves=1/2 third=1/3 thirds=1/3 quarter=1/4 quarters=1/4 fourth=1/4 fourths=1/4 fifth=1/5 fifths=1/5
"""
_WORDS = {word: Fraction(value) for word, _, value in (pair.partition("=") for pair in _SPELLED.split())}
_WORD = re.compile(rf"\b(?:{'|'.join(_WORDS)})(?:(?:[\s-]|\sand\s)+(?:{'|'.join(_WORDS)}))*\b", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\w.])(\d{1,3}(?:,\d{3}){1,13}|\d{1,40}|(?=\.\d))(?!\d)(\.\d{1,40})?(?:\s?(%))?", re.ASCII)
_FRACTION = re.compile(r"(?<![\w./])(\d{1,9})\s?/\s?(\d{1,9})(?![\w./]\d)", re.ASCII)
_LITERAL = re.compile(r"[+-]?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,2})?", re.ASCII)
_RATIONAL = re.compile(r"([+-]?\d{1,40})r(\d{1,40})", re.ASCII)


class Trust(BaseModel):
    """What a judged program is beside right or wrong.

    Attributes:
        bare: whether its answer is only written down: see `is_bare`.
        clauses, predicates, constraints, operations: see `lowres_code.language.analysis.Analysis`.
        agreement: the share of its numbers that the reasoning names; ``None`` without a number or a reasoning.
        answers: of a right program, how many different ones it has, at most `MOST_ANSWERS`; ``None`` if nobody knows.
        follows: of a right program, whether it follows when it is changed; ``None`` if that was not tried.
    """

    model_config = ConfigDict(frozen=True)

    bare: bool
    clauses: int
    predicates: int
    constraints: int
    operations: int
    agreement: float | None = None
    answers: int | None = None
    follows: Follows | None = None


def trust_of(judgement: Judgement, question: str) -> Trust | None:
    """What can be told of a judgement that has been analysed; ``None`` where nothing can."""
    found = judgement.analysis
    if found is None:
        return None
    return Trust(
        bare=is_bare(judgement, question),
        clauses=found.clauses,
        predicates=found.predicates,
        constraints=found.constraints,
        operations=found.operations,
        agreement=agreement(found, judgement.completion.reasoning),
        answers=judgement.answers,
        follows=judgement.follows,
    )


def is_bare(judgement: Judgement, question: str = "") -> bool:
    """Whether the program's answer is written in it, or is arithmetic on numbers that the question does not give.

    It is, if the program computes nothing (`Analysis.operations`) and the answer is one of its literals. Where the
    question is known and gives numbers, it also is if none of the program's numbers is from there, and if a program of
    at most two operations has a number that is not: what it was made of was computed in prose. Numbers that a question
    need not give, as 60 and 7, count for neither. A program without an answer is not bare.
    """
    analysis, execution = judgement.analysis, judgement.execution
    if analysis is None or execution is None or execution.answer is None:
        return False
    if not analysis.operations:
        return any(same_value(literal, str(execution.answer)) for literal in analysis.literals)
    given = {abs(number) for number in numbers_given(question)}
    own = {abs(number) for number in numbers_of(analysis)}
    foreign = own - given - COMMON
    return bool(given and foreign) and (not own & given or analysis.operations <= _FEW)


def agreement(analysis: Analysis, reasoning: str | None) -> float | None:
    """The share of a program's different numbers that the reasoning names; ``None`` without either.

    Signs do not count, and ``20%`` in the reasoning is 20 as well as 0.2. Numbers in words are not seen.
    """
    written = {abs(number) for number in numbers_of(analysis)}
    if not written or not (reasoning or "").strip():
        return None
    return len(written & numbers_in(reasoning or "")) / len(written)


def numbers_of(analysis: Analysis) -> set[Fraction]:
    """The numbers among a program's literals."""
    return {number for literal in analysis.literals if (number := _number(literal)) is not None}


def numbers_in(text: str) -> set[Fraction]:
    """The numbers in a text, without their signs; of a percentage also the hundredth part."""
    found: set[Fraction] = set()
    for whole, decimals, percent in _NUMBER.findall(text):
        number = Fraction(whole.replace(",", "") + decimals)
        found |= {number, number / 100} if percent else {number}
    return found


def numbers_given(question: str) -> set[Fraction]:
    """The numbers that a question gives, in digits, in words, and as fractions, and what is obvious from each.

    Obvious are the hundredth part and the whole of it (20 % is 0.2, 1.2 and 0.8), and the denominator of a fraction.
    """
    plain = numbers_in(question) | {number for words in _WORD.findall(question) for number in _spelled(words)}
    for above, below in _FRACTION.findall(question):
        plain |= {Fraction(int(above), int(below))} if int(below) else set()
    shares = {number / 100 for number in plain} | {number for number in plain if 0 < number < 1}
    return (
        plain | shares | {1 + share for share in shares} | {1 - share for share in shares} | {1 / n for n in plain if n}
    )


def _spelled(words: str) -> Iterable[Fraction]:
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


def _number(literal: str) -> Fraction | None:
    if match := _RATIONAL.fullmatch(literal):
        return Fraction(int(match[1]), int(match[2])) if int(match[2]) else None
    return Fraction(literal) if _LITERAL.fullmatch(literal) else None
