"""GRPO ends where it learns no more."""

from __future__ import annotations

from pathlib import Path

import pytest
from lowres_code.recipe.stages import StopTable
from lowres_code.runs.directory import TRAINING, RunDirectory
from lowres_code.train.stop import reason_to_stop

from tests.conftest import Cli
from tests.core.train.test_session import TINY, metrics


@pytest.mark.parametrize(
    ("values", "options", "step"),
    [
        ([0.2, 0.4, 0.6, 0.8, 1.0], {"window": 2, "enough": 0.7}, 4),  # means .3 .5 .7
        ([0.2, 0.4, 0.6], {"window": 2, "enough": 0.9}, None),
        (
            [0.5, 0.7, 0.6, 0.6, 0.7, 0.2],
            {"window": 1, "patience": 3},
            5,
        ),  # the best, .7, is of step 2; equal is no better
        ([0.5, 0.7, 0.6, 0.6, 0.8, 0.7, 0.7], {"window": 1, "patience": 3}, None),
        ([1.0, 0.0, 1.0], {"window": 4, "patience": 1, "enough": 0.0}, None),  # no mean of four yet
        ([0.0, 1.0, 0.5, 0.5, 0.5], {"window": 2, "patience": 2}, 5),  # means .5 .75 .5 .5
    ],
)
def test_the_step_after_which_it_stops(values: list[float], options: dict[str, float], step: int | None) -> None:
    table = StopTable.model_validate(options)
    reasons = [reason_to_stop(values[:end], table) for end in range(1, len(values) + 1)]
    assert next((number for number, reason in enumerate(reasons, 1) if reason), None) == step


def test_a_stop_needs_a_reason() -> None:
    with pytest.raises(ValueError, match="needs enough or patience"):
        StopTable()


def test_a_metric_that_is_not_there_is_told(tmp_path: Path, cli: Cli) -> None:
    stop = ["--set", 'stop={metric="share/corect", patience=3}', "--set", "train.max_steps=2"]
    done = cli("train", "--lang", "prolog", "--out", tmp_path / "run", *stop, *TINY)
    assert done.returncode == 2
    assert "stop.metric: no metric 'share/corect'; did you mean 'share/correct'?" in done.stderr


def test_a_run_that_stops_early_is_finished_and_can_be_finished_again(tmp_path: Path, cli: Cli) -> None:
    """``enough = -1`` is reached at once; what was killed before its model was saved saves it, and trains no more."""
    run = tmp_path / "run"
    stop = ["--set", "stop={window=2, enough=-1}", "--set", "train.max_steps=6", "--set", "train.save_steps=100"]
    done = cli("train", "--lang", "prolog", "--out", run, *stop, *TINY)
    assert done.returncode == 0, done.stderr
    assert "Stopping after step 2: the mean of share/correct over 2 steps is " in done.stdout
    assert "done, step 2 of 6" in done.stdout
    assert [record["step"] for record in metrics(run)] == [1, 2]
    weights = (run / "model" / "model.safetensors").read_bytes()
    for what in ("model", "eval/trained"):
        (run / what).rename(tmp_path / Path(what).name)
    RunDirectory(run).set_status(TRAINING)
    again = cli("train", "--resume", run)
    assert again.returncode == 0, again.stderr
    assert RunDirectory(run).is_finished()
    assert [record["step"] for record in metrics(run)] == [1, 2]
    assert (run / "model" / "model.safetensors").read_bytes() == weights
