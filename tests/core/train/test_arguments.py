"""Whatever TRL refuses is refused before a run begins, as a mistake of the recipe and never as a traceback."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from lowres_code._util.quiet import quiet_libraries
from lowres_code.errors import UsageError
from lowres_code.recipe import find_recipe, load_recipe, recipe_names
from lowres_code.recipe.schema import Recipe
from lowres_code.recipe.trl_fields import in_words, trl_fields
from lowres_code.recipe.trl_options import REFUSED
from lowres_code.train.arguments import check_options, grpo_config
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import GRPOTrainer

VALUES: dict[str, list[Any]] = {  # of each kind, most likely wrong
    "a whole number": [-1],
    "a number": [-1.0],
    "text": ["nonsense"],
    "true or false": [True],
    "a table": [{"nonsense": 1}],
    "a list": [["nonsense"]],
}
SLOW = {"torch_compile": "compiles for minutes"}
OPTIONS = [name for name in trl_fields() if name not in REFUSED]


@pytest.fixture(autouse=True)
def as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """``full_determinism`` changes torch and the environment of the whole process."""
    quiet_libraries()
    before = dict(os.environ)
    yield
    torch.use_deterministic_algorithms(False)
    os.environ.clear()
    os.environ.update(before)


def kinds(name: str) -> list[str]:
    words = re.sub(r" of .*?(?= or |$)", "", in_words(trl_fields()[name]))
    return [kind for kind in VALUES if kind in words]


def try_out(name: str, value: object, folder: Path) -> None:
    with contextlib.suppress(UsageError):
        taken = getattr(grpo_config({name: value}, folder, 0, [1.0]), name)
        assert taken == value or name == "dataloader_pin_memory"  # which is for GPUs alone


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_is_taken_or_refused_in_words(name: str, tmp_path: Path) -> None:
    if name in SLOW:
        pytest.skip(SLOW[name])
    assert kinds(name)
    for value in (value for kind in kinds(name) for value in VALUES[kind]):
        try_out(name, value, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in OPTIONS if "a number" in kinds(name) or name in SLOW])
def test_huge_numbers_are_taken_or_refused_in_words(name: str, tmp_path: Path) -> None:
    try_out(name, True if name in SLOW else 1e300, tmp_path)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        *([] if importlib.util.find_spec("bitsandbytes") else [({"optim": "adamw_bnb_8bit"}, "bitsandbytes")]),
        ({"optim": "adamw_nonsense"}, "not a valid OptimizerNames"),
        ({"loss_type": "gprpo"}, "Unknown loss type"),
        ({"lr_scheduler_type": "cosine_with_min_lr"}, "min_lr"),
        ({"lr_scheduler_type": "reduce_lr_on_plateau"}, "requires an eval strategy"),
        ({"per_device_train_batch_size": 3}, "divisible by num_generations"),
        (
            {"per_device_train_batch_size": 128, "num_generations": 7},
            "generation_batch_size (128) must be divisible by num_generations (7) "
            "(it is train.per_device_train_batch_size x train.gradient_accumulation_steps x processes)",
        ),
        ({"generation_batch_size": 8, "steps_per_generation": 1}, "can not be both"),
        ({"use_vllm": True}, "train.use_vllm: needs vllm, which is not installed: pip install vllm"),
        ({"use_liger_kernel": True}, "train.use_liger_kernel: needs liger-kernel"),
        ({"report_to": "wandbb"}, "train.report_to: no tracker 'wandbb'; did you mean 'wandb'?"),
        ({"report_to": ["none", "all"]}, "train.report_to: no tracker 'all'"),
        (
            {"generation_kwargs": {"typicl_p": 0.9}},
            "generation_kwargs.typicl_p: unknown key; did you mean 'typical_p'?",
        ),
        ({"generation_kwargs": {"max_new_tokens": 9}}, "use train.max_completion_length"),
        ({"generation_kwargs": {"temperature": 0.0}}, "use train.temperature"),
        ({"sync_ref_model": True}, "beta"),
        ({"dataloader_persistent_workers": True}, "num_workers"),
        ({"save_steps": 2.5}, "save_steps must be an integer"),
        ({"max_step": 3, "temperature": 0.0}, "train.temperature: must be greater than 0"),
    ],
)
def test_what_trl_refuses_is_refused_before_a_run(options: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        grpo_config(options, tmp_path / "checkpoints", 0, [1.0])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", sorted(recipe_names()))
def test_every_recipe_that_ships_is_one_for_the_installed_trl(name: str, tmp_path: Path) -> None:
    recipe = load_recipe(find_recipe(name))
    if "8bit" in recipe.train.get("optim", "") and importlib.util.find_spec("bitsandbytes") is None:
        with pytest.raises(UsageError, match="bitsandbytes"):  # and what fixes it
            grpo_config(recipe.train, tmp_path, 3, recipe.reward_weights())
        recipe.train["optim"] = "adamw_torch"
    config = grpo_config(recipe.train, tmp_path, 3, recipe.reward_weights())
    assert config.seed == 3
    assert config.generation_batch_size % config.num_generations == 0
    assert {option: getattr(config, option) for option in recipe.train} == recipe.train


def test_a_tracker_is_taken_where_it_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert grpo_config({}, tmp_path, 0, [1.0]).report_to == []
    with pytest.raises(UsageError, match="needs trackio, which is not installed: pip install trackio"):
        grpo_config({"report_to": "trackio"}, tmp_path, 0, [1.0])
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: found("json" if name == "trackio" else name))
    assert grpo_config({"report_to": "trackio", "run_name": "r"}, tmp_path, 0, [1.0]).report_to == ["trackio"]


def test_options_that_are_taken_are_used_by_a_step(tiny_model: Path, tmp_path: Path) -> None:
    options = {
        **{"max_steps": 3, "per_device_train_batch_size": 4, "num_generations": 4, "max_completion_length": 3},
        **{"learning_rate": 1e-3, "lr_scheduler_type": "cosine_with_min_lr", "lr_scheduler_kwargs": {"min_lr": 5e-4}},
        **{"optim": "adafactor", "loss_type": "dr_grpo", "beta": 0.1, "save_strategy": "no", "temperature": 0.7},
    }
    trainer = GRPOTrainer(
        model=AutoModelForCausalLM.from_pretrained(str(tiny_model), dtype=torch.float32),
        reward_funcs=[lambda completions, **_: [float(row % 2) for row in range(len(completions))]],
        args=grpo_config(options, tmp_path, 0, [1.0]),
        train_dataset=Dataset.from_list([{"prompt": [{"role": "user", "content": "q"}]}] * 4),
        processing_class=AutoTokenizer.from_pretrained(str(tiny_model), padding_side="left"),
    )
    trainer.train()
    logs = [log for log in trainer.state.log_history if "reward" in log]
    assert [log["step"] for log in logs] == [1, 2, 3]
    assert all(log["completions/max_length"] <= 3 for log in logs)
    assert trainer.generation_config.temperature == 0.7
    assert "Adafactor" in type(trainer.optimizer.optimizer).__name__
    assert max(trainer.lr_scheduler.get_last_lr()) == pytest.approx(5e-4)
    assert all("kl" in log for log in logs)


OF_ANOTHER_MACHINE = {"use_vllm": True, "report_to": "wandb", "use_liger_kernel": True, "tf32": True}


def with_options(**options: Any) -> Recipe:
    recipe = load_recipe(find_recipe("quickstart"))
    return recipe.model_copy(update={"train": {**recipe.train, **options}})


def test_what_is_for_another_machine_is_not_refused_here_and_is_named() -> None:
    assert check_options(load_recipe(find_recipe("quickstart"))) == []
    untried = check_options(with_options(**OF_ANOTHER_MACHINE, optim="adamw_bnb_8bit"))
    assert sorted(untried) == [f"train.{name}" for name in sorted([*OF_ANOTHER_MACHINE, "optim"])]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"report_to": ["wandb", "wandbb"]}, "train.report_to: no tracker 'wandbb'"),
        ({"generation_kwargs": {"max_new_tokens": 9}}, "use train.max_completion_length"),
        ({"lr_scheduler_type": "cosine_with_min_lr"}, "min_lr"),
        ({"optim": "adamw_nonsense"}, "not a valid OptimizerNames"),
    ],
)
def test_what_no_machine_takes_is_refused_beside_it(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        check_options(with_options(**{"tf32": True, "use_liger_kernel": True, **options}))


def test_a_check_says_what_it_did_not_try_and_nothing_of_the_libraries(tmp_path: Path) -> None:
    changes = [f"--set=train.{name}={str(value).lower()}" for name, value in OF_ANOTHER_MACHINE.items()]
    command = [sys.executable, "-m", "lowres_code", "recipe", "check", "quickstart", *changes]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    said = "not tried, as it depends on the machine of the run: train.tf32, train.use_vllm, train.use_liger_kernel"
    assert f"  {said}, train.report_to" in done.stdout.splitlines()
