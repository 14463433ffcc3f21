"""The terms that come with this package."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import Field, model_validator

from lowres_code.reward.base import RewardInput, RewardOptions, RewardTerm
from lowres_code.trust import agreement as share_named
from lowres_code.trust import is_bare


class VerdictOptions(RewardOptions):
    """What each verdict is worth; by default, what is wrong costs as much as what is right earns.

    arXiv 2506.11027 grades in this way; its own numbers differ between the paper's versions and its code.
    """

    correct: float = 1.0
    wrong_answer: float = -1.0
    no_code: float = -1.0
    syntax_error: float = -1.0
    runtime_error: float = -1.0
    timeout: float = -1.0
    memory_limit: float = -1.0
    output_limit: float = -1.0
    no_answer: float = -1.0


class LengthOptions(RewardOptions):
    """A band of words (what stands between blanks) that the reasoning should have.

    ``low``, ``high``: its ends, both within. ``sharp``: nothing is earned outside of it. ``right_only``: nothing is
    earned by a program that is not right.
    """

    low: int = Field(default=20, ge=1)
    high: int = Field(default=200, ge=1)
    sharp: bool = False
    right_only: bool = False

    @model_validator(mode="after")
    def _low_is_below_high(self) -> LengthOptions:
        if self.low > self.high:
            raise ValueError(f"low = {self.low} is above high = {self.high}")
        return self


class StructureOptions(RewardOptions):
    """How many clauses, predicates and constraints a program should have; 0: any number will do."""

    clauses: int = Field(default=3, ge=0)
    predicates: int = Field(default=2, ge=0)
    constraints: int = Field(default=0, ge=0)
    right_only: bool = False

    @model_validator(mode="after")
    def _something_is_wanted(self) -> StructureOptions:
        if not (self.clauses or self.predicates or self.constraints):
            raise ValueError("clauses, predicates and constraints are all 0: there is nothing to earn")
        return self


class AgreementOptions(RewardOptions):
    """``right_only``: nothing is earned by a program that is not right."""

    right_only: bool = False


def verdict_worth(given: RewardInput[VerdictOptions]) -> float:
    """What the options say of the verdict."""
    return float(getattr(given.options, given.judgement.verdict))


def length_in_band(given: RewardInput[LengthOptions]) -> float:
    """1 within the band, falling in a straight line to 0 at no word and at twice the upper end.

    The length reward of arXiv 2506.11027 is not given as a formula there. In the authors' code (``train.py`` of their
    repository) a right program earns 1 if its reasoning has more than 90 and fewer than 130 words, and all else 0:
    ``low = 91, high = 129, sharp = true, right_only = true``. Which length reward their table is of, is not said.
    """
    wanted = given.options
    words = len((given.completion.reasoning or "").split())
    if wanted.right_only and not given.judgement.correct:
        return 0.0
    if wanted.low <= words <= wanted.high:
        return 1.0
    return 0.0 if wanted.sharp else max(0.0, min(words / wanted.low, 2 - words / wanted.high))


def no_bare_constant(given: RewardInput) -> float:
    """1 if the program gives an answer that is computed from what is given, and not only written in it (`is_bare`).

    0 if the program has no analysis: nobody knows what it consists of.
    """
    judgement = given.judgement
    read = judgement.runs and judgement.analysis is not None
    return float(read and not is_bare(judgement, given.problem))


def structure(given: RewardInput[StructureOptions]) -> float:
    """The mean, over what is wanted, of the share of it that is there; 0 if the program has no analysis."""
    wanted, found = given.options, given.judgement.analysis
    if found is None or (wanted.right_only and not given.judgement.correct):
        return 0.0
    pairs = [
        (found.clauses, wanted.clauses),
        (found.predicates, wanted.predicates),
        (found.constraints, wanted.constraints),
    ]
    shares = [min(1.0, there / least) for there, least in pairs if least]
    return sum(shares) / len(shares)


def agreement(given: RewardInput[AgreementOptions]) -> float:
    """See `lowres_code.trust.agreement`; 0 where there is none."""
    analysis = given.judgement.analysis
    if analysis is None or (given.options.right_only and not given.judgement.correct):
        return 0.0
    return share_named(analysis, given.completion.reasoning) or 0.0


def follows(check: str) -> Callable[[RewardInput], float]:
    """1 if the program is right and is not found out by a check of `Follows`; one that does not apply finds nothing.

    0 if the program has no analysis: it could not be changed.
    """

    def value(given: RewardInput) -> float:
        judgement = given.judgement
        known = judgement.correct and judgement.analysis is not None
        return float(known and getattr(judgement.follows, check, None) is not False)

    return value


TERMS: tuple[RewardTerm[Any], ...] = (
    RewardTerm(
        "correct", "1 if every test is answered rightly (binary: arXiv 2508.04865)", lambda it: it.judgement.correct
    ),
    RewardTerm("runs", "1 if the program gives an answer, right or wrong", lambda it: it.judgement.runs),
    RewardTerm("syntax", "1 if the language's own reader accepts the program", lambda it: it.judgement.syntax),
    RewardTerm("format", "1 if the completion is <reasoning> and then <code>", lambda it: it.completion.well_formed),
    RewardTerm(
        "coin",
        "a control: 0 or 1 by chance; nothing should be learnt from it",
        lambda it: it.rng.random() < 0.5,
        by_chance=True,
    ),
    RewardTerm("verdict", "what [reward.verdict] says that each verdict is worth", verdict_worth, VerdictOptions()),
    RewardTerm("length", "1 if the reasoning has as many words as wanted", length_in_band, LengthOptions()),
    RewardTerm(
        "no_bare_constant",
        "1 if the program gives an answer that it computes from what is given, not one that is merely written in it; "
        "0 if it cannot be read",
        no_bare_constant,
        needs_analysis=True,
    ),
    RewardTerm(
        "structure",
        "1 if the program has the clauses, predicates and constraints that are wanted",
        structure,
        StructureOptions(),
        needs_analysis=True,
    ),
    RewardTerm(
        "agreement",
        "the share of the program's numbers that the reasoning names",
        agreement,
        AgreementOptions(),
        needs_analysis=True,
    ),
    RewardTerm(
        "fraction",
        "the share of a problem's tests that are answered rightly; all of them are run then",
        lambda it: it.judgement.fraction or 0.0,
        needs_every_test=True,
    ),
    RewardTerm(
        "one_answer",
        "1 if the program is right and is known to have no other answer, so that it has not guessed by enumerating",
        lambda it: it.judgement.correct and it.judgement.answers == 1,
        needs_answers=True,
    ),
    RewardTerm(
        "follows_renaming",
        "1 if the program is right, and still is when its own names are others, or has none; 0 if it cannot be read",
        follows("renaming"),
        needs_follows=("renaming",),
    ),
    RewardTerm(
        "follows_numbers",
        "1 if the program is right, and still is with the numbers of another question, or these cannot be put in; "
        "0 if it cannot be read",
        follows("numbers"),
        needs_follows=("numbers",),
    ),
)
