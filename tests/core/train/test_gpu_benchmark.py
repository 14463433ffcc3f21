"""The measurements that a GPU is for, done here with a model that is small enough."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import Qwen2ForCausalLM

from tests.benchmarks import gpu
from tests.conftest import ROOT

SMALL = ("train.per_device_train_batch_size=4", "train.gradient_accumulation_steps=2", "train.num_generations=4")
SHORT = ("train.max_completion_length=200", "eval.max_new_tokens=200", "eval.samples=2")
PLAIN = ("model.load_in_4bit=false", "train.optim=adamw_torch", "train.save_steps=50")  # the rest needs a GPU


@pytest.mark.slow  # two trainings, each in a process of its own, of completions that are as long as a worked example
def test_the_table_is_made_with_each_recipe(tiny_model: Path, tmp_path: Path) -> None:
    for name, asked_for in (("train", range(40)), ("test", range(40, 52))):
        sums = [{"question": f"What is {n} plus 1?", "answer": f"It is #### {n + 1}"} for n in asked_for]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in sums))
    options = [word for change in (*SMALL, *SHORT, *PLAIN) for word in ("--set", change)]
    sizes = ["--model", str(tiny_model), "--data", str(tmp_path), "--steps", "2", "--questions", "6"]
    asked = [str(tmp_path / "runs"), "gsm8k", "paper", *sizes, *options]
    rows = [line.split(" | ") for line in printed(asked).splitlines()[2:]]
    assert [row[0] for row in rows] == ["| gsm8k", "| paper"]
    assert all(len(row) == 9 and row[4] == "2" and float(row[5]) > 0 and float(row[6]) > 0 for row in rows)
    metrics = {file: file.stat().st_mtime_ns for file in (tmp_path / "runs").rglob("metrics.jsonl")}
    assert printed(asked).splitlines()[2:] == [" | ".join(row) for row in rows]
    assert {file: file.stat().st_mtime_ns for file in metrics} == metrics  # what is there is not made again


def printed(asked: list[str]) -> str:
    command = [sys.executable, "-m", "tests.benchmarks.gpu", *asked]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_the_larger_model_has_its_true_size() -> None:
    with torch.device("meta"):
        model = Qwen2ForCausalLM(gpu.LARGER)
    assert sum(weights.numel() for weights in model.parameters()) == 1_543_714_304  # as Qwen2.5-Coder-1.5B has
