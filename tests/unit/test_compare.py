from __future__ import annotations

import json
import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lowres_code.errors import UsageError
from lowres_code.evaluation.compare import compare, sign_flip_test
from lowres_code.evaluation.folder import Asked, EvaluationFolder, Summary
from scipy.stats import permutation_test
from statsmodels.stats.contingency_tables import mcnemar


def test_the_exact_test_against_scipy() -> None:
    rng = random.Random(0)
    for count in (2, 3, 8, 13):
        steps = [Fraction(rng.randint(-4, 4), 4) for _ in range(count)]
        reference = permutation_test(
            (np.array([float(step) for step in steps]),), np.sum, permutation_type="samples", n_resamples=10**6
        )
        assert sign_flip_test(steps) == pytest.approx(reference.pvalue)


def test_with_single_samples_it_is_mcnemars() -> None:
    steps = [Fraction(1)] * 12 + [Fraction(-1)] * 2 + [Fraction(0)] * 36
    assert sign_flip_test(steps) == pytest.approx(mcnemar([[36, 12], [2, 0]], exact=True).pvalue)


def test_no_difference_proves_nothing_and_one_problem_hardly_more() -> None:
    assert sign_flip_test([]) == 1
    assert sign_flip_test([Fraction(0)] * 5) == 1
    assert sign_flip_test([Fraction(1)]) == 1
    assert sign_flip_test([Fraction(1)] * 10) == 2 / 2**10


def test_many_problems_of_unlike_numbers_of_samples_still_fit() -> None:
    """300 primes as denominators: their common multiple has hundreds of digits."""
    rng = random.Random(1)
    steps = [Fraction(rng.randint(-90, 100), rng.choice([97, 98, 99, 100, 101, 103])) for _ in range(300)]
    sums = np.random.default_rng(2).choice([-1, 1], size=(4_000, 300)) @ np.array([float(step) for step in steps])
    expected = np.mean(np.abs(sums) >= abs(float(sum(steps))))
    assert sign_flip_test(steps) == pytest.approx(expected, abs=0.03)


def evaluation(path: Path, rights: dict[str, str], **asked: Any) -> EvaluationFolder:
    """A folder as `evaluate` leaves it: for each problem, a letter for each sample, ``+`` if it is right."""
    said = {
        "model": "m", "language": "prolog", "limits": "l", "samples": 2, "greedy": False, "temperature": 1.0,
        "top_p": 1.0, "max_new_tokens": 8, "seed": 0, "problems": "p", "prompt": "q",
    }  # fmt: skip
    path.mkdir()
    summary = Summary(complete=True, isolation="namespaces", asked=Asked.model_validate({**said, **asked}))
    (path / "summary.json").write_text(summary.model_dump_json())
    problems = [{"id": name, "question": name, "tests": [{"expected": "1"}], "asked": "x"} for name in rights]
    samples = [
        {
            "problem": name, "task": name[0], "sample": number, "completion": "", "program": None,
            "verdict": "correct" if letter == "+" else "wrong_answer",
        }
        for name, letters in rights.items()
        for number, letter in enumerate(letters)
    ]  # fmt: skip
    for file, records in (("problems.jsonl", problems), ("samples.jsonl", samples)):
        (path / file).write_text("".join(json.dumps(record) + "\n" for record in records))
    return EvaluationFolder(path)


def test_the_same_problems_are_paired_overall_and_by_task(tmp_path: Path) -> None:
    first = evaluation(tmp_path / "a", {"a1": "--", "a2": "+-", "b1": "++"})
    second = evaluation(tmp_path / "b", {"a1": "++", "a2": "++", "b1": "+-"})
    (found,) = compare(first, [second])
    assert (found.all.problems, found.all.better, found.all.worse) == (3, 2, 1)
    assert (found.all.before.value, found.all.after.value) == pytest.approx((0.5, 5 / 6))
    assert found.all.difference.value == pytest.approx(1 / 3)
    assert found.all.p_value == 6 / 8  # of 1, .5, .5 six of eight signings come to 1 or more, either way
    assert {task: part.difference.value for task, part in found.by_task.items()} == {"a": 0.75, "b": -0.5}


@pytest.mark.parametrize("what", ["language", "limits", "problems", "prompt"])
def test_what_was_not_asked_the_same_is_refused_unless_told_to(what: str, tmp_path: Path) -> None:
    first = evaluation(tmp_path / "a", {"a1": "+-", "a2": "--"})
    second = evaluation(tmp_path / "b", {"a1": "++", "a3": "--"}, **{what: "other"})
    with pytest.raises(UsageError, match=r"not asked the same.*--anyway"):
        compare(first, [second])
    (found,) = compare(first, [second], anyway=True)
    assert (found.all.problems, found.left_out) == (1, 2)
    assert len(found.differs_in) == 1


def test_a_language_that_was_changed_between_two_evaluations_is_not_the_same(tmp_path: Path) -> None:
    first = evaluation(tmp_path / "a", {"a1": "++"}, language_data={"run": '["sh"]'})
    with pytest.raises(UsageError, match="they differ in what the language says and does"):
        compare(first, [evaluation(tmp_path / "b", {"a1": "++"}, language_data={"run": '["bash"]'})])
    assert compare(first, [evaluation(tmp_path / "c", {"a1": "++"})])  # an older one, of which nothing is known


def test_what_an_evaluation_lacks_is_said(tmp_path: Path) -> None:
    first = evaluation(tmp_path / "a", {"a1": "++", "a2": "--", "a3": "++"})
    second = evaluation(tmp_path / "b", {"a1": "+", "a2": "--", "a3": "++"})
    told = json.loads((second.path / "summary.json").read_text())
    (second.path / "summary.json").write_text(json.dumps({**told, "failures": ["the line is busy"]}))
    lines = (second.path / "samples.jsonl").read_text().splitlines()
    lines[-2:] = [line.replace('"correct"', '"infra_error"') for line in lines[-2:]]
    greedy = json.dumps({**json.loads(lines[0]), "greedy": True})
    (second.path / "samples.jsonl").write_text("\n".join([*lines, greedy]) + "\n")
    (found,) = compare(first, [second])
    assert (found.all.problems, found.left_out) == (2, 1)
    assert found.before_lacks.model_dump() == {"samples": 6, "missing": 0, "reasons": (), "infra_error": 0}
    assert (found.after_lacks.missing, found.after_lacks.infra_error) == (1, 2)
    assert found.notes()[1:] == [
        f"{second.path} is incomplete: 1 of 6 samples are missing (the line is busy); only those that are there count",
        f"{second.path}: the judge itself failed on 2 of 6 samples; they do not count",
    ]


def test_two_whole_evaluations_need_no_notes(tmp_path: Path) -> None:
    first = evaluation(tmp_path / "a", {"a1": "++"})
    (found,) = compare(first, [evaluation(tmp_path / "b", {"a1": "+-"})])
    assert found.notes() == []


def test_the_same_id_with_another_question_is_no_pair(tmp_path: Path) -> None:
    first = evaluation(tmp_path / "a", {"a1": "++", "a2": "++"})
    second = evaluation(tmp_path / "b", {"a1": "++", "a2": "++"}, problems="other")
    lines = (second.path / "problems.jsonl").read_text().replace('"question": "a2"', '"question": "another"')
    (second.path / "problems.jsonl").write_text(lines)
    (found,) = compare(first, [second], anyway=True)
    assert found.all.problems == 1


def test_folders_that_hold_nothing_in_common_are_refused(tmp_path: Path) -> None:
    first = evaluation(tmp_path / "a", {"a1": "++"})
    with pytest.raises(UsageError, match="no judged problem in common"):
        compare(first, [evaluation(tmp_path / "b", {"b1": "++"}, problems="other")], anyway=True)
    with pytest.raises(UsageError, match="holds no evaluation"):
        compare(first, [EvaluationFolder(tmp_path / "nothing")])


def test_an_evaluation_of_an_older_version_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "base.json").write_text('{"pass@1": {"value": 0.5}}')
    with pytest.raises(UsageError, match="older version that kept no samples; evaluate the model again"):
        EvaluationFolder(tmp_path / "base").summary()
