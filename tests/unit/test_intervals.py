from __future__ import annotations

import pytest
from lowres_code.evaluation.intervals import mean_share, paired_difference, wilson
from statsmodels.stats.proportion import proportion_confint


def test_wilson_against_a_published_example() -> None:
    """Newcombe 1998 (Statistics in Medicine 17:857), table I: 81 of 263 gives .2553 to .3662."""
    interval = wilson(81 / 263, 263)
    assert interval.low == pytest.approx(0.2553, abs=5e-5)
    assert interval.high == pytest.approx(0.3662, abs=5e-5)


@pytest.mark.parametrize(("right", "count"), [(0, 1), (1, 1), (0, 20), (3, 7), (20, 20), (299, 300)])
def test_wilson_against_statsmodels(right: int, count: int) -> None:
    interval = wilson(right / count, count)
    assert (interval.low, interval.high) == pytest.approx(proportion_confint(right, count, method="wilson"), abs=1e-12)


def test_at_zero_it_has_a_width() -> None:
    """Newcombe 1998, table I: 0 of 20 gives 0 to .1611."""
    interval = mean_share([0.0] * 20)
    assert (interval.value, interval.low) == (0, 0)
    assert interval.high == pytest.approx(0.1611, abs=5e-5)


def test_one_sample_a_problem_is_wilsons_interval() -> None:
    assert mean_share([1.0] * 6 + [0.0] * 14, 20) == wilson(0.3, 20)


def test_samples_of_one_problem_count_once_when_they_agree() -> None:
    interval, of_problems = mean_share([1.0, 0.0] * 50, 400), wilson(0.5, 100)
    assert interval.high - interval.low == pytest.approx(of_problems.high - of_problems.low, rel=0.02)


def test_it_is_never_narrower_than_so_many_independent_samples_allow() -> None:
    """Shares that differ by less than chance would have it: Wilson for all 40 samples, from statsmodels."""
    low, high = proportion_confint(9, 40, method="wilson")
    interval = mean_share([0.25] * 9 + [0.0], 40)
    assert (interval.value, interval.low, interval.high) == pytest.approx((0.225, low, high))
    assert (round(low, 3), round(high, 3)) == (0.123, 0.375)
    interval = mean_share([0.5] * 99 + [0.75], 400)
    assert interval.high - interval.low == pytest.approx(0.0976, abs=5e-4)  # 2 * 1.96 * sqrt(.25 / 400), less a bit


def test_a_paired_difference_against_a_published_example() -> None:
    """Newcombe 1998 (Statistics in Medicine 17:2635), method 10, cells 36, 12, 2, 0: .0569 to .3404."""
    before = [1.0] * 36 + [0.0] * 12 + [1.0] * 2
    after = [1.0] * 36 + [1.0] * 12 + [0.0] * 2
    interval = paired_difference(before, after)
    assert interval.value == pytest.approx(0.2)
    assert (interval.low, interval.high) == pytest.approx((0.0569, 0.3404), abs=5e-5)


def test_no_difference_at_the_end_of_the_scale_still_has_a_width() -> None:
    interval = paired_difference([0.0] * 10, [0.0] * 10, (40, 40))
    assert interval.low < -0.2 and interval.high > 0.2
    assert -1 <= paired_difference([0.0] * 2, [1.0] * 2).low <= 1
