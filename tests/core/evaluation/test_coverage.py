"""Intervals hold the truth as often as they say: simulated evaluations, whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from lowres_code.evaluation.intervals import mean_share, paired_difference

PROBLEMS = (10, 40, 300)
SHARES = (0.02, 0.5, 0.98)


def drawn(rng: np.random.Generator, share: float, likeness: float, problems: int) -> np.ndarray:
    """Each problem's own chance of a right sample; 0: all the same, 1: each always right or always wrong."""
    if likeness == 0:
        return np.full(problems, share)
    if likeness == 1:
        return (rng.random(problems) < share).astype(float)
    scale = 1 / likeness - 1
    return rng.beta(share * scale, (1 - share) * scale, problems)


@pytest.mark.parametrize("problems", PROBLEMS)
@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("likeness", [0, 0.3, 1])
def test_it_covers_the_truth(problems: int, share: float, likeness: float) -> None:
    """Four samples a problem; 95 % within what 4,000 repetitions and whole numbers of samples allow."""
    rng = np.random.default_rng(7)
    covered = 0
    for _ in range(4000):
        rights = rng.binomial(4, drawn(rng, share, likeness, problems)) / 4
        interval = mean_share(rights.tolist(), 4 * problems)
        covered += interval.low <= share + 1e-12 and interval.high >= share - 1e-12
    assert covered / 4000 >= 0.93


@pytest.mark.parametrize("problems", PROBLEMS)
@pytest.mark.parametrize(("old", "new"), [(0.02, 0.02), (0.5, 0.7), (0.18, 0.91), (0.98, 0.98)])
def test_a_paired_difference_covers_the_truth(problems: int, old: float, new: float) -> None:
    """What is hard before is hard after: one number a problem drives both of its chances."""
    rng = np.random.default_rng(8)
    covered = 0
    for _ in range(3000):
        hard, jitter = rng.random(problems), rng.random((2, problems))
        before, after = (
            rng.binomial(4, np.where(jitter[row] < 0.5, hard < share, rng.random(problems) < share)) / 4
            for row, share in enumerate((old, new))
        )
        interval = paired_difference(before.tolist(), after.tolist(), (4 * problems, 4 * problems))
        covered += interval.low <= new - old + 1e-12 and interval.high >= new - old - 1e-12
    assert covered / 3000 >= 0.93
