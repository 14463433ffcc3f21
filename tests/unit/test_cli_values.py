"""What is typed for a value that cannot be: one message that names the option, the value and what is allowed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from lowres_code.errors import UsageError
from lowres_code.generation.names import check_model_name, near_model
from lowres_code.recipe import find_recipe, load_recipe
from lowres_code.runs.directory import RunDirectory

from tests.unit.test_loaded_text import begin

Invoke = Callable[..., Result]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("train --lang prolog --seed abc", "'--seed': 'abc' is not a whole number from 0 to 4294967295"),
        ("train --lang prolog --seed -1", "'--seed': '-1' is not a whole number from 0 to 4294967295"),
        ("train --lang prolog --seed 1.5", "'--seed': '1.5' is not a whole number from 0 to 4294967295"),
        ("eval pocket --lang prolog --samples 0", "'--samples': '0' is not a whole number from 1 up"),
        ("score - --lang prolog --workers many", "'--workers': 'many' is not a whole number from 1 to 1000"),
        ("watch run --port http", "'--port': 'http' is not a whole number from 0 to 65535"),
        ("serve --lang prolog --port 99999", "'--port': '99999' is not a whole number from 0 to 65535"),
        ("lang verify prolog --soak none", "'--soak': 'none' is not a whole number from 1 up"),
        ("lang bench prolog --rounds 1", "'--rounds': '1' is not a whole number from 2 up"),
        ("lang bench prolog --batch 0", "'--batch': '0' is not a whole number from 1 up"),
    ],
)
def test_a_number_that_is_none(arguments: str, said: str, invoke: Invoke) -> None:
    done = invoke(*arguments.split())
    assert (done.exit_code, said in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        "score - --lang prolog --out -",
        "train --lang prolog --out -",
        "eval pocket --lang prolog --out -",
        "report run --out -",
        "export run --out -",
        "lang new x1 --dir -",
    ],
)
def test_nothing_is_written_to_a_file_called_like_standard_output(
    arguments: str, invoke: Invoke, tmp_path: Path
) -> None:
    done = invoke(*arguments.split(), cwd=tmp_path)
    assert done.exit_code == 2
    assert "'-' would be standard output, which has the figures: name a place" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("question", ["", " \n"])
def test_an_empty_question_is_not_asked(question: str, invoke: Invoke) -> None:
    done = invoke("ask", "pocket", question, "--lang", "prolog")
    assert (done.exit_code, "QUESTION is empty" in done.stderr) == (2, True)


def test_ctrl_c_ends_any_command_as_a_shell_expects(monkeypatch: pytest.MonkeyPatch, invoke: Invoke) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("lowres_code.cli.recipe_command.recipe_names", stop)
    done = invoke("recipe", "list")
    assert (done.exit_code, done.stderr) == (130, "stopped\n")


@pytest.mark.parametrize("out", ["none/page.html", "file/page.html", "folder"])
def test_a_page_that_cannot_be_written_is_told_before_the_figures(out: str, invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    begin(tmp_path / "e").summarize()
    done = invoke("report", "e", "--out", out, cwd=tmp_path)
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"cannot write '{out}'" in done.stderr


def test_figures_are_shown_where_the_page_that_nobody_asked_for_cannot_be_written(
    invoke: Invoke, tmp_path: Path
) -> None:
    begin(tmp_path / "e").summarize()
    (tmp_path / "e" / "report.html").mkdir()
    done = invoke("report", "e", cwd=tmp_path)
    assert done.exit_code != 0
    assert "e: pocket, prolog: no sample was judged" in done.stdout
    assert "report.html" in done.stderr


def test_a_page_that_can_be_written_is_not_touched_before(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("old")
    done = invoke("report", "nowhere", "--out", "page.html", cwd=tmp_path)
    assert (done.exit_code, (tmp_path / "page.html").read_text()) == (2, "old")


@pytest.fixture
def trained(tmp_path: Path) -> RunDirectory:
    """A run that has an adapter, of a model that nothing here has."""
    recipe = load_recipe(find_recipe("quickstart"), ["model.name=no/such"])
    run = RunDirectory.create(tmp_path / "run", recipe, {"seed": 0, "language": "prolog"})
    run.adapter.mkdir()
    return run


@pytest.mark.parametrize("out", ["file", "file/model"])
def test_an_export_that_cannot_be_written_is_told_before_the_model_is_loaded(
    out: str, trained: RunDirectory, invoke: Invoke
) -> None:
    here = trained.path.parent
    (here / "file").write_text("")
    done = invoke("export", "run", "--merged", "--out", out, cwd=here)
    assert done.exit_code == 2
    assert f"'{out}' is there already" in done.stderr or f"cannot make the folder '{out}'" in done.stderr


def test_a_name_that_the_hub_has_not_is_told_before_the_export(trained: RunDirectory, invoke: Invoke) -> None:
    done = invoke("export", "run", "--push", "mine", cwd=trained.path.parent)
    assert done.exit_code == 2
    assert "--push takes OWNER/NAME, not 'mine'" in done.stderr
    assert not (trained.path / "export").exists()


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which there are some models, a run, and what is neither."""
    monkeypatch.chdir(tmp_path)
    for folder, file in (("Trained", "config.json"), ("runs/prolog-1127", "env.json"), ("texts", "a.txt")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / file).write_text("{}")
    (tmp_path / "coder.Q4.gguf").write_text("")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("pocet", "pocket"),
        ("Pocket", "pocket"),
        ("traind", "Trained"),
        ("./traind", "Trained"),
        ("runs/prolog-1172", "runs/prolog-1127"),
        ("coder.Q5.gguf", "coder.Q4.gguf"),
        ("pocket", None),
        ("Trained", None),
        ("gpt2", None),
        ("text", None),
        ("Qwen/Qwen2.5-Coder-0.5B", None),
    ],
)
def test_a_model_that_is_near(name: str, near: str | None, models: Path) -> None:
    assert near_model(name) == near


@pytest.mark.parametrize("command", [["eval", "pocet"], ["ask", "pocet", "What is 1 + 1?"]])
def test_a_misspelt_model_is_told_at_once(command: list[str], invoke: Invoke, tmp_path: Path) -> None:
    done = invoke(*command, "--lang", "prolog", cwd=tmp_path)
    assert done.exit_code == 2
    assert "there is no model 'pocet'; did you mean 'pocket'?" in done.stderr
    assert not list(tmp_path.iterdir())  # as there would be, had an evaluation begun


@pytest.mark.parametrize("name", ["runs/prolog-1172", "traind", "coder.Q5.gguf"])
def test_what_the_hub_may_have_is_taken_and_what_is_near_is_told(
    name: str, models: Path, caplog: pytest.LogCaptureFixture
) -> None:
    check_model_name(name)
    assert f"there is no '{name}' here; did you mean '{near_model(name)}'?" in caplog.text


@pytest.mark.parametrize("name", ["gpt2", "distilgpt2"])
def test_a_name_of_the_hub_without_an_owner_is_taken_beside_a_folder_of_a_like_name(
    name: str, models: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (models / f"{name}-a").mkdir()
    (models / f"{name}-a" / "config.json").write_text("{}")
    check_model_name(name)
    assert f"there is no '{name}' here; did you mean '{name}-a'?" in caplog.text


@pytest.mark.parametrize("name", ["./traind", "{models}/traind", "~/traind"])
def test_what_can_only_be_here_is_refused(name: str, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(models))
    with pytest.raises(UsageError, match=r"did you mean '.*Trained'"):
        check_model_name(name.format(models=models))
