"""What cannot work is refused before a run, through the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

SMALL = ("data.train.size=16", "data.eval.size=10")


def check(invoke: Callable[..., Result], *changes: str) -> Result:
    return invoke(
        "recipe",
        "check",
        "quickstart",
        "--lang",
        "prolog",
        *(word for it in (*SMALL, *changes) for word in ("--set", it)),
    )


def test_a_recipe_that_can_work(invoke: Callable[..., Result]) -> None:
    done = check(invoke)
    assert done.exit_code == 0, done.output
    said = " ".join(done.output.split())
    assert "What a completion would earn" in said
    assert "A step of 128 completions takes about" in said and "GiB" in said
    assert "a run with Prolog can begin" in said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (["train.max_completion_length=1000"], "that is more than the model's context of"),
        (
            ["prompt.shots=1", "train.max_completion_length=16"],
            "train.max_completion_length = 16: a worked example that the prompt shows takes",
        ),
        (["reward={format=1.0}"], "let right programs earn more"),
    ],
)
def test_what_cannot_work_is_refused(changes: list[str], said: str, invoke: Callable[..., Result]) -> None:
    done = check(invoke, *changes)
    assert done.exit_code == 2, done.output
    assert said in done.output
    assert len(done.output.splitlines()) < 20


def test_shots_that_no_language_has(invoke: Callable[..., Result], tmp_path: Path) -> None:
    language = tmp_path / "py.toml"
    language.write_text(
        'name = "py"\ntitle = "Py"\nsuffix = ".py"\nrun = "python3 {file}"\nguidance = "Print."\n'
        "[snippets]\nhello = \"print('hello')\"\n"
    )
    done = invoke("recipe", "check", "quickstart", "--lang", language, "--set", "prompt.shots=1")
    assert done.exit_code == 2
    assert "has no worked example" in done.output
