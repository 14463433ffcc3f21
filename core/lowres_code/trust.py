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
from lowres_code.language.analysis import LONGEST_LITERAL, Analysis
from lowres_code.problem import Problem
from lowres_code.quantities import numbers_given, numbers_in

# What a question need not say: a dozen, hours, days and weeks, cents, angles, per cent, and what is counted by hand.
COMMON = frozenset(map(Fraction, (*range(13), 24, 25, 30, 31, 52, 60, 90, 100, 180, 360, 365, 366, 1000, 3600)))
_FEW = 2  # operations; a program of more can have reasons for a number of its own
_LITERAL = re.compile(r"[+-]?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,2})?", re.ASCII)
_RATIONAL = re.compile(r"([+-]?\d{1,40})r(\d{1,40})", re.ASCII)
_ASKS_ALONE = re.compile(r"\s*(?:\?-)?\s*\w+\s*\(\s*[A-Z_]\w*(?:\s*,\s*[A-Z_]\w*)*\s*\)\s*\.?\s*")  # solve(X)
_BETWEEN = re.compile(r"[\s,;|()\[\]{}'\"]+")  # the words of an answer


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


def trust_of(judgement: Judgement, problem: Problem) -> Trust | None:
    """What can be told of a judgement that has been analysed; ``None`` where nothing can."""
    found = judgement.analysis
    if found is None:
        return None
    return Trust(
        bare=is_bare(judgement, problem),
        clauses=found.clauses,
        predicates=found.predicates,
        constraints=found.constraints,
        operations=found.operations,
        agreement=agreement(found, judgement.completion.reasoning),
        answers=judgement.answers,
        follows=judgement.follows,
    )


def is_bare(judgement: Judgement, problem: Problem) -> bool:
    """Whether the program's answer is written in it, or is arithmetic on numbers that the question does not give.

    A program that computes nothing (`Analysis.operations`) can only say what is written in it, however it puts that
    together. Where the question gives numbers, a program also is bare if none of its numbers is from there, and if one
    of at most two operations has a number that is not: what it was made of was computed in prose. Numbers that a
    question need not give, as 60 and 7, count for neither. A program without an answer is not bare.

    What its tests ask it about is given by these and not by the question: of such a program only what it says counts,
    and it is bare if it computes nothing and all words of its answer are written in it.
    """
    analysis, execution = judgement.analysis, judgement.execution
    if analysis is None or execution is None or execution.answer is None:
        return False
    told = any(test.stdin or test.appended or _says(test.query) for test in problem.tests)
    if not analysis.operations:
        query = judgement.completion.query or ""  # of its own, it may be what computes
        return not (told or _says(query)) or _is_written(str(execution.answer), (*analysis.literals, query))
    return not told and _is_of_others(analysis, numbers_given(problem.question))


def _says(query: str | None) -> bool:
    """Whether a query says more than whom it asks."""
    return bool(query) and not _ASKS_ALONE.fullmatch(query or "")


def _is_of_others(analysis: Analysis, numbers: set[Fraction]) -> bool:
    """Whether a program's numbers are others than those that are given, where some are."""
    given = {abs(number) for number in numbers}
    own = {abs(number) for number in numbers_of(analysis)}
    foreign = own - given - COMMON
    return bool(given and foreign) and (not own & given or analysis.operations <= _FEW)


def _is_written(answer: str, literals: Iterable[str]) -> bool:
    """Whether an answer, or each of its words, is among the literals; of a long one its beginning."""
    if any(same_value(literal, answer) or _begins(literal, answer) for literal in literals):
        return True
    words = _words(answer)
    return bool(words) and words <= {word for literal in literals for word in (literal, *_words(literal))}


def _begins(literal: str, answer: str) -> bool:
    """Whether a literal that may have been cut is how an answer begins."""
    return len(literal) == LONGEST_LITERAL and answer.lstrip().startswith(literal)


def _words(text: str) -> set[str | Fraction]:
    """What stands between blanks, commas, brackets and quotes, numbers as such; of each as much as of a literal."""
    words = (word[:LONGEST_LITERAL] for word in _BETWEEN.split(text) if word)
    return {word if (number := _number(word)) is None else number for word in words}


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


def _number(literal: str) -> Fraction | None:
    if match := _RATIONAL.fullmatch(literal):
        return Fraction(int(match[1]), int(match[2])) if int(match[2]) else None
    return Fraction(literal) if _LITERAL.fullmatch(literal) else None
