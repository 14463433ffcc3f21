"""``recipe check`` without a language: what a recipe is made of, and whether TRL takes its options."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import Result
from lowres_code.recipe import open_recipe, recipe_names

Invoke = Callable[..., Result]


def test_it_says_what_a_recipe_is_made_of(invoke: Invoke) -> None:
    done = invoke("recipe", "check", "gsm8k/qwen2.5-coder-0.5b")
    assert done.exit_code == 0
    head, *files = done.stdout.splitlines()
    assert head.startswith("gsm8k/qwen2.5-coder-0.5b is a valid recipe: GRPO with LoRA")
    assert [file.split("#sha256=")[0].strip() for file in files] == [
        "gsm8k/qwen2.5-coder-0.5b",
        "gsm8k/qwen2.5-coder-1.5b",
    ]
    assert "expected: pass_at_1 of the trained model 0.912" in invoke("recipe", "check", "quickstart").stdout
    assert "[[expected]]" in invoke("recipe", "show", "quickstart").stdout


def test_it_says_so_as_json(invoke: Invoke) -> None:
    told = json.loads(invoke("recipe", "check", "quickstart", "--json").stdout)
    assert (told["valid"], told["model"]) == (True, "pocket")
    assert told["files"] == open_recipe("quickstart").provenance()


@pytest.mark.parametrize("name", sorted(recipe_names()))
def test_every_built_in_recipe_is_valid_also_without_a_gpu(name: str, invoke: Invoke) -> None:
    done = invoke("recipe", "check", name)
    assert done.exit_code == 0, done.stderr


SFT = "sft={rounds=1, problems=8, samples=1}"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            ["train.generation_batch_size=7"],
            "generation_batch_size (7) must be divisible by the global batch size (128)",
        ),
        (["train.num_generations=3"], "generation_batch_size (128) must be divisible by num_generations (3)"),
        (["train.optim=foo"], "[train] is refused by TRL: foo is not a valid OptimizerNames"),
        (["train.loss_type=foo"], "a trial step with its options fails: ValueError: Unknown loss type: foo"),
        (["train.generation_kwargs.top_kk=3"], "train.generation_kwargs.top_kk: unknown key; did you mean 'top_h'?"),
        ([SFT, "sft.train.optim=foo"], "[sft.train] is refused by TRL: foo is not a valid OptimizerNames"),
    ],
)
def test_what_trl_refuses_is_refused(changes: list[str], said: str, invoke: Invoke) -> None:
    done = invoke("recipe", "check", "quickstart", *(word for change in changes for word in ("--set", change)))
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr


def test_what_trl_refuses_in_the_supervised_stage_is_refused_with_a_language_too(invoke: Invoke) -> None:
    small = ("data.train.size=16", "data.eval.size=10", SFT, "sft.train.optim=foo")
    done = invoke("recipe", "check", "quickstart", "--lang", "prolog", *(w for c in small for w in ("--set", c)))
    assert done.exit_code == 2
    assert "[sft.train] is refused by TRL: foo is not a valid OptimizerNames" in done.stderr
