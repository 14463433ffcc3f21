"""What a verification has found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any


class Outcome(str, Enum):
    """How a check ended; only ``failed`` makes a backend fail."""

    PASSED = "passed"
    FAILED = "failed"
    ADVICE = "advice"
    NOT_TRIED = "not tried"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was tried, how it ended, and what was seen."""

    name: str
    outcome: Outcome
    detail: str = ""

    @classmethod
    def that(cls, name: str, holds: bool, otherwise: str) -> Check:
        """Passed if it holds, else failed; ``otherwise`` is what was seen then."""
        return cls(name, Outcome.PASSED) if holds else cls(name, Outcome.FAILED, otherwise)


@dataclass(frozen=True, slots=True)
class Report:
    """All checks of one backend.

    Attributes:
        language: its name.
        isolation: the isolation that it was tried in.
        checks: in the order in which they were made.
        programs: how many programs ran in the soak; the figures below are of these.
        p50_ms, p90_ms: milliseconds that one program takes, waiting for its turn not included.
        per_s: programs a second, on all cores.
    """

    language: str
    isolation: str
    checks: tuple[Check, ...]
    programs: int
    p50_ms: float
    p90_ms: float
    per_s: float

    @property
    def passed(self) -> bool:
        """Whether nothing failed."""
        return not self.failures

    @property
    def failures(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if check.outcome is Outcome.FAILED)

    def as_json(self) -> dict[str, Any]:
        """All of it, for ``--json``."""
        return {**asdict(self), "passed": self.passed}
