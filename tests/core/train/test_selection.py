"""Only problems that are right sometimes are trained on; by TRL with the real judge, on the pocket model."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from lowres_code._util.files import read_json_lines
from lowres_code.evaluation.record import SampleRecord
from lowres_code.problem import Problem, Test
from lowres_code.train.selection import selection_of

from tests.conftest import Cli
from tests.core.train.test_sft import killed_when

RECIPE = """
extends = "quickstart"
remove = ["data.train.tasks", "data.train.weights"]
[data.train]
size = 60
[data.train.tasks]
lcm = {}
products = { max_digits = 4 }
[data.eval]
size = 4
[eval]
samples = 1
batch_size = 20
max_new_tokens = 64
[train]
max_steps = 2
per_device_train_batch_size = 16
max_completion_length = 64
[selection]
samples = 4
max_new_tokens = 64
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    (tmp_path / "some.toml").write_text(RECIPE)
    return tmp_path / "some.toml"


def lines(file: Path) -> list[dict[str, Any]]:
    return list(read_json_lines(file))


def test_how_often_each_problem_was_right() -> None:
    problems = [Problem(name, "q", (Test("1"),), task="t") for name in ("a", "b")]
    verdicts = {"a": ["correct", "infra_error", "wrong_answer"], "b": ["no_code"]}
    samples = [
        SampleRecord(problem=name, completion="", program=None, verdict=verdict)
        for name, those in verdicts.items()
        for verdict in those
    ]
    assert selection_of(problems, samples) == [
        {"problem": "a", "task": "t", "right": 1, "samples": 2},
        {"problem": "b", "task": "t", "right": 0, "samples": 1},
    ]


@pytest.mark.slow
def test_a_run_trains_on_what_is_right_sometimes_and_goes_on_after_kill(recipe: Path, tmp_path: Path, cli: Cli) -> None:
    run = tmp_path / "run"
    command = [sys.executable, "-m", "lowres_code", "train", "--lang", "prolog", "--recipe", str(recipe)]
    process = subprocess.Popen(
        [*command, "--out", str(run)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    killed_when(process, (run / "selection" / "samples.jsonl").is_file)
    drawn = lines(run / "selection" / "samples.jsonl")
    assert 0 < len(drawn) < 240 and not (run / "selection.jsonl").exists()
    done = cli("train", "--resume", run)
    assert done.returncode == 0, done.stderr
    samples = lines(run / "selection" / "samples.jsonl")
    assert samples[: len(drawn)] == drawn and len(samples) == 240
    right = {row["problem"]: 0 for row in samples}
    for row in samples:
        right[row["problem"]] += row["verdict"] == "correct"
    kept = {problem for problem, times in right.items() if 0 < times < 4}
    never = sum(times == 0 for times in right.values())
    assert f"selection: {len(kept)} of 60 problems are kept ({len(kept) / 60:.0%})" in done.stdout
    assert f"{never} were never right, {60 - never - len(kept)} always" in done.stdout
    trained_on = {row["problem"] for row in lines(run / "samples.jsonl")}
    assert len(lines(run / "samples.jsonl")) == 32 and trained_on <= kept


def test_nothing_between_never_and_always_is_told(recipe: Path, tiny_model: Path, tmp_path: Path, cli: Cli) -> None:
    small = ["--set", f"model.name={tiny_model}", "--set", "selection.problems=3"]
    done = cli("train", "--lang", "prolog", "--recipe", recipe, "--out", tmp_path / "run", *small)
    assert done.returncode == 2
    assert "0 of 3 problems are kept (0%); 3 were never right, 0 always" in done.stderr
