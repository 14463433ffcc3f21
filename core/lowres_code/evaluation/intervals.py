"""95 % intervals for shares and for their differences, where problems are the units and each has several samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

Z_95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Interval:
    """A value and its 95 % confidence interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def mean_share(shares: Sequence[float], samples: int | None = None) -> Interval:
    """The mean of one share for each problem, with its 95 % interval.

    Samples of one problem are alike, so problems are the units (clustered standard errors, arXiv 2411.00640). The
    interval is Wilson's score interval (1927) for the number of independent samples that would have the same variance
    (the effective sample size of a clustered survey: Korn and Graubard 1998, Survey Methodology 24), but never for more
    than there are: shares that differ by less than chance would have it prove nothing. With one sample a problem it is
    Wilson's interval itself. Where all problems agree on 0 or on 1 nothing is known of how alike samples are, and each
    problem counts once.

    Args:
        shares: for each problem, the share of its samples that have the property, between 0 and 1; at least one.
        samples: of all problems together; by default one a problem.
    """
    count, mean = len(shares), math.fsum(shares) / len(shares)
    most = count if samples is None else samples
    if most <= count or count == 1 or not 0 < mean < 1:
        return wilson(mean, count)
    variance = math.fsum((share - mean) ** 2 for share in shares) / (count - 1) / count
    effective = mean * (1 - mean) / variance if variance > 0 else math.inf
    return wilson(mean, max(1.0, min(effective, most)))


def wilson(share: float, count: float) -> Interval:
    """Wilson's score interval for a share of ``count`` independent trials."""
    square = Z_95**2
    middle = (share + square / (2 * count)) / (1 + square / count)
    half = Z_95 / (1 + square / count) * math.sqrt(share * (1 - share) / count + square / (4 * count**2))
    return Interval(share, max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half)))


def paired_difference(
    before: Sequence[float], after: Sequence[float], samples: tuple[int, int] | None = None
) -> Interval:
    """The difference ``after`` - ``before`` of the means of two shares of the same problems, with its 95 % interval.

    The distances of the ends of both `mean_share` intervals are added as squares, less what goes together, with a
    continuity correction of the correlation (Newcombe 1998, Statistics in Medicine 17, method 10; for other than single
    samples Zou and Donner 2008, ibid. 27). So it stays inside [-1, 1] and has a width at 0 and 1.

    Args:
        before: for each problem, its share of samples that have the property.
        after: the same, in the same order.
        samples: of all problems together, before and after; by default one a problem.
    """
    each = samples or (len(before), len(after))
    old, new = mean_share(before, each[0]), mean_share(after, each[1])
    together = _corrected_correlation(before, after)
    value = new.value - old.value
    down = _root(new.value - new.low, old.high - old.value, together)
    up = _root(new.high - new.value, old.value - old.low, together)
    return Interval(value, max(-1.0, value - down), min(1.0, value + up))


def _root(one: float, other: float, together: float) -> float:
    return math.sqrt(max(0.0, one**2 + other**2 - 2 * together * one * other))


def _corrected_correlation(left: Sequence[float], right: Sequence[float]) -> float:
    """Pearson's; above 0 less Newcombe's correction, half a problem; 0 where one of the two does not vary."""
    count = len(left)
    mean_left, mean_right = math.fsum(left) / count, math.fsum(right) / count
    pairs = [(one - mean_left, other - mean_right) for one, other in zip(left, right, strict=True)]
    spread = math.fsum(one**2 for one, _ in pairs) * math.fsum(other**2 for _, other in pairs)
    if spread <= 0:
        return 0.0
    found = math.fsum(one * other for one, other in pairs) / math.sqrt(spread)
    if found <= 0:
        return max(-1.0, found)
    binary = mean_left * (1 - mean_left) * mean_right * (1 - mean_right)
    return min(1.0, max(0.0, found - 1 / (2 * count * math.sqrt(binary))))
