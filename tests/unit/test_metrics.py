from __future__ import annotations

from itertools import combinations

import pytest
from lowres_code.evaluation.metrics import by_difficulty, by_task, metrics, pass_at_k
from lowres_code.evaluation.record import SampleRecord


def sample(problem: str, verdict: str, number: int = 0, **more: object) -> SampleRecord:
    return SampleRecord.model_validate(
        {"problem": problem, "verdict": verdict, "sample": number, "completion": "", "program": None, **more}
    )


def test_pass_at_k_is_the_share_of_all_choices_that_hold_a_right_one() -> None:
    for n in range(1, 9):
        for c in range(n + 1):
            for k in range(1, n + 1):
                choices = list(combinations([1] * c + [0] * (n - c), k))
                assert pass_at_k(n, c, k) == pytest.approx(sum(map(any, choices)) / len(choices))


def test_pass_at_k_of_the_paper_that_brought_it() -> None:
    """arXiv 2107.03374: 1 - (1 - c/n)^k is biased; the unbiased value for n=5, c=2, k=2 is 1 - 3/10."""
    assert pass_at_k(5, 2, 2) == pytest.approx(0.7)
    assert pass_at_k(200, 1, 100) == pytest.approx(0.5)


@pytest.mark.parametrize(("n", "c", "k"), [(4, 5, 1), (4, -1, 1), (4, 1, 5), (4, 1, 0)])
def test_pass_at_k_of_nonsense_is_refused(n: int, c: int, k: int) -> None:
    with pytest.raises(ValueError, match="pass@"):
        pass_at_k(n, c, k)


RECORDS = [
    *(sample("a", verdict, n, task="t", difficulty="1", tokens=10 * (n + 1), seconds=1.0, cut=n == 3)
      for n, verdict in enumerate(["correct", "correct", "wrong_answer", "no_code"])),
    *(sample("b", verdict, n, task="u", difficulty="2", tokens=5, seconds=3.0)
      for n, verdict in enumerate(["correct", "correct", "correct", "correct"])),
    *(sample("c", verdict, n, task="u", difficulty="2")
      for n, verdict in enumerate(["syntax_error", "timeout", "infra_error", "runtime_error"])),
    sample("a", "correct", greedy=True),
    sample("b", "wrong_answer", greedy=True),
]  # fmt: skip


def test_every_figure_by_hand() -> None:
    found = metrics(RECORDS)
    assert found is not None
    assert (found.problems, found.samples) == (3, 11)
    assert found.pass_at_1.value == pytest.approx((1 / 2 + 1 + 0) / 3)
    assert found.any_of_n.value == pytest.approx(2 / 3)
    assert found.all_of_n.value == pytest.approx(1 / 3)
    assert found.greedy is not None and found.greedy.value == 0.5
    assert found.syntax.value == pytest.approx((3 / 4 + 1 + 2 / 3) / 3)  # c: timeout and runtime_error of three judged
    assert found.runs.value == pytest.approx((3 / 4 + 1 + 0) / 3)
    assert found.cut.value == pytest.approx((1 / 4 + 0 + 0) / 3)
    assert found.timeout.value == pytest.approx((0 + 0 + 1 / 3) / 3)
    assert found.infra_error.value == pytest.approx((0 + 0 + 1 / 4) / 3)
    assert found.verdicts["correct"] == 6 and found.verdicts["infra_error"] == 1
    assert sum(found.verdicts.values()) == 12
    assert found.tokens == pytest.approx((10 + 20 + 30 + 40 + 4 * 5) / 8)
    # pass@2: a: 1 - C(2,2)/C(4,2) = 5/6; b: 1; c has 3 judged samples: 0. pass@4: a and b only, both 1.
    assert {k: round(share.value, 4) for k, share in found.pass_at_k.items()} == {2: 0.6111, 4: 1.0}


def test_the_fraction_of_tests_by_hand() -> None:
    several = [
        sample("a", "correct", 0, passed=4, tests=4),
        sample("a", "wrong_answer", 1, passed=1, tests=4),
        sample("b", "no_code", passed=0, tests=1),
    ]
    found = metrics(several)
    assert found is not None and found.fraction is not None
    assert found.fraction.value == pytest.approx(((1 + 1 / 4) / 2 + 0) / 2)
    judge_failed = metrics([*several, sample("b", "infra_error", 1, passed=None, tests=1)])
    assert judge_failed is not None and judge_failed.fraction == found.fraction
    for unknown in (sample("b", "timeout", 1, passed=None, tests=3), sample("b", "timeout", 1)):
        stopped = metrics([*several, unknown])
        assert stopped is not None and stopped.fraction is None
    single = metrics([sample("a", "correct", passed=1, tests=1)])
    assert single is not None and single.fraction is None


def test_whether_right_answers_were_programmed_by_hand() -> None:
    known = {"clauses": 1, "predicates": 1, "constraints": 0, "operations": 1}
    programmed, stated = {**known, "bare": False}, {**known, "bare": True}
    found = metrics(
        [
            sample("a", "correct", 0, trust={**programmed, "answers": 1}),
            sample("a", "correct", 1, trust={**stated, "answers": 2, "follows": {"numbers": False}}),
            sample("b", "correct", 0, trust={**programmed, "follows": {"renaming": True, "numbers": True}}),
            sample("b", "correct", 1),  # no analysis
            sample("c", "wrong_answer", 0, trust=stated),
        ]
    )
    assert found is not None and found.trust is not None
    trust = found.trust
    assert trust.earned.value == pytest.approx((1 / 2 + 1 / 2 + 0) / 3)
    assert (trust.bare, trust.unread) == (0.3333, 1)  # of three that could be read
    assert trust.one_answer == 0.3333  # of the same; where nobody knows, the reward pays nothing either
    assert (trust.renamed, trust.follow_renaming, trust.renumbered, trust.follow_numbers) == (1, 1.0, 2, 0.5)


def test_by_task_and_by_difficulty() -> None:
    tasks, difficulties = by_task(RECORDS), by_difficulty(RECORDS)
    assert {task: part.problems for task, part in tasks.items()} == {"t": 1, "u": 2}
    assert {level: part.pass_at_1.value for level, part in difficulties.items()} == {"1": 0.5, "2": 0.5}


def test_nothing_judged_has_no_figures() -> None:
    assert metrics([]) is None
    assert metrics([sample("a", "infra_error")]) is None


def test_a_record_survives_being_written_and_read() -> None:
    for record in RECORDS:
        assert SampleRecord.model_validate(record.as_json()) == record
