"""Reward terms: what a judged completion is worth, one aspect each. A recipe weighs them by name."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from lowres_code.judge import INFRA_ERROR, Judgement


@dataclass(frozen=True, slots=True)
class RewardTerm:
    """One aspect of a completion's worth.

    Attributes:
        name: as in ``[reward]``.
        meaning: one line for people.
        value: from a judgement to a number, by convention between 0 and 1. Never asked about an ``infra_error``.
    """

    name: str
    meaning: str
    value: Callable[[Judgement], float]

    def score(self, judgement: Judgement) -> float | None:
        """The term's value; ``None``, which leaves the completion out, if the judge itself failed."""
        return None if judgement.verdict == INFRA_ERROR else float(self.value(judgement))


TERMS = (
    RewardTerm("correct", "1 if every test is answered rightly (binary: arXiv 2508.04865)", lambda j: j.correct),
    RewardTerm("runs", "1 if the program gives an answer, right or wrong", lambda j: j.runs),
    RewardTerm("syntax", "1 if the language's own reader accepts the program", lambda j: j.syntax),
    RewardTerm("format", "1 if the completion is <reasoning> and then <code>", lambda j: j.completion.well_formed),
    RewardTerm(
        "coin", "a control: 0 or 1 by chance; nothing should be learnt from it", lambda j: random.random() < 0.5
    ),
)
