"""Commands whose judge is named by a recipe or an override need none of the language's tools here."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from click.testing import Result

from tests.core.serve.conftest import free_port

Invoke = Callable[..., Result]

COMMANDS = [
    ["run", "one.txt"],
    ["score", "rows.jsonl"],
    ["ask", "pocket", "What is 6 * 7?"],
    ["eval", "pocket", "--out", "evaluation"],
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A language whose tool is nowhere, a program and a row of it, and a recipe whose judge does not answer."""
    (tmp_path / "odd.toml").write_text('name = "odd"\nsuffix = ".txt"\nrun = "no-such-tool-anywhere {file}"\n')
    (tmp_path / "one.txt").write_text("42")
    (tmp_path / "rows.jsonl").write_text(json.dumps({"program": "42", "answer": "42"}) + "\n")
    address = f'judge = ["http://127.0.0.1:{free_port()}"]\n'
    (tmp_path / "recipe.toml").write_text(f'extends = "quickstart"\n[limits]\n{address}')
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_the_judge_is_asked_and_no_tool_is_missed(command: Sequence[str], folder: Path, invoke: Invoke) -> None:
    asked = [*command, "--lang", "odd.toml"]
    by_recipe = invoke(*asked, "--recipe", "recipe.toml", cwd=folder)
    by_override = invoke(*asked, "--set", f'limits.judge=["http://127.0.0.1:{free_port()}"]', cwd=folder)
    for done in (by_recipe, by_override):
        assert done.exception is not None
        assert (done.exit_code, "does not answer" in done.stderr) == (3, True), done.stderr


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_here_the_tool_is_missed(command: Sequence[str], folder: Path, invoke: Invoke) -> None:
    done = invoke(*command, "--lang", "odd.toml", cwd=folder)
    assert (done.exit_code, "no-such-tool-anywhere" in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize("given", [["--recipe", "recipe.toml"], ["--recipe", "quickstart"]], ids=["there", "here"])
def test_training_looks_at_its_recipe_first(given: Sequence[str], folder: Path, invoke: Invoke) -> None:
    done = invoke("train", "--lang", "odd.toml", *given, "--out", "run", cwd=folder)
    assert ("no-such-tool-anywhere" in done.stderr) == (given[1] == "quickstart"), done.stderr
    assert done.exit_code == (2 if given[1] == "quickstart" else 3), done.stderr
