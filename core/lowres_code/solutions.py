"""How many different answers a right program has: one that enumerates candidates has been lucky with its first.

In Prolog the first solution counts, and ``solve(X) :- member(X, [1, 2, 3]).`` is right wherever 1 is.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

from lowres_code.errors import UsageError
from lowres_code.judge import Judge
from lowres_code.judgement import Judgement
from lowres_code.language.base import MOST_ANSWERS, Language
from lowres_code.problem import Problem


def count_answers(judge: Judge, judgements: Sequence[Judgement], problems: Sequence[Problem]) -> list[Judgement]:
    """The same judgements, the right ones with `Judgement.answers`: different ones to the language's comparison.

    Asked is each problem's first test, in the sandbox and within the limits; where it cannot be told, nothing changes.

    Raises:
        UsageError: programs of the language have one answer each.
    """
    if not judge.language.enumerates:
        raise UsageError(f"programs in {judge.language.title} have one answer each")
    right = [n for n, judgement in enumerate(judgements) if judgement.correct]
    jobs = [judge.case(judgements[n].completion, problems[n].tests[:1]).jobs[0] for n in right]
    found = dict(zip(right, judge.runner.run(jobs, judge.limits, "answers"), strict=True))
    return [
        dataclasses.replace(judgement, answers=_different(judge.language, found[n].answer)) if n in found else judgement
        for n, judgement in enumerate(judgements)
    ]


def _different(language: Language, told: str | None) -> int | None:
    """How many of the answers, as JSON, are different; ``None`` if there is none, or a program has damaged them."""
    try:
        answers = [str(answer) for answer in json.loads(told or "[]")][:MOST_ANSWERS]
        new = [one for n, one in enumerate(answers) if not any(language.compare(other, one) for other in answers[:n])]
    except Exception:  # a backend's comparison has met an answer that it was not made for
        return None
    return len(new) or None
