"""Every built-in recipe begins as it should: with a random model of its architecture, and problems that are here."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import tomli_w
from click.testing import Result

from tests.conftest import ROOT

FILES = [path.relative_to(ROOT / "recipes").with_suffix("") for path in ROOT.glob("recipes/**/*.toml")]
NAMES = sorted(path.as_posix() for path in FILES if path.parts[0] != "suites")


@pytest.mark.parametrize("name", NAMES)
def test_it_is_checked_with_a_small_model(
    name: str, tmp_path: Path, tiny_model: Path, invoke: Callable[..., Result]
) -> None:
    """The optimizer is not quantized, which needs a GPU; the data, which most take from the hub, are a file."""
    rows = [{"question": f"What is {n} plus 1?", "answer": f"It is #### {n + 1}"} for n in range(40)]
    (tmp_path / "sums.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    file = {"source": "file", "path": "sums.jsonl", "answer_after": "####", "held_out": 0.5}
    mine = {
        "extends": name,
        "remove": ["data"],
        "model": {"name": str(tiny_model)},
        "train": {"optim": "adamw_torch"},
        "data": {"train": {**file, "size": 16}, "eval": {"size": 5}},
    }
    (tmp_path / "mine.toml").write_text(tomli_w.dumps(mine))
    done = invoke("recipe", "check", tmp_path / "mine.toml", "--lang", "prolog")
    assert done.exit_code == 0, done.output
    earned = {
        line.split("│")[1].strip(): line.split("│")[2].strip() for line in done.output.splitlines() if "│" in line
    }
    assert (earned["right"], earned["wrong"], earned["empty"]) == ("correct", "wrong_answer", "no_code")
    assert "A step of " in done.output
