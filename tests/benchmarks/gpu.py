"""What the recipes for a GPU take and bring: memory, seconds a step, tokens a second, the judge's share, pass@1.

``python -m tests.benchmarks.gpu DIR --model FOLDER --data FOLDER [--steps N] [--questions N] [PART...]`` trains with
GSM8K's questions (``train.jsonl`` and ``test.jsonl`` of the one folder), each part into its own run directory under
DIR; a run that was cut off goes on, one that is there is not made again. Prints a table in Markdown. The parts:

- ``gsm8k``, ``paper``: Qwen2.5-Coder-0.5B (its folder) by the recipe of that name, measured before and after on N test
  questions;
- ``size-1.5b``: the recipe for 1.5B with random weights of that model's shape, for what a step costs; its completions
  never end by themselves, so that they are as long as the recipe allows, and its share of right ones means nothing.

Further options are those of ``lowres-code train``: for instance ``--set model.load_in_4bit=false``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import Any

import click
import tomli_w
import torch
from lowres_code.runs.directory import RunDirectory
from transformers import AutoTokenizer, Qwen2Config, Qwen2ForCausalLM

PARTS = {
    "gsm8k": "gsm8k/qwen2.5-coder-0.5b",
    "paper": "paper-2506.11027/0.5b",
    "size-1.5b": "gsm8k/qwen2.5-coder-1.5b",
}
LARGER = Qwen2Config(  # the shape of Qwen2.5-Coder-1.5B-Instruct, by its config.json
    vocab_size=151_936,
    hidden_size=1536,
    intermediate_size=8960,
    num_hidden_layers=28,
    num_attention_heads=12,
    num_key_value_heads=2,
    max_position_embeddings=32_768,
    rope_theta=1_000_000.0,
    rms_norm_eps=1e-6,
    tie_word_embeddings=True,
)


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("parts", nargs=-1, type=click.UNPROCESSED)
@click.option("--model", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--language", default="prolog", show_default=True)
@click.option("--steps", default=30, show_default=True)
@click.option("--questions", default=200, show_default=True)
def main(
    folder: Path, parts: tuple[str, ...], model: Path, data: Path, language: str, steps: int, questions: int
) -> None:
    """Make the runs that are missing; print the table."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [part for part in parts if part in PARTS]
    options = [part for part in parts if part not in PARTS]
    rows = []
    for name in names or PARTS:
        weights = random_weights(folder / "1.5b", model) if name == "size-1.5b" else model
        sizes = {"steps": steps, "questions": questions if weights == model else 4}
        recipe = recipe_file(folder / f"{name}.toml", PARTS[name], weights, data, **sizes)
        rows.append(row(name, trained(folder / name, ["--lang", language, "--recipe", str(recipe), *options])))
    print("| part | before | after | any of n, after | steps | seconds a step | written tokens/s | judge | GiB |")
    print("|---|---|---|---|---|---|---|---|---|")
    print("\n".join(rows))


def recipe_file(path: Path, extends: str, weights: Path, data: Path, steps: int, questions: int) -> Path:
    """The recipe with these weights, and with questions from files instead of the hub."""
    questions_file = (data / "train.jsonl").resolve()
    source = {"source": "file", "path": str(questions_file), "answer_after": "####"}
    text = {
        "extends": extends,
        "remove": ["data"],
        "model": {"name": str(weights.resolve())},
        "data": {
            "train": {**source, "size": len(questions_file.read_text(encoding="utf-8").splitlines())},
            "eval": {"path": str((data / "test.jsonl").resolve()), "size": questions, "seed": 0},
        },
        "train": {"max_steps": steps},
    }
    path.write_text(tomli_w.dumps(text))
    return path


def random_weights(folder: Path, tokenizer: Path) -> Path:
    """A model of the larger shape, with the tokenizer of the small one."""
    if not folder.is_dir():
        torch.manual_seed(0)
        Qwen2ForCausalLM(LARGER).to(torch.bfloat16).save_pretrained(folder)
        AutoTokenizer.from_pretrained(str(tokenizer)).save_pretrained(folder)
    return folder


def trained(run: Path, options: Iterable[str]) -> RunDirectory:
    """The run, made or gone on with where that has not been done."""
    ways = ["--resume", str(run)] if run.exists() else ["--out", str(run), *options]
    if not run.exists() or RunDirectory.open(run).evaluation("trained") is None:
        command = [sys.executable, "-m", "lowres_code", "train", *ways]
        done = subprocess.run(command, check=False, stdout=sys.stderr)
        if done.returncode:
            sys.exit(done.returncode)
    return RunDirectory.open(run)


def row(name: str, run: RunDirectory) -> str:
    """A row of the table."""
    base, after = (run.evaluation(which) for which in ("base", "trained"))
    assert base is not None and base.all is not None and after is not None and after.all is not None
    steps = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    seconds, decoding = total(steps, "step_time"), total(steps, "cost/decode_s")
    cells = [
        name,
        str(base.all.pass_at_1),
        str(after.all.pass_at_1),
        str(after.all.any_of_n),
        str(len(steps)),
        f"{median(step['step_time'] for step in steps):.1f}",
        f"{total(steps, 'completions/mean_length') * completions(run) / decoding:.0f}",
        f"{total(steps, 'judge_s') / seconds:.1%}",
        f"{max(step['cost/peak_gib'] for step in steps):.1f}",
    ]
    return f"| {' | '.join(cells)} |"


def completions(run: RunDirectory) -> int:
    """Of a step."""
    train: dict[str, Any] = run.recipe().train
    return int(train["per_device_train_batch_size"]) * int(train.get("gradient_accumulation_steps", 1))


def total(steps: Iterable[dict[str, Any]], name: str) -> float:
    """Of a metric over all steps."""
    return sum(float(step[name]) for step in steps)


if __name__ == "__main__":
    main()
