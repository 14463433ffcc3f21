"""The supervised stage by TRL with the real judge, on the pocket model."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lowres_code._util.files import read_json_lines
from lowres_code.generation.models import load_tokenizer
from lowres_code.judge import Judge
from lowres_code.recipe import load_recipe
from lowres_code.recipe.schema import Recipe
from lowres_code.recipe.stages import SftTable
from lowres_code.runs.directory import RunDirectory
from lowres_code.train.examples import Example
from lowres_code.train.policy import Policy
from lowres_code.train.sft import SftStage
from rich.console import Console
from safetensors.torch import load_file

from tests.conftest import Cli

RECIPE = """
extends = "quickstart"
[data.train]
size = 100
[data.train.tasks]
lcm = {}
products = { max_digits = 4 }
chain_sum = { max_terms = 3, max_digits = 2 }
[data.eval]
size = 60
[eval]
samples = 2
max_new_tokens = 64
[train]
max_steps = 1
per_device_train_batch_size = 8
[sft]
samples = 4
max_new_tokens = 64
[sft.prompt]
system = ""
template = "{title}: {question}"
shots = 0
[sft.train]
num_train_epochs = 2
per_device_train_batch_size = 8
learning_rate = 1e-3
gradient_checkpointing = false
"""
LORA = ["--set", "lora.r=8", "--set", "sft.train.learning_rate=5e-3"]
OF_OTHERS = 'remove = ["data.train.tasks", "data.train.weights"]\n'


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("recipes") / "tiny.toml"
    file.write_text(OF_OTHERS + RECIPE)
    return file


@pytest.fixture(scope="module")
def adapted(tmp_path_factory: pytest.TempPathFactory, recipe: Path, cli: Cli) -> Path:
    """SFT of an adapter, then one GRPO step that changes nothing."""
    run = tmp_path_factory.mktemp("adapted") / "run"
    still = ["--set", "train.learning_rate=0.0", "--set", "train.weight_decay=0.0", "--set", "train.beta=0.1"]
    done = cli("train", "--lang", "prolog", "--recipe", recipe, "--out", run, *LORA, *still)
    assert done.returncode == 0, done.stderr
    return run


def lines(file: Path) -> list[dict[str, Any]]:
    return list(read_json_lines(file))


def test_one_adapter_is_trained_by_both(adapted: Path) -> None:
    after_sft = load_file(adapted / "sft" / "round-1" / "adapter" / "adapter_model.safetensors")
    after_grpo = load_file(adapted / "adapter" / "adapter_model.safetensors")
    assert after_sft.keys() == after_grpo.keys()
    assert all(bool((after_sft[name] == after_grpo[name]).all()) for name in after_sft)
    assert any(bool(weights.any()) for name, weights in after_sft.items() if "lora_B" in name), "nothing was learned"


def test_grpo_is_held_to_the_model_that_it_began_with(adapted: Path) -> None:
    """No step has moved it, so that it does not differ from its reference, which is that after SFT."""
    [step] = lines(adapted / "metrics.jsonl")
    assert step["kl"] == pytest.approx(0.0, abs=1e-6)
    assert sorted(path.name for path in (adapted / "adapter").iterdir() if path.is_dir()) == []


def test_each_stage_is_evaluated_and_shown_in_one_table(adapted: Path, cli: Cli) -> None:
    run = RunDirectory.open(adapted)
    before, after = run.evaluation("base"), run.evaluation("sft")
    assert before and before.all and after and after.all and run.evaluation("trained")
    assert after.all.pass_at_1.value > before.all.pass_at_1.value + 0.05
    said = cli("report", adapted).stdout
    assert all(f"pass@1 {when}" in said for when in ("before", "after SFT", "after GRPO"))


def test_every_example_was_judged_right_and_every_sample_is_accounted_for(adapted: Path) -> None:
    folder = adapted / "sft" / "round-1"
    samples, examples = lines(folder / "samples.jsonl"), lines(folder / "data.jsonl")
    counts = json.loads((folder / "counts.json").read_text())
    assert counts["samples"] == len(samples) == 400
    right = {(sample["problem"], sample["program"]) for sample in samples if sample["verdict"] == "correct"}
    assert counts["wrong"] == sum(sample["verdict"] != "correct" for sample in samples) > 0
    assert {(example["problem"], example["program"]) for example in examples} <= right
    assert sum(counts[name] for name in ("wrong", "repeated", "surplus", "unusable", "learned")) == 400
    assert all(example["prompt"][-1]["content"].startswith("Prolog: ") for example in examples)
    assert lines(folder / "metrics.jsonl")[-1]["train_loss"] > 0


def stage_of(recipe: Recipe, table: SftTable, judge: Judge, folder: Path) -> SftStage:
    policy = Policy(recipe.model, recipe.lora)
    console = Console(quiet=True)
    return SftStage(table, RunDirectory(folder), recipe, judge, policy, load_tokenizer(recipe.model), [], 0, console)


def test_the_loss_is_on_the_completion_only(recipe: Path, judge: Judge, tmp_path: Path) -> None:
    table = load_recipe(recipe)
    assert table.sft
    stage = stage_of(table, table.sft, judge, tmp_path)
    prompt = [{"role": "user", "content": "Prolog: What is 1 + 1?"}]
    completion = "<reasoning>\nAdd.\n</reasoning>\n<code>\nsolve(2).\n</code>"
    trainer = stage._trainer([Example("p", 1, "solve(2).", prompt, completion)])
    batch = next(iter(trainer.get_train_dataloader()))
    learned = [int(token) for token in batch["labels"][0] if token != -100]
    tokenizer = load_tokenizer(table.model)
    assert tokenizer.decode(learned).strip() == completion + "<|im_end|>"
    assert len(learned) < len(batch["input_ids"][0])


def killed_when(process: subprocess.Popen[str], reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 240
    while not reached():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.kill()
    process.communicate()


@pytest.mark.slow
def test_kill_dash_nine_in_each_part_and_go_on(recipe: Path, tmp_path: Path, cli: Cli) -> None:
    run = tmp_path / "run"
    folder = run / "sft" / "round-1"
    small = ["--set", "data.eval.size=4", "--set", "data.train.size=60", "--set", "sft.train.num_train_epochs=6"]
    small += ["--set", "eval.batch_size=20", "--set", "sft.only=true", "--set", "sft.samples=2"]
    command = [sys.executable, "-m", "lowres_code", "train"]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    new = [*command, "--lang", "prolog", "--recipe", str(recipe), "--out", str(run), *small]
    process: subprocess.Popen[str] = subprocess.Popen(new, **streams)  # type: ignore[call-overload]
    killed_when(process, (folder / "samples.jsonl").is_file)
    drawn = lines(folder / "samples.jsonl")
    assert 0 < len(drawn) < 120
    process = subprocess.Popen([*command, "--resume", str(run)], **streams)  # type: ignore[call-overload]
    killed_when(process, (folder / "metrics.jsonl").is_file)
    samples, examples = (folder / "samples.jsonl").read_text(), (folder / "data.jsonl").read_text()
    assert lines(folder / "samples.jsonl")[: len(drawn)] == drawn
    done = cli("train", "--resume", run)
    assert done.returncode == 0, done.stderr
    assert (folder / "samples.jsonl").read_text() == samples and samples.count("\n") == 120
    assert (folder / "data.jsonl").read_text() == examples
    assert [line["step"] for line in lines(folder / "metrics.jsonl")][:2] == [1, 2]


@pytest.mark.slow
def test_sft_only_leaves_a_run_with_a_model_and_no_grpo(recipe: Path, tmp_path: Path, cli: Cli) -> None:
    run = tmp_path / "run"
    small = ["--set", "data.eval.size=4", "--set", "sft.problems=16", "--set", "sft.only=true", "--set", "sft.rounds=2"]
    small += ["--set", "sft.train.num_train_epochs=1"]
    done = cli("train", "--lang", "prolog", "--recipe", recipe, "--out", run, *small)
    assert done.returncode == 0, done.stderr
    assert "pass@1 after SFT" in done.stdout
    assert (run / "model" / "model.safetensors").is_file()
    assert not (run / "metrics.jsonl").exists() and RunDirectory.open(run).evaluation("trained") is None
    first, second = (lines(run / "sft" / f"round-{number}" / "data.jsonl") for number in (1, 2))
    assert second[: len(first)] == first
    asked = {row["id"] for row in lines(run / "sft" / "round-2" / "problems.jsonl")}
    enough = [row["problem"] for row in first]
    assert asked == {row["id"] for row in lines(run / "sft" / "round-1" / "problems.jsonl")} - {
        problem for problem in enough if enough.count(problem) == 2
    }
    assert "nothing left to do" in cli("train", "--resume", run).stdout
    told = cli("eval", run, "--samples", 1, "--json")
    assert told.returncode == 0, told.stderr


@pytest.mark.slow
def test_nothing_right_is_told_with_what_helps(recipe: Path, tiny_model: Path, tmp_path: Path, cli: Cli) -> None:
    run = tmp_path / "run"
    small = ["--set", f"model.name={tiny_model}", "--set", "data.eval.size=2", "--set", "sft.problems=3"]
    done = cli("train", "--lang", "prolog", "--recipe", recipe, "--out", run, *small)
    assert done.returncode == 2
    assert "none of 12 samples is right" in done.stderr and "sft.prompt.shots" in done.stderr


def test_what_trl_does_not_know_is_refused_before_a_run(recipe: Path, tmp_path: Path, cli: Cli) -> None:
    run = tmp_path / "run"
    wrong = ["--set", "sft.train.learning_rat=1", "--set", "sft.train.packing=1", "--set", "sft.train.save_steps=5"]
    done = cli("train", "--lang", "prolog", "--recipe", recipe, "--out", run, *wrong)
    assert done.returncode == 2
    assert "sft.train.learning_rat: TRL" in done.stderr and "did you mean 'learning_rate'?" in done.stderr
    assert "sft.train.packing: must be true or false, got 1" in done.stderr
    assert "sft.train.save_steps: not for a recipe to set" in done.stderr
    RunDirectory(run).must_be_new()
