from __future__ import annotations

import random

import pytest
from lowres_code.evaluation.intervals import mean_share, wilson


def test_wilson_against_a_published_example() -> None:
    """Newcombe 1998 (Statistics in Medicine 17:857), table I: 81 of 263 gives .2553 to .3662."""
    interval = wilson(81 / 263, 263)
    assert interval.low == pytest.approx(0.2553, abs=5e-5)
    assert interval.high == pytest.approx(0.3662, abs=5e-5)


def test_wilson_at_zero_has_a_width() -> None:
    """Newcombe 1998, table I: 0 of 20 gives 0 to .1611."""
    interval = mean_share([0.0] * 20)
    assert (interval.value, interval.low) == (0, 0)
    assert interval.high == pytest.approx(0.1611, abs=5e-5)


def test_samples_of_one_problem_count_once_when_they_agree() -> None:
    assert mean_share([1.0, 0.0] * 50).high - mean_share([1.0, 0.0] * 50).low == pytest.approx(0.192, abs=0.005)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    """200 problems of unlike difficulty, 4 samples each, 600 repetitions: 95 % within what chance allows."""
    rng = random.Random(3)
    covered = 0
    for _ in range(600):
        rights = [rng.betavariate(0.5, 0.5) for _ in range(200)]  # drawn anew: the problems are a sample too
        interval = mean_share([sum(rng.random() < right for _ in range(4)) / 4 for right in rights])
        covered += interval.low <= 0.5 <= interval.high
    assert 0.925 <= covered / 600 <= 0.975
