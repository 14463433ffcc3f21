"""A run that was stopped and goes on has the weights, to the last bit, of one that was not (CPU, one thread)."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from lowres_code._util.files import read_json_lines
from lowres_code.generation.models import load_model
from lowres_code.recipe.schema import LoraTable
from lowres_code.runs.directory import RunDirectory
from lowres_code.train.adapters import lora_config
from lowres_code.train.trainer import Trainer
from safetensors.torch import load_file

from tests.conftest import Cli
from tests.core.train.test_session import SMALL, metrics, start, wait_for_step
from tests.core.train.test_trainer import POCKET, trainer_of

BUFFERED = {"steps_per_generation": 4, "gradient_accumulation_steps": 1}


def learned(trainer: Any) -> list[torch.Tensor]:
    return [weight.detach().clone() for weight in trainer.model.parameters() if weight.requires_grad]


@pytest.mark.parametrize(
    ("step", "options"),
    [
        (2, {}),
        (1, {"num_iterations": 2}),
        (1, {"gradient_accumulation_steps": 2, "num_iterations": 3}),
        (3, {**BUFFERED, "num_iterations": 2}),
        (1, {"steps_per_generation": 3, "gradient_accumulation_steps": 2}),
    ],
)
def test_a_run_goes_on_as_if_it_had_not_stopped(tmp_path: Path, step: int, options: dict[str, Any]) -> None:
    """But for the first, the checkpoint lies in the middle of a generation batch."""
    saved = {"save_strategy": "steps", "save_steps": step, "max_steps": 4, "temperature": 2.0, "learning_rate": 1e-3}
    saved |= {"max_completion_length": 6, "num_generations": 2, "per_device_train_batch_size": 2, **options}

    def trainer() -> Any:
        torch.manual_seed(7)
        adapters = lora_config(LoraTable(r=4, dropout=0.1), load_model(POCKET))
        return trainer_of(Trainer, tmp_path, peft_config=adapters, **saved)

    whole = trainer()
    began = learned(whole)
    whole.train()
    expected = learned(whole)
    assert not all(map(torch.equal, began, expected)), "nothing was learned"
    logged = [record.get("completions/mean_length") for record in whole.state.log_history if "loss" in record]
    resumed = trainer()
    resumed.train(resume_from_checkpoint=str(tmp_path / f"checkpoint-{step}"))
    assert all(map(torch.equal, learned(resumed), expected))
    again = [record.get("completions/mean_length") for record in resumed.state.log_history if "loss" in record]
    assert again == logged


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [["train.num_iterations=1"], ["train.num_iterations=2", "train.steps_per_generation=2"], ["rollout.turns=2"]],
)
def test_kill_dash_nine_at_a_random_step_changes_no_weight(tmp_path: Path, cli: Cli, options: list[str]) -> None:
    small = ["train.max_steps=6", "train.save_steps=2", "train.per_device_train_batch_size=32", *options]
    changes = [*SMALL, *(part for option in small for part in ("--set", option))]
    one_thread = {"OMP_NUM_THREADS": "1"}
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    done = cli("train", "--lang", "prolog", "--out", whole, *changes, **one_thread)
    assert done.returncode == 0, done.stderr
    process = start(stopped, *changes)
    wait_for_step(stopped, random.SystemRandom().randint(1, 5))
    process.kill()
    process.communicate()
    assert not (stopped / "model").exists()
    done = cli("train", "--resume", stopped, **one_thread)
    assert done.returncode == 0, done.stderr
    weights = [load_file(run / "model" / "model.safetensors") for run in (whole, stopped)]
    assert weights[0].keys() == weights[1].keys()
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert [record["step"] for record in metrics(stopped)] == [1, 2, 3, 4, 5, 6]
    assert timeless(stopped) == timeless(whole)


def timeless(run: Path) -> list[dict[str, Any]]:
    """The records of the judged completions, but for how long the programs took."""

    def without(row: dict[str, Any]) -> dict[str, Any]:
        kept = {key: value for key, value in row.items() if key not in ("cpu_s", "wall_s")}
        return {**kept, "earlier": list(map(without, row.get("earlier", [])))}

    return list(map(without, read_json_lines(run / "samples.jsonl")))


@pytest.mark.slow
def test_held_out_problems_are_asked_while_the_model_trains_too(tmp_path: Path, cli: Cli) -> None:
    """Stopped in the middle of the second of these evaluations, the run goes on with it."""
    run = tmp_path / "run"
    small = ["train.max_steps=3", "train.save_steps=1", "train.per_device_train_batch_size=16", "eval.every=1"]
    small += ["data.train.size=16", "data.eval.size=8", "eval.samples=1"]
    changes = [part for option in small for part in ("--set", option)]
    process = start(run, *changes)
    wait_for_file(run / "eval" / "step-2" / "summary.json")
    process.kill()
    process.communicate()
    done = cli("train", "--resume", run)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (run / "eval").iterdir()) == ["base", "step-1", "step-2", "trained"]
    found = RunDirectory(run).step_evaluations()
    assert list(found) == [1, 2]
    assert {summary.all.samples for summary in found.values() if summary.all} == {8}
    assert "while training" in cli("report", run).stdout


def wait_for_file(path: Path) -> None:
    deadline = time.monotonic() + 600
    while not path.is_file():
        assert time.monotonic() < deadline
        time.sleep(0.05)
