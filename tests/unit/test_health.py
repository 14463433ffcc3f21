"""What metrics say of a run, step by step; the names are those of TRL's logs and of `lowres_code.train.scorer`."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from lowres_code.recipe import find_recipe, load_recipe
from lowres_code.report.terminal import print_run
from lowres_code.runs.directory import RunDirectory
from lowres_code.runs.health import EQUAL_STEPS, RIGHT_STEPS, RULES, Finding, Health
from rich.console import Console

# Steps 1, 4, 8, 12, ... of a run of quickstart for Prolog: it learnt, and nothing was wrong with it.
GOOD = [
    (0.242, 0.0, 0.0, 0.0, 0.113, 5.0),
    (0.453, 0.0, 0.0, 0.0, 0.106, 3.0),
    (0.773, 0.188, 0.0, 0.0, 0.05, 2.56),
    (0.836, 0.312, 0.0, 0.0, 0.039, 4.38),
    (0.438, 0.125, 0.0, 0.0, 0.114, 3.0),
    (0.93, 0.5, 0.0, 0.0, 0.017, 2.0),
    (0.969, 0.75, 0.0, 0.0, 0.013, 3.0),
    (0.859, 0.438, 0.0, 0.0, 0.027, 2.98),
]
NAMES = (
    "share/correct",
    "share/equal_rewards",
    "completions/clipped_ratio",
    "share/infra_error",
    "entropy",
    "reasoning_words",
)


def steps(*parts: tuple[int, dict[str, float]]) -> list[dict[str, Any]]:
    """So many steps each with these metrics on top of those of a run that is well."""
    well = dict(zip(NAMES, GOOD[1], strict=True)) | {"loss": 0.01, "grad_norm": 0.4, "reward": 0.5}
    rows = [{**well, **metrics} for number, metrics in parts for _ in range(number)]
    return [{"step": step, **row} for step, row in enumerate(rows, 1)]


def found(records: Iterable[dict[str, Any]], health: Health | None = None) -> list[tuple[str, int]]:
    health = health or Health()
    return [(finding.kind, finding.step) for record in records for finding in health.observe(record)]


def test_a_run_that_learns_is_well() -> None:
    rows = [dict(zip(NAMES, row, strict=True)) for row in GOOD for _ in range(5)]
    assert found({"step": step, **row} for step, row in enumerate(rows, 1)) == []


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        (steps((40, {})), []),
        (steps((2, {"completions/clipped_ratio": 1.0}), (9, {})), []),
        (steps((1, {}), (9, {"completions/clipped_ratio": 0.95})), [("cut", 4)]),
        (steps((9, {"share/equal_rewards": 1.0}), (1, {}), (9, {"share/equal_rewards": 1.0})), []),
        (steps((30, {"share/equal_rewards": 1.0})), [("equal_rewards", EQUAL_STEPS)]),
        (steps((30, {"share/equal_rewards": 1.0, "share/correct": 1.0})), [("nothing_left", EQUAL_STEPS)]),
        (steps((19, {"share/correct": 0.0}), (1, {"share/correct": 0.01}), (19, {"share/correct": 0.0})), []),
        (steps((3, {}), (30, {"share/correct": 0.0})), [("nothing_right", 3 + RIGHT_STEPS)]),
        (steps((9, {}), (1, {"share/infra_error": 1 / 32})), []),  # 0.3 % of ten steps
        (steps((8, {}), (9, {"share/infra_error": 4 / 32})), [("judge_failures", 9)]),
        (steps((3, {}), (3, {"grad_norm": math.nan})), [("not_a_number", 4)]),
        (steps((3, {}), (3, {"loss": math.inf})), [("not_a_number", 4)]),
        # five steps of 60 words; the mean of the last five is below 20 when the fifth of 12 is in it
        (steps((5, {"reasoning_words": 60.0}), (9, {"reasoning_words": 12.0})), [("short_reasoning", 10)]),
        (steps((5, {"reasoning_words": 60.0}), (9, {"reasoning_words": 21.0})), []),
        (steps((5, {"reasoning_words": 6.0}), (9, {"reasoning_words": 0.0})), []),
        (steps((5, {"entropy": 1.0}), (9, {"entropy": 0.01})), [("low_entropy", 10)]),
        (steps((5, {"entropy": 1.0}), (9, {"entropy": 0.01, "share/correct": 0.9})), []),
    ],
)
def test_what_is_found_and_when(records: list[dict[str, Any]], expected: list[tuple[str, int]]) -> None:
    assert found(records) == expected


def test_several_things_are_each_told_once() -> None:
    bad = {"completions/clipped_ratio": 1.0, "share/correct": 0.0, "share/equal_rewards": 1.0}
    assert found(steps((60, bad))) == [("cut", 3), ("equal_rewards", 10), ("nothing_right", 20)]


def test_a_run_that_goes_on_is_not_told_twice_and_forgets_nothing() -> None:
    records = steps((60, {"share/correct": 0.0}))
    assert found(records[15:], Health(before=records[:15])) == [("nothing_right", 20)]
    assert found(records[30:], Health(["nothing_right"], records[:30])) == []


def test_metrics_that_some_steps_lack_are_not_missed() -> None:
    """With several updates for each generation, most steps have no judgement."""
    records = steps((60, {"share/correct": 0.0}))
    for record in records[1::2]:
        del record["share/correct"]
    assert found(records) == [("nothing_right", 2 * RIGHT_STEPS - 1)]


def test_every_rule_says_what_it_means_and_what_to_change() -> None:
    assert len({rule.kind for rule in RULES}) == len(RULES)
    assert all(rule.means.endswith(".") and rule.change.endswith(".") for rule in RULES)


def test_what_was_found_is_kept_shown_and_forgotten_with_its_step(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "run", load_recipe(find_recipe("quickstart")), {"seed": 0})
    findings = [
        Finding("cut", 3, "[red]all cut", "It means.", "Change."),
        Finding("nothing_right", 20, "s", "m.", "c."),
    ]
    run.health().append(*(finding.as_json() for finding in findings))
    assert run.read_health() == findings
    console = Console(file=io.StringIO(), width=200)
    print_run(run, console)
    assert "Warning: step 3: [red]all cut. It means. Change." in console.file.getvalue()  # type: ignore[attr-defined]
    run.forget_after(10)
    assert run.read_health() == findings[:1]
