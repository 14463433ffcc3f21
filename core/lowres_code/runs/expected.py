"""What was expected of a run's recipe, and what the run found."""

from __future__ import annotations

import math

from pydantic import BaseModel, ConfigDict

from lowres_code.errors import UsageError
from lowres_code.evaluation.metrics import Share
from lowres_code.recipe.table import Expected
from lowres_code.runs.directory import RunDirectory


class Outcome(BaseModel):
    """One expected result beside the run's own.

    Attributes:
        expected: as the recipe has it.
        found: the run's own figure, with its 95 % interval.
        says: ``as expected``, ``lower than expected`` or ``higher than expected``.
    """

    model_config = ConfigDict(frozen=True)

    expected: Expected
    found: Share
    says: str

    def __str__(self) -> str:
        return f"{self.says}: {self.found}; expected: {self.expected}"


def outcomes(run: RunDirectory) -> list[Outcome]:
    """Each result that the recipe expects in the run's language and that the run has come to."""
    return [found for expected in _for_language(run) if (found := _outcome(run, expected))]


def outcome_lines(run: RunDirectory) -> list[str]:
    """The same for people; a line also where results are expected, and none in this language."""
    try:
        languages = {str(expected.language) for expected in run.recipe().expected}
    except UsageError as error:  # a plugin that is gone, a recipe of an older version
        return [f"what was expected cannot be told: {str(error).splitlines()[0]}"]
    if lines := [str(outcome) for outcome in outcomes(run)]:
        return lines
    there = f"the recipe expects no result in {run.env().get('language')}; there are some in"
    return [f"{there} {', '.join(sorted(languages))}"] if languages and not _for_language(run) else []


def says(expected: Expected, found: Share) -> str:
    """Whether a figure is what was expected: whether their difference can be 0.

    Its 95 % interval is made of both intervals as for independent shares (Newcombe 1998, Statistics in Medicine 17,
    method 10); an expected value without one is taken as exact.
    """
    low, high = expected.interval or (expected.value, expected.value)
    difference = found.value - expected.value
    if difference + math.hypot(found.high - found.value, expected.value - low) < 0:
        return "lower than expected"
    if difference - math.hypot(found.value - found.low, high - expected.value) > 0:
        return "higher than expected"
    return "as expected"


def _for_language(run: RunDirectory) -> list[Expected]:
    language = run.env().get("language")
    return [expected for expected in run.recipe().expected if expected.language in (None, language)]


def _outcome(run: RunDirectory, expected: Expected) -> Outcome | None:
    summary = run.evaluation(expected.stage)
    found = getattr(summary.all, expected.metric) if summary and summary.all else None
    return Outcome(expected=expected, found=found, says=says(expected, found)) if found else None
