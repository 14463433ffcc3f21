"""Runs and evaluations as objects and frames say what their files say."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from lowres_code import UsageError, load_evaluation, load_run

from tests.conftest import ROOT, Cli


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, cli: Cli) -> Path:
    """Two steps of 16 completions, seven held-out problems."""
    run = tmp_path_factory.mktemp("loaded") / "run"
    small = {"train.max_steps": 2, "train.per_device_train_batch_size": 16, "data.train.size": 16}
    small |= {"data.eval.size": 7, "eval.samples": 1, "eval.every": 1, "eval.greedy": False}
    settings = [word for key, value in small.items() for word in ("--set", f"{key}={json.dumps(value)}")]
    done = cli("train", "--lang", "prolog", "--out", run, *settings)
    assert done.returncode == 0, done.stderr
    return run


def test_a_run_says_what_its_files_say(run: Path) -> None:
    loaded = load_run(str(run))
    assert [*loaded.evaluations] == ["base", "step-1", "trained"]
    assert (loaded.status["state"], loaded.status["step"]) == ("done", 2)
    assert loaded.recipe.train["max_steps"] == 2 and loaded.env["language"] == "prolog" and loaded.health == ()
    assert [record["step"] for record in loaded.metrics] == [1, 2]
    frame = loaded.metrics_frame()
    assert list(frame.index) == [1, 2]
    assert frame.loc[2, "share/correct"] == loaded.metrics[1]["share/correct"]
    samples = loaded.samples_frame()
    assert len(samples) == len(loaded.samples) == 32
    assert set(samples.columns) >= {"step", "problem", "program", "verdict", "reward/correct", "reward/syntax"}
    assert (samples["reward/correct"] == samples["correct"]).all()
    assert samples[samples.step == 1]["correct"].mean() == pytest.approx(frame.loc[1, "share/correct"])


def test_an_evaluation_says_what_its_files_say(run: Path) -> None:
    evaluation = load_evaluation(run / "eval" / "trained")
    assert evaluation.summary.all is not None
    frame = evaluation.frame()
    assert len(frame) == 7 == len(evaluation.problems)
    assert frame["correct"].mean() == pytest.approx(evaluation.summary.all.pass_at_1.value)
    assert Counter(frame["verdict"]) == evaluation.summary.all.verdicts
    assert list(frame["question"]) == [evaluation.problems[name].question for name in frame["problem"]]


def test_what_is_neither_is_said(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a run: load_run, or the folder of one of its evaluations"):
        load_evaluation(run)
    with pytest.raises(UsageError, match="holds no evaluation"):
        load_evaluation(tmp_path)
    with pytest.raises(UsageError, match="holds no run"):
        load_run(tmp_path)


def test_the_lines_in_the_readme_work(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / "README.md").read_text()
    lines = re.search(r"```python\n(from lowres_code import load_run.*?)```", text, re.DOTALL)
    assert lines is not None
    names: dict[str, Any] = {}
    exec(re.sub(r'load_run\(".*?"\)', f"load_run({str(run)!r})", lines[1]), names)
    assert str(load_run(run).evaluations["trained"].summary.all.pass_at_1) in capsys.readouterr().out  # type: ignore[union-attr]
    assert {"question", "completion", "program", "verdict"} <= set(names["samples"].columns)
