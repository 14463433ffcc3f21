"""Intervals for shares that were measured with several samples a problem."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

Z_95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Interval:
    """A share and its 95 % confidence interval, all between 0 and 1."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def mean_share(shares: Sequence[float]) -> Interval:
    """The mean of one share for each problem, with its 95 % interval.

    Samples of one problem are alike, so problems are the units (clustered standard errors, arXiv 2411.00640). The
    interval is Wilson's score interval (1927) for the number of independent samples that would have the same variance;
    where all problems agree that variance is 0, and each problem counts once. So it stays inside [0, 1] and has a
    width even at 0 and 1.

    Args:
        shares: for each problem, the share of its samples that have the property; at least one problem.
    """
    count = len(shares)
    mean = math.fsum(shares) / count
    variance = math.fsum((share - mean) ** 2 for share in shares) / (count - 1) / count if count > 1 else 0.0
    effective = mean * (1 - mean) / variance if variance > 0 else float(count)
    return wilson(mean, max(effective, 1.0))


def wilson(share: float, count: float) -> Interval:
    """Wilson's score interval for a share of ``count`` independent trials."""
    square = Z_95**2
    middle = (share + square / (2 * count)) / (1 + square / count)
    half = Z_95 / (1 + square / count) * math.sqrt(share * (1 - share) / count + square / (4 * count**2))
    return Interval(share, max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half)))
