"""Plugins as third parties ship them: distributions with entry points, here as folders on the path."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from lowres_code.plugins.manager import PluginManager

from tests.conftest import Cli

GOOD = """
from lowres_code import RewardTerm, hookimpl
import click

@hookimpl
def register_rewards(register):
    register(RewardTerm("short", "1 if the program is short", lambda judgement: 1.0))

@click.command("hello")
def hello():
    "Say hello."
    click.echo("hello from a plugin")

@hookimpl
def register_commands(register):
    register(hello)
"""
TAKEN = """
from lowres_code import RewardTerm, hookimpl

@hookimpl
def register_rewards(register):
    register(RewardTerm("correct", "mine is better", lambda judgement: 1.0))
"""
RECIPES = """
from pathlib import Path
from lowres_code import hookimpl

@hookimpl
def register_recipes(register):
    register(Path(__file__).with_name("mine"))
"""


def install(folder: Path, name: str, source: str) -> None:
    """What pip leaves behind: a module and its metadata."""
    (folder / f"{name}.py").write_text(source)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[lowres_code]\n{name} = {name}\n")


def test_a_third_party_plugin_brings_rewards_and_commands(tmp_path: Path, cli: Cli) -> None:
    install(tmp_path, "short_programs", GOOD)
    assert cli("hello", PYTHONPATH=str(tmp_path)).stdout == "hello from a plugin\n"
    assert "hello" in cli("--help", PYTHONPATH=str(tmp_path)).stdout


def test_rewards_of_plugins_are_known_with_their_origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "short_programs_too", GOOD)
    monkeypatch.syspath_prepend(str(tmp_path))
    manager = PluginManager()
    assert manager.rewards["short"].origin == "short-programs-too"
    assert manager.rewards["correct"].origin == "built in"
    assert not manager.failures


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("import nothing_of_this_name", "ModuleNotFoundError: No module named 'nothing_of_this_name'"),
        ("this is no python", "SyntaxError"),
        ("from lowres_code import hookimpl\n\n@hookimpl\ndef register_langages(register): ...\n", "register_langages"),
        ("from lowres_code import hookimpl\n\n@hookimpl\ndef register_languages(register): 1 / 0\n", "ZeroDivision"),
    ],
)
def test_a_broken_plugin_is_reported_and_left_out(source: str, error: str, tmp_path: Path, cli: Cli) -> None:
    install(tmp_path, "broken_one", source)
    done = cli("lang", "list", "--json", PYTHONPATH=str(tmp_path))
    assert done.returncode == 0
    listed: dict[str, Any] = json.loads(done.stdout)
    assert "prolog" in [language["name"] for language in listed["languages"]]
    assert [failure["plugin"] for failure in listed["failures"]] == ["broken_one"]
    assert error in listed["failures"][0]["error"]
    assert "plugin 'broken_one' could not be loaded" in cli("lang", "list", PYTHONPATH=str(tmp_path)).stderr


def test_a_name_that_is_taken_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "taken_name", TAKEN)
    monkeypatch.syspath_prepend(str(tmp_path))
    manager = PluginManager()
    assert manager.rewards["correct"].origin == "built in"
    assert "'correct' is registered already" in manager.failures[0].error


def test_the_built_ins_are_plugins_without_failures() -> None:
    manager = PluginManager()
    assert {"prolog", "tcl", "lua"} <= set(manager.languages)
    assert sorted(manager.problem_sources) == ["dataset", "file", "reasoning_gym"]
    assert not manager.failures


def test_recipes_of_others_neither_take_a_name_nor_end_the_list(tmp_path: Path, cli: Cli) -> None:
    install(tmp_path, "my_recipes", RECIPES)
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "quickstart.toml").write_text('extends = "nothing"\n')
    (folder / "broken.toml").write_text("speed = 3\n")
    done = cli("recipe", "list", "--json", PYTHONPATH=str(tmp_path))
    assert done.returncode == 0, done.stderr
    names = [recipe["name"] for recipe in json.loads(done.stdout)]
    assert "quickstart" in names and "broken" not in names
    assert "recipe 'broken' cannot be used" in done.stderr
    assert "recipe 'quickstart' cannot be used" not in done.stderr


def term_named(name: str, meaning: str, options: str = "") -> str:
    return (
        "from lowres_code import RewardTerm, hookimpl\n\n"
        f"@hookimpl({options})\ndef register_rewards(register):\n"
        f"    register(RewardTerm({name!r}, {meaning!r}, lambda judgement: 1.0))\n"
    )


@pytest.mark.parametrize("options", ["", "tryfirst=True", "trylast=True"])
def test_no_plugin_takes_a_name_that_is_built_in_by_coming_first(
    options: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "first", term_named("correct", "mine is better", options))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "first", raising=False)
    manager = PluginManager()
    assert manager.rewards["correct"].origin == "built in"
    assert [(f.plugin, f.error) for f in manager.failures] == [("first", "'correct' is registered already (built in)")]


def test_doctor_tells_of_a_name_that_was_refused(tmp_path: Path, cli: Cli) -> None:
    install(tmp_path, "first", term_named("correct", "mine is better", "tryfirst=True"))
    done = cli("doctor", "--json", PYTHONPATH=str(tmp_path))
    findings = {finding["what"]: finding for finding in json.loads(done.stdout)}
    assert "'correct' is registered already (built in)" in findings["plugin first"]["detail"]
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("options", "winner"),
    [
        ({}, "order_b"),  # as pluggy calls them: the one that was loaded last is first
        ({"order_a": "tryfirst=True"}, "order_a"),
        ({"order_b": "trylast=True"}, "order_a"),
        ({"order_a": "trylast=True", "order_b": "tryfirst=True"}, "order_b"),
    ],
)
def test_among_plugins_of_others_a_name_goes_to_the_one_that_pluggy_calls_first(
    options: dict[str, str], winner: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("order_a", "order_b"):
        install(tmp_path, name, term_named("contested", name, options.get(name, "")))
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    manager = PluginManager()
    assert manager.rewards["contested"].thing.meaning == winner
    assert len(manager.failures) == 1


def test_a_wrapper_is_refused_and_not_silently_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrapper = (
        "from lowres_code import hookimpl\n\n@hookimpl(wrapper=True)\ndef register_rewards(register):\n    yield\n"
    )
    install(tmp_path, "wrapping", wrapper)
    monkeypatch.syspath_prepend(str(tmp_path))
    manager = PluginManager()
    assert "register_rewards: a plugin cannot wrap the hooks of others" in manager.failures[0].error
    assert manager.rewards["correct"].origin == "built in"
