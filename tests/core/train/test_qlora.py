"""QLoRA, really quantized, on a CPU: adapters learn on a base in 4 bits, and what is saved is what was measured."""

from __future__ import annotations

from pathlib import Path

import torch
from lowres_code._util.files import read_json_lines
from safetensors.torch import load_file

from tests.conftest import Cli
from tests.core.train.test_session import TINY

FOUR_BITS = ["--set", "model.load_in_4bit=true", "--set", "lora.r=8", "--set", "lora.alpha=16"]


def completions(folder: Path) -> dict[str, str]:
    rows = read_json_lines(folder / "samples.jsonl")
    return {f"{row['problem']} {row['sample']}": row["completion"] for row in rows}


def test_an_adapter_learns_on_a_base_in_four_bits(tmp_path: Path, cli: Cli) -> None:
    run, again = tmp_path / "run", tmp_path / "again"
    done = cli("train", "--lang", "prolog", "--out", run, *FOUR_BITS, *TINY, "--set", "train.max_steps=3")
    assert done.returncode == 0, done.stderr
    assert len(list(read_json_lines(run / "metrics.jsonl"))) == 3
    weights = load_file(next(run.rglob("adapter_model.safetensors")))
    assert weights and all(name.endswith(("lora_A.weight", "lora_B.weight")) for name in weights)
    learned = [tensor for name, tensor in weights.items() if name.endswith("lora_B.weight")]  # zero before it learns
    assert all(torch.count_nonzero(tensor) > 0 for tensor in learned)
    done = cli("eval", run, "--lang", "prolog", "--out", again)
    assert done.returncode == 0, done.stderr
    assert "(4 bit)" in done.stdout
    assert completions(again) == completions(run / "eval" / "trained")
    refused = cli("export", run, "--merged", "--out", tmp_path / "merged")
    assert refused.returncode == 2
    assert "--adapter" in refused.stderr
