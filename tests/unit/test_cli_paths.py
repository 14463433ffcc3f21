"""A path that cannot be used is one line and exit code 2, whatever is wrong with it; data is shown as it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from lowres_code.cli.main import main
from lowres_code.recipe import find_recipe, load_recipe
from lowres_code.runs.directory import RunDirectory

Invoke = Callable[..., Result]

LONG = "n" * 300


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A language, and things that are not what a command needs."""
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "sh.toml").write_text('name = "sh"\nsuffix = ".sh"\nrun = "sh {file}"\n')
    return tmp_path


@pytest.mark.parametrize(
    "arguments",
    [
        ["recipe", "show", f"{LONG}.toml"],
        ["recipe", "show", f"{LONG}/r.toml"],
        ["recipe", "show", "folder.toml"],
        ["recipe", "show", "file/r.toml"],
        ["recipe", "show", "loop/r.toml"],
        ["report", LONG],
        ["report", "file"],
        ["report", "loop"],
        ["lang", "show", f"{LONG}.toml"],
        ["lang", "show", "folder.toml"],
        ["lang", "new", "x1", "--dir", LONG],
        ["lang", "new", "x1", "--dir", "file/below"],
        ["run", "-", "--lang", "sh.toml", "--recipe", f"{LONG}.toml"],
        ["run", LONG, "--lang", "sh.toml"],
        ["run", "folder.toml", "--lang", "sh.toml"],
        ["run", "-", "--lang", f"{LONG}.toml"],
        ["run", "-", "--lang", "sh.toml", "--stdin", "folder.toml"],
        ["score", LONG, "--lang", "sh.toml"],
        ["train", "--resume", LONG],
        ["train", "--resume", "loop"],
        ["train", "--lang", "sh.toml", "--recipe", f"{LONG}.toml"],
        ["train", "--lang", "sh.toml", "--recipe", "quickstart", "--out", LONG],
        ["train", "--lang", "sh.toml", "--recipe", "quickstart", "--out", "file"],
        ["train", "--lang", "sh.toml", "--recipe", "quickstart", "--out", "file/below"],
        ["train", "--lang", "sh.toml", "--recipe", "quickstart", "--out", "loop"],
        ["eval", LONG, "--lang", "sh.toml", "--out", "file/below"],
        ["eval", "pocket", "--lang", "sh.toml", "--out", LONG],
        ["eval", "pocket", "--lang", "sh.toml", "--recipe", f"{LONG}.toml"],
    ],
    ids=lambda arguments: " ".join(arguments).replace(LONG, "LONG"),
)
def test_a_path_that_cannot_be_used(arguments: list[str], folder: Path, invoke: Invoke) -> None:
    done = invoke(*arguments, cwd=folder)
    assert isinstance(done.exception, SystemExit), done.exception  # click's own end: no exception came through
    assert done.exit_code == 2
    assert "Error: " in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 4  # click's usage, and the error


def test_a_working_directory_that_is_gone(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    script = "import os, sys; os.rmdir(os.getcwd()); from lowres_code.cli import main; main(['recipe', 'list'])"
    done = subprocess.run([sys.executable, "-c", script], cwd=gone, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "Error: the working directory cannot be used: No such file or directory\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(28, "No space left on device"), 1),
        (FileNotFoundError(2, "No usable temporary directory found in ['/none']"), 2),
        (PermissionError(13, "Permission denied", "/root/x"), 2),
    ],
)
def test_errors_of_files_that_come_from_anywhere(
    error: OSError, code: int, monkeypatch: pytest.MonkeyPatch, invoke: Invoke
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr("lowres_code.cli.recipe_command.recipe_names", fail)
    done = invoke("recipe", "list")
    assert done.exit_code == code
    assert str(error.strerror) in done.stderr
    assert (error.filename or "") in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_what_is_nobodys_mistake_is_still_a_traceback(monkeypatch: pytest.MonkeyPatch, invoke: Invoke) -> None:
    def fail() -> None:
        raise ConnectionResetError(104, "Connection reset by peer")

    monkeypatch.setattr("lowres_code.cli.recipe_command.recipe_names", fail)
    assert isinstance(invoke("recipe", "list").exception, ConnectionResetError)


@pytest.fixture
def plugin_recipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(
        "lowres_code.cli.recipe_command.recipe_names",
        lambda: {path.stem: path for path in sorted(tmp_path.glob("*.toml"))},
    )
    return tmp_path


def test_recipes_that_look_like_markup_are_listed(plugin_recipes: Path, invoke: Invoke) -> None:
    result = '[[expected]]\nmetric = "runs"\nvalue = 0.9\nby = "[red]me"\n'
    text = 'extends = "quickstart"\n[recipe]\ndescription = "[/x] :smile:"\n' + result
    (plugin_recipes / "[mine].toml").write_text(text)
    (plugin_recipes / "[broken].toml").write_text("[/x]")
    done = invoke("recipe", "list")
    assert done.exit_code == 0
    assert "[mine]" in done.stdout and "[/x] :smile:" in done.stdout and "[red]me" in done.stdout
    assert "recipe '[broken]' cannot be used" in done.stderr


def test_no_recipes_at_all_are_listed(plugin_recipes: Path, invoke: Invoke) -> None:
    assert invoke("recipe", "list").exit_code == 0


def test_a_language_file_and_a_run_in_folders_that_look_like_markup(tmp_path: Path, invoke: Invoke) -> None:
    folder = tmp_path / "[a]" / "[/b]"
    folder.mkdir(parents=True)
    run = RunDirectory.create(folder / "run", load_recipe(find_recipe("quickstart")), {"seed": 0, "language": "[/x]"})
    done = invoke("report", run.path)
    assert done.exit_code == 0
    assert f"{run.path}: started" in done.stdout
    (folder / "x1.toml").write_text('name = "x1"\nsuffix = ".x"\nrun = "no-such-tool {file}"\ninstall = "[/c] tool"\n')
    environment = {**os.environ, "LOWRES_CODE_LANGUAGES": "[a]/[/b]"}
    command = [sys.executable, "-m", "lowres_code", "lang", "list"]
    said = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    assert "[a]/[/b]" in said.stdout and "missing; [/c] tool" in said.stdout


def test_what_an_encoding_lacks_is_written_as_an_escape() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    script = "from lowres_code.cli import main; main(['recipe', 'show', '\\u2192.toml'])"
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, check=False)
    assert done.returncode == 2
    assert done.stderr == b"Error: there is no recipe file '\\u2192.toml'\n"


def test_recipe_show_prints_what_can_be_read_again(tmp_path: Path, invoke: Invoke) -> None:
    shown = tmp_path / "shown.toml"
    done = invoke("recipe", "show", "quickstart", "--set", "train.max_steps=3")
    shown.write_text(done.stdout)
    assert "remove" not in done.stdout and "extends" not in done.stdout
    assert load_recipe(shown) == load_recipe(find_recipe("quickstart"), ["train.max_steps=3"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("prompt.system={langauge}", "prompt.system: no placeholder {langauge}"),
        ("train.max_step=3", "did you mean 'max_steps'?"),
        ("train.deepspeed=x", "one process"),
    ],
)
def test_recipe_show_refuses_what_training_would(change: str, said: str, invoke: Invoke) -> None:
    done = invoke("recipe", "show", "quickstart", "--set", change)
    assert done.exit_code == 2
    assert said in done.stderr


def test_the_help_names_every_command(invoke: Invoke) -> None:
    assert all(name in invoke("--help").stdout for name in main.list_commands(None))  # type: ignore[arg-type]
    assert json.loads(invoke("recipe", "list", "--json").stdout)[0]["name"]
