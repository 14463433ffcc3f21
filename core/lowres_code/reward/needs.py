"""What terms need to know of completions beside their verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lowres_code.judge import Judge
from lowres_code.judgement import Judgement
from lowres_code.metamorphic import Others, follow, no_others
from lowres_code.problem import Problem
from lowres_code.reward.base import RewardTerm
from lowres_code.solutions import count_answers


def informed(
    judge: Judge,
    judgements: Sequence[Judgement],
    problems: Sequence[Problem],
    terms: Sequence[RewardTerm[Any]],
    others: Others = no_others,
) -> list[Judgement]:
    """The same judgements with all that the terms need, and no more: some of it takes executions.

    Args:
        judge: of the language.
        judgements: of completions.
        problems: of each.
        terms: that will be asked of them.
        others: gives problems whose questions may differ from a problem's in their numbers alone.

    Raises:
        UsageError: the language cannot tell what a term needs.
    """
    checks = {check for term in terms for check in term.needs_follows}
    known = [*judgements]
    if checks or any(term.needs_analysis for term in terms):
        known = judge.analyse(known)
    if any(term.needs_answers for term in terms):
        known = count_answers(judge, known, problems)
    return follow(judge, known, problems, others, checks) if checks else known
