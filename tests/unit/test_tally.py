"""Counts of verdicts and pass@k, against figures that were worked out otherwise."""

from __future__ import annotations

import random
import tracemalloc
from itertools import combinations
from statistics import fmean

import pytest
from lowres_code.evaluation.intervals import mean_share
from lowres_code.evaluation.metrics import Share, metrics, pass_at_k
from lowres_code.evaluation.record import SampleRecord
from lowres_code.scoring.tally import Tally


def tally_of(rows: list[list[str]], listed: bool = True) -> Tally:
    tally = Tally()
    for number, verdicts in enumerate(rows, 1):
        for verdict in verdicts:
            tally.add(number, verdict, listed)
    return tally


def test_rows_with_one_sample_are_only_counted() -> None:
    tally = tally_of([["correct"], ["no_code"], ["correct"]], listed=False)
    assert tally.summary() == {"n": 3, "verdicts": {"correct": 2, "no_code": 1}}


def test_the_mean_share_of_tests_is_told_where_it_is_counted() -> None:
    tally = Tally()
    for row, (verdict, fraction) in enumerate([("correct", 1.0), ("wrong_answer", 0.25), ("infra_error", None)], 1):
        tally.add(row, verdict, False, fraction)
    assert tally.summary()["fraction"] == 0.625


def test_what_was_left_out_is_counted_where_it_may_be() -> None:
    tally = Tally(skipped=0)
    tally.add(1, "correct", False)
    assert tally.summary() == {"n": 1, "verdicts": {"correct": 1}, "skipped": 0}


@pytest.mark.parametrize(("n", "c", "k"), [(4, 0, 1), (4, 1, 2), (5, 2, 3), (6, 4, 4), (8, 8, 8), (8, 3, 1)])
def test_pass_at_k_is_the_share_of_choices_with_a_right_one(n: int, c: int, k: int) -> None:
    choices = list(combinations([True] * c + [False] * (n - c), k))
    assert pass_at_k(n, c, k) == pytest.approx(sum(map(any, choices)) / len(choices))


def test_samples_of_a_row_give_pass_at_k() -> None:
    right, wrong = "correct", "wrong_answer"
    rows = [[right, wrong, wrong, wrong], [right, right, wrong, wrong, wrong], [wrong] * 6]
    summary = tally_of(rows).summary()
    assert {key: summary[key] for key in ("n", "rows", "verdicts")} == {
        "n": 15,
        "rows": 3,
        "verdicts": {"wrong_answer": 12, "correct": 3},
    }
    assert [key for key in summary if key.startswith("pass@")] == ["pass@1", "pass@2", "pass@4"]
    expected = {1: [1 / 4, 2 / 5, 0.0], 2: [1 / 2, 7 / 10, 0.0], 4: [1.0, 1.0, 0.0]}  # 1 - 3/6; 1 - 3/10
    for k, shares in expected.items():
        interval = summary[f"pass@{k}"]
        assert isinstance(interval, dict)
        assert interval["value"] == pytest.approx(fmean(shares))
        draws = {1: 4 + 5 + 6, 2: 2 + 2 + 3, 4: 1 + 1 + 1}[k]  # of k samples, that are independent
        assert interval["low"] == pytest.approx(mean_share(shares, draws).low)


def test_samples_that_the_judge_failed_on_are_left_out_of_pass_at_k() -> None:
    rows = [["correct", "infra_error"], ["infra_error", "infra_error"], ["wrong_answer", "correct"]]
    tally = tally_of(rows)
    assert tally.verdicts["infra_error"] == 3
    assert {k: rate.value for k, rate in tally.pass_at_k().items()} == {1: pytest.approx(fmean([1.0, 0.5])), 2: 1.0}


def test_the_same_verdicts_have_the_same_pass_at_k_here_and_in_an_evaluation() -> None:
    rows = [["correct"] * 2 + ["wrong_answer"] * 4, ["correct", *["timeout"] * 5], ["infra_error", *["no_code"] * 6]]
    records = [
        SampleRecord(problem=str(row), sample=number, verdict=verdict, completion="", program=None)
        for row, verdicts in enumerate(rows)
        for number, verdict in enumerate(verdicts)
    ]
    found, told = metrics(records), tally_of(rows).pass_at_k()
    assert found is not None
    both = {1: found.pass_at_1, **found.pass_at_k}, {k: Share.of(rate) for k, rate in told.items()}
    ours, theirs = ({k: (it.value, it.low, it.high) for k, it in shares.items()} for shares in both)
    assert ours.keys() == theirs.keys()
    for k, figures in ours.items():
        assert figures == pytest.approx(theirs[k])  # sums in another order
    assert list(told) == [1, 2, 4, 6]  # six is the fewest samples of one
    assert told[2].value == pytest.approx((1 - 6 / 15 + 1 - 10 / 15 + 0) / 3)


def test_where_the_judge_failed_on_everything_there_is_no_pass_at_k() -> None:
    assert tally_of([["infra_error"] * 4]).summary() == {"n": 4, "verdicts": {"infra_error": 4}}


def test_memory_does_not_grow_with_the_rows() -> None:
    chance = random.Random(0)
    tally = tally_of([[]])
    tracemalloc.start()
    for row in range(50_000):
        for _ in range(4):
            tally.add(row, chance.choice(["correct", "wrong_answer", "timeout"]), True)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 20_000
    assert tally.verdicts.total() == 200_000
