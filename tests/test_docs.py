"""The pages that teach are followed word for word: files are saved, commands are run, and print what is shown."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from lowres_code.checkers import CHECKERS, find_checker
from lowres_code.cli.serve_command import command as serve_command
from lowres_code.language.snippets import SNIPPETS
from lowres_code.language.toml_file import LanguageTable, load_language
from lowres_code.recipe import find_recipe, load_recipe
from lowres_code.recipe.suite import SuiteTable, read_suite
from lowres_code.recipe.trl_fields import trl_fields
from lowres_code.sources.columns import ColumnOptions

from tests import reference
from tests.conftest import ROOT
from tests.core.serve.conftest import free_port
from tests.follow import INLINE, follow
from tests.scratch import scratch_environment

DOCS = ROOT / "docs"


def test_a_language_is_added_as_the_page_says(tmp_path: Path) -> None:
    here = str(Path(sys.executable).parent)
    page = DOCS / "add-a-language.md"
    assert follow(page, tmp_path, here) == 8
    first = (tmp_path / "run" / "language.toml").read_text()
    assert len(first.splitlines()) <= 12
    assert (tmp_path / "awk.toml").read_text().startswith(f"{first}[[examples]]\n")
    assert len(INLINE.findall(page.read_text())) == 2
    for command in INLINE.findall(page.read_text()):
        try_command(shlex.split(command), tmp_path)


def try_command(words: list[str], folder: Path) -> None:
    """Run a command that a page names in passing; of a training with a real model, only what comes before the model."""
    if words[1] != "train":
        (folder / "elsewhere").mkdir()
        done = subprocess.run([sys.executable, "-m", "lowres_code", *words[1:]], cwd=folder / "elsewhere", check=False)
        assert done.returncode == 0, words
        return
    _, _, lang, file, name, recipe = words
    assert (lang, name) == ("--lang", "--recipe")
    prompt = load_recipe(find_recipe(recipe)).prompt
    assert prompt.shots == 1
    language = load_language(folder / file)
    assert len(prompt.prompt().messages(language, "How many?")) == 4


def test_a_package_is_written_as_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a network: all that a package needs is here."""
    monkeypatch.setenv("PIP_NO_BUILD_ISOLATION", "false")  # sic: pip takes the option's value, not its name
    monkeypatch.setenv("PIP_NO_DEPS", "1")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    commands = scratch_environment(tmp_path / "environment")
    assert follow(DOCS / "write-a-language-package.md", tmp_path, str(commands)) == 6


@pytest.mark.skipif(shutil.which("curl") is None, reason="the page uses curl, which is not installed")
def test_the_judge_is_served_as_the_page_says(tmp_path: Path) -> None:
    """At another port: at that of the page somebody may listen, such as the server of the last test, for a minute."""
    page, port = (DOCS / "serve.md").read_text(), str(free_port())
    assert {"timeout 60 ", "8765"} <= {*re.findall("timeout 60 |8765", page)}
    (tmp_path / "serve.md").write_text(page.replace("timeout 60 ", "timeout 400 ").replace("8765", port))
    try:
        assert follow(tmp_path / "serve.md", tmp_path, str(Path(sys.executable).parent)) == 8
    finally:
        for process in psutil.process_iter(["cmdline"]):
            if port in (process.info["cmdline"] or []):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.terminate()


def test_the_unit_and_the_image_start_what_there_is() -> None:
    unit, image = ((DOCS / "serve" / name).read_text() for name in ("lowres-code-judge.service", "Dockerfile"))
    started = re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)
    entry, arguments = (json.loads(found) for found in re.findall(r"^(?:ENTRYPOINT|CMD) (.*)$", image, re.MULTILINE))
    for words in (shlex.split(started[0]), [*entry, *arguments]):
        assert words[1] == "serve"
        context = serve_command.make_context("serve", words[2:])
        assert context.params["host"] == "0.0.0.0"
        assert context.params["token_file"] is not None


def test_the_page_on_recipes_does_what_it_says(tmp_path: Path) -> None:
    assert follow(DOCS / "recipes.md", tmp_path, str(Path(sys.executable).parent)) == 4
    table = (DOCS / "recipes.md").read_text().partition("## A recipe of your own")[0]
    named = [*re.findall(r"^\| `([^`]+)`", table, re.MULTILINE)]
    short = [name.split("{")[0] for name in named]
    built_in = [path.relative_to(ROOT / "recipes").as_posix() for path in (ROOT / "recipes").rglob("*.toml")]
    assert all(any(path.startswith(prefix) for prefix in short) for path in built_in if not path.startswith("suites/"))


def test_the_table_of_suites_is_whole() -> None:
    table = (DOCS / "recipes.md").read_text().partition("## Suites")[2].partition("\n## ")[0]
    rows = [row.split("|") for row in re.findall(r"^\| `.*$", table, re.MULTILINE)]
    shown = {name: re.findall(r"`([^`]+)`", row[4]) for row in rows for name in re.findall(r"`([^`]+)`", row[1])}
    assert shown == {name: sorted(table.languages or ()) for name, table in built_in_suites().items()}


def built_in_suites() -> dict[str, SuiteTable]:
    return {path.stem: read_suite(path) for path in sorted((ROOT / "recipes" / "suites").glob("*.toml"))}


def test_the_reference_of_recipes_is_as_the_code_has_it() -> None:
    """If not: python -m tests.reference."""
    assert reference.PAGE.read_text() == reference.page(reference.PAGE.read_text())


def test_the_schema_for_editors_is_as_the_code_has_it() -> None:
    """The options of ``[train]`` are those of one TRL; with another one, the rest must agree."""
    committed, now = json.loads(reference.SCHEMA.read_text()), json.loads(reference.schema())
    if committed["properties"]["train"]["$comment"] != now["properties"]["train"]["$comment"]:
        del committed["properties"]["train"], now["properties"]["train"]
    assert committed == now


@pytest.mark.slow
def test_own_problems_are_used_as_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_BUILD_ISOLATION", "false")  # as above
    monkeypatch.setenv("PIP_NO_DEPS", "1")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    commands = scratch_environment(tmp_path / "environment")
    assert follow(DOCS / "own-problems.md", tmp_path, str(commands)) == 20


def test_python_does_what_the_page_says(tmp_path: Path) -> None:
    assert follow(DOCS / "python.md", tmp_path, str(Path(sys.executable).parent)) == 7


def test_the_page_on_gpus_names_what_there_is(tmp_path: Path) -> None:
    """Its files are configurations of accelerate, and its options are TRL's."""
    from accelerate.commands.config.config_args import load_config_from_file  # type: ignore[import-untyped]

    page = DOCS / "gpu.md"
    assert follow(page, tmp_path, str(Path(sys.executable).parent)) == 1
    kinds = {name: load_config_from_file(str(tmp_path / name)) for name in ("fsdp.yaml", "zero2.yaml")}
    assert {name: str(config.distributed_type.value) for name, config in kinds.items()} == {
        "fsdp.yaml": "FSDP",
        "zero2.yaml": "DEEPSPEED",
    }
    options = re.findall(r"`train\.(\w+)", page.read_text()) + re.findall(
        r"^(vllm_\w+|use_vllm) =", page.read_text(), re.M
    )
    assert len(options) >= 8 and set(options) <= trl_fields().keys()


def test_the_table_of_columns_is_whole() -> None:
    table = re.findall(r"^\| (`.*?) \| .* \| .* \|$", (DOCS / "own-problems.md").read_text(), re.MULTILINE)
    named = {key for cell in table for key in re.findall(r"`([^`]+)`", cell)} - {"path"}
    assert set(ColumnOptions.model_fields) <= named


def test_the_table_of_checkers_is_whole() -> None:
    table = re.findall(r"^\| `([a-z-]+)(?:\(.*\))?` \| (.*) \|$", (DOCS / "own-problems.md").read_text(), re.MULTILINE)
    assert {checker.name: checker.meaning for checker in CHECKERS}.items() <= dict(table).items()
    float_ = find_checker(re.findall(r"`(float\(.*?\))`", (DOCS / "own-problems.md").read_text())[0])
    assert float_.options == float_.defaults


def test_the_table_of_keys_is_whole() -> None:
    table = re.findall(r"^\| (`.*?) \|", (DOCS / "add-a-language.md").read_text(), re.MULTILINE)
    named = {key.strip("[]") for cell in table for key in re.findall(r"`([^`]+)`", cell)}
    assert named == set(LanguageTable.model_fields)


def test_the_page_says_what_every_snippet_must_do() -> None:
    assert re.findall(r"^- `(\w+)`: (.*)$", (DOCS / "add-a-language.md").read_text(), re.MULTILINE) == [
        *SNIPPETS.items()
    ]


def test_every_snippet_is_named_in_a_new_file(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "lowres_code", "lang", "new", "x1", "--dir", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True)
    text = (tmp_path / "x1.toml").read_text()
    assert all(re.search(rf"^(# )?{name} = ", text, re.MULTILINE) for name in SNIPPETS)


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target
