"""What ``[train]`` may say, as far as each option by itself can tell: nothing here imports TRL."""

from __future__ import annotations

import subprocess
import sys

import pytest
from lowres_code.recipe.trl_options import option_errors


def test_each_mistake_is_told_with_what_would_be_right() -> None:
    said = option_errors(
        {
            "learning_rte": 1,
            "max_steps": "many",
            "seed": 3,
            "learning_rate": 1e-5,
            "lr_scheduler_kwargs": "{}",
            "debug": 3,
        }
    )
    assert len(said) == 5
    assert said[0].startswith("train.learning_rte: TRL ") and "did you mean 'learning_rate'?" in said[0]
    assert said[1] == "train.max_steps: must be a whole number, got 'many'"
    assert said[2] == "train.seed: not for a recipe to set; use --seed"
    assert said[3] == "train.lr_scheduler_kwargs: must be a table, got '{}'"
    assert said[4] == "train.debug: must be text or a list of text, got 3"


def test_a_name_that_is_like_no_other_is_a_short_message() -> None:
    [said] = option_errors({"xyzzyx": 1})
    assert "TRL " in said and "the nearest of 1" in said
    assert len(said) < 300


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("temperature", 0.0, "must be greater than 0, got 0.0"),
        ("temperature", float("nan"), "must be a finite number"),
        ("learning_rate", float("inf"), "must be a finite number"),
        ("learning_rate", -1e-6, "must be at least 0"),
        ("learning_rate", 10**400, "must be a number"),
        ("gradient_accumulation_steps", 0, "must be at least 1, got 0"),
        ("per_device_train_batch_size", 0, "must be at least 1, got 0"),
        ("num_generations", 1, "must be at least 2, got 1"),
        ("max_steps", 0, "at least one step"),
        ("max_steps", -2, "must be at least -1"),
        ("max_steps", 10**12, "must be less than 2147483648"),
        ("max_steps", True, "must be a whole number, got True"),
        ("max_steps", 3.0, "must be a whole number, got 3.0"),
        ("bf16", 1, "must be true or false, got 1"),
        ("adam_beta2", 1.0, "must be less than 1"),
        ("top_p", 0, "must be greater than 0"),
        ("pad_to_multiple_of", "64", "must be a whole number, got '64'"),
        ("auto_find_batch_size", True, "whole groups"),
        ("save_strategy", "best", "not asked while training"),
        ("remove_unused_columns", True, "the judge needs every column"),
        ("deepspeed", "ds.json", "one process"),
        ("logging_strategy", "epoch", "every step is logged"),
        ("resume_from_checkpoint", "x", "use --resume"),
        ("eval_strategy", "steps", "as [eval] says"),
        ("chat_template_kwargs", {}, "must ask alike"),
    ],
)
def test_what_cannot_be_used(name: str, value: object, said: str) -> None:
    [error] = option_errors({name: value})
    assert error.startswith(f"train.{name}: ")
    assert said in error


def test_what_can_be_used() -> None:
    options = {"max_steps": -1, "warmup_steps": 0.1, "learning_rate": 1, "optim": "adafactor", "top_k": 0, "bf16": True}
    assert option_errors({**options, "lr_scheduler_kwargs": {"a": 1}, "optim_target_modules": ["attn"]}) == []


def test_looking_at_options_imports_neither_trl_nor_torch() -> None:
    script = (
        "import sys; from lowres_code.recipe import find_recipe, load_recipe\n"
        "load_recipe(find_recipe('quickstart'))\n"
        "print(sorted({'torch', 'transformers', 'trl', 'datasets'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
