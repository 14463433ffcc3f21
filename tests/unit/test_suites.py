"""Suites: found by name or path, laid over a recipe, and nothing of the recipe changed that they do not name."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from click.testing import Result
from lowres_code.errors import UsageError
from lowres_code.plugins.hookspecs import Registry, hookimpl
from lowres_code.plugins.manager import PluginManager, plugin_manager
from lowres_code.problem import Problem
from lowres_code.recipe import Recipe, find_recipe, load_recipe, open_suite, recipe_names
from lowres_code.recipe.build import load_problems
from lowres_code.recipe.locate import suite_names
from lowres_code.recipe.suite import read_suite
from lowres_code.runs.directory import RunDirectory

from tests.conftest import ROOT, SHARED

BUILT_IN = sorted(path.stem for path in ROOT.glob("recipes/suites/*.toml"))
DATA = '[data.eval]\nsource = "file"\npath = "mine.jsonl"\nsize = 3\n'


def with_suite(name: str | Path, *overrides: str, recipe: str = "quickstart", language: str = "prolog") -> Recipe:
    return load_recipe(find_recipe(recipe), overrides, suite=open_suite(str(name), language))


def written(folder: Path, text: str, name: str = "mine.toml") -> Path:
    (folder / name).write_text(text)
    return folder / name


def rows(path: Path, *lines: Mapping[str, object]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def local(name: str, path: Path, language: str = "prolog") -> list[Problem]:
    """The problems of a suite, with the file of this machine instead of the data set on the hub."""
    changes = ["data.eval.path=json", f"data.eval.data_files={path}", "data.eval.split=train"]
    problems = load_problems(with_suite(name, *changes, language=language).data.eval, "eval")
    return sorted(problems, key=lambda problem: problem.id)


def test_those_that_ship_are_named_and_are_no_recipes() -> None:
    assert {"gsm8k", "gsm-symbolic", "gsm-symbolic-p1", "gsm-symbolic-p2", "logic", "multipl-e", "rosetta"} == {
        *BUILT_IN
    }
    assert suite_names().keys() >= {*BUILT_IN}
    assert not [name for name in recipe_names() if "suites" in name]


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_suite_that_ships_is_valid_in_each_of_its_languages(name: str) -> None:
    table = read_suite(suite_names()[name])
    assert (table.recipe.name, bool(table.recipe.description)) == (name, True)
    assert table.languages is None or table.languages.keys() <= plugin_manager().languages.keys()
    for language in table.languages or ["prolog"]:
        assert with_suite(name, language=language).data.eval.size == table.data.eval.size
    head = suite_names()[name].read_text().splitlines()[0]
    example = next(iter(table.languages or ["prolog"]))
    assert head == f"# lowres-code eval MODEL --lang {example} --suite {name}"


@pytest.mark.parametrize("recipe", ["quickstart", "gsm8k/qwen2.5-coder-1.5b"])
def test_only_the_problems_are_other(recipe: str) -> None:
    before, after = load_recipe(find_recipe(recipe)), with_suite("logic", recipe=recipe)
    assert after.data.eval.options == read_suite(suite_names()["logic"]).data.eval.options
    assert after.data.train == before.data.train
    named = {"data", "recipe", "expected"}
    assert after.model_dump(exclude=named) == before.model_dump(exclude=named)
    assert after.expected == []
    name = recipe.rpartition("/")[2]
    assert (after.recipe.name, after.recipe.description) == (f"{name} (changed)", f"{name} with suite=logic")


def test_nothing_is_left_of_the_recipes_own_held_out_problems() -> None:
    assert "answer_after" not in with_suite("rosetta", recipe="gsm8k/qwen2.5-coder-1.5b").data.eval.options


def test_a_suite_says_limits_and_sampling_where_it_needs_to_and_set_comes_last(tmp_path: Path) -> None:
    suite = written(tmp_path, f"{DATA}[limits]\ncpu_s = 3\n[eval]\nsamples = 2\ngreedy = true\n")
    recipe = with_suite(suite, "eval.samples=7", "data.eval.size=2")
    assert (recipe.limits.cpu_s, recipe.limits.inferences) == (3, 2_000_000)  # the latter is quickstart's
    assert (recipe.eval.samples, recipe.eval.greedy, recipe.eval.max_new_tokens) == (7, True, 128)
    assert recipe.data.eval.size == 2


def test_files_are_seen_from_the_suite_and_those_of_set_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "there").mkdir()
    suite = written(tmp_path / "there", DATA)
    monkeypatch.chdir(tmp_path)
    assert with_suite(suite).data.eval.options["path"] == str(tmp_path / "there" / "mine.jsonl")
    assert with_suite(suite, "data.eval.path=own.jsonl").data.eval.options["path"] == str(tmp_path / "own.jsonl")


def test_what_is_written_down_is_the_same_recipe_again(tmp_path: Path) -> None:
    recipe = with_suite("rosetta", "eval.samples=2")
    kept = written(tmp_path, tomli_w.dumps(recipe.model_dump(exclude_none=True)), "recipe.toml")
    assert load_recipe(kept) == recipe


def test_a_language_has_keys_of_its_own() -> None:
    configs = {
        name: with_suite("multipl-e", language=name).data.eval.options["config"] for name in ("lua", "ocaml", "r")
    }
    assert configs == {"lua": "humaneval-lua", "ocaml": "humaneval-ml", "r": "humaneval-r"}


@pytest.mark.parametrize(
    ("name", "language", "said"),
    [
        ("gsm8", "prolog", "there is no suite 'gsm8'; did you mean 'gsm8k'? (lowres-code recipe list --suites)"),
        ("no.toml", "prolog", "there is no suite file 'no.toml'"),
        ("multipl-e", "prolog", "the suite 'multipl-e' is for lua, ocaml, r, racket; not for prolog"),
        ("rosetta", "lua", "the suite 'rosetta' is for prolog; not for lua"),
    ],
)
def test_one_that_is_not_there_or_not_for_the_language_is_refused(name: str, language: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        open_suite(name, language)
    assert str(refused.value) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[data", "mine.toml"),
        ("", "data: missing"),
        ("[data.eval]\nsize = 3\n", "data.eval.source: missing"),
        (f"{DATA}[trian]\nmax_steps = 3\n", "trian: unknown key"),
        (f"{DATA}[language]\nlua = {{}}\n", "language: unknown key; did you mean 'languages'?"),
        (f'extends = "gsm8k"\n{DATA}', "extends: unknown key"),
        (DATA.replace("eval", "train"), "data.train: unknown key"),
        (f"{DATA}[eval]\nsampels = 3\n", "eval.sampels: unknown key; did you mean 'samples'?"),
        (f"{DATA}[limits]\ncpu_s = 0\n", "limits.cpu_s"),
        (DATA.replace('"file"', '"fiel"'), "data.eval.source: no source 'fiel'; did you mean 'file'?"),
        (f"{DATA}colour = 3\n", "data.eval.colour: unknown key"),
        (f"{DATA}[languages]\nprolog = {{ size = 0 }}\n", "data.eval.size"),
    ],
)
def test_one_that_is_not_valid_is_refused_with_the_reason(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        with_suite(written(tmp_path, text))
    assert said in str(refused.value) and "mine.toml" in str(refused.value)


def test_a_suite_is_no_recipe() -> None:
    for name in ("logic", "suites/logic"):
        with pytest.raises(
            UsageError, match="'logic' is a suite, no recipe: lowres-code eval MODEL --lang NAME --suite"
        ):
            find_recipe(name)


class Plugin:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @hookimpl
    def register_recipes(self, register: Registry[Path]) -> None:
        register(self._folder)


def test_a_package_that_brings_recipes_brings_suites(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, invoke: Callable[..., Result]
) -> None:
    (tmp_path / "suites" / "theirs").mkdir(parents=True)
    written(tmp_path / "suites" / "theirs", DATA)
    written(tmp_path / "suites", "[broken", "broken.toml")
    written(tmp_path / "suites", DATA, "gsm8k.toml")
    manager = PluginManager()
    manager._load("theirs", "theirs", lambda: Plugin(tmp_path))
    monkeypatch.setattr("lowres_code.recipe.locate.plugin_manager", lambda: manager)
    assert with_suite("theirs/mine").data.eval.options == {"path": str(tmp_path / "suites" / "theirs" / "mine.jsonl")}
    assert with_suite("gsm8k").data.eval.size == 1319  # a built-in name stays what it is
    done = invoke("recipe", "list", "--suites", "--json")
    assert "suite 'broken' cannot be used" in done.stderr
    listed = {suite["name"]: suite for suite in json.loads(done.stdout)}
    assert listed["theirs/mine"] == {"name": "theirs/mine", "description": "", "problems": 3, "languages": None}
    assert listed["multipl-e"]["languages"] == ["lua", "ocaml", "r", "racket"]


def test_suites_are_listed(invoke: Callable[..., Result]) -> None:
    shown = invoke("recipe", "list", "--suites").stdout
    assert all(name in shown for name in BUILT_IN)
    assert invoke("recipe", "list").stdout.endswith("lowres-code recipe list --suites\n")


@pytest.mark.parametrize("name", ["gsm-symbolic", "gsm-symbolic-p1", "gsm-symbolic-p2"])
def test_instances_of_a_template_have_ids_of_their_own(name: str, tmp_path: Path) -> None:
    """The columns are those of apple/GSM-Symbolic."""
    other: dict[str, Any] = {"original_id": 7, "original_question": "?", "original_answer": "#### 1", "canary": "x"}
    lines = [
        {"id": i, "instance": k, "question": f"{i} times {k}?", "answer": f"So.\n#### {i * k:,}", **other}
        for i in (3, 40)
        for k in (0, 50)
    ]
    found = local(name, rows(tmp_path / "d.jsonl", *lines))
    assert [problem.id for problem in found] == ["3-0", "3-50", "40-0", "40-50"]
    assert [problem.tests[0].expected for problem in found] == ["0", "150", "0", "2,000"]


def test_a_part_of_an_id_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no column 'instance'; .* name the one that holds the id"):
        local("gsm-symbolic", rows(tmp_path / "d.jsonl", {"id": 1, "question": "?", "answer": "#### 1"}))
    line = {"id": 1, "instance": None, "question": "?", "answer": "#### 1"}
    with pytest.raises(UsageError, match="row 1: there is no id in column 'instance'"):
        local("gsm-symbolic", rows(tmp_path / "d.jsonl", line))


def test_multipl_e_puts_the_prompt_before_and_the_tests_behind(tmp_path: Path) -> None:
    """The columns are those of nuprl/MultiPL-E."""
    line = {
        "name": "HumanEval_53_add",
        "language": "lua",
        "prompt": "-- Add two numbers\nlocal function add(x, y)\n",
        "doctests": "transform",
        "original": "HumanEval_53_add.py",
        "prompt_terminology": "reworded",
        "tests": "lu = require('luaunit')\nfunction test()\n lu.assertEquals(add(0, 1), 1)\nend\n",
        "stop_tokens": ["\nlocal"],
    }
    (problem,) = local("multipl-e", rows(tmp_path / "d.jsonl", line), "lua")
    assert (problem.id, problem.question) == ("HumanEval_53_add", str(line["prompt"]).strip())
    assert [test.appended and test.appended.control for test in problem.tests] == [False, True]
    assert problem.tests[0].appended is not None
    assert (problem.tests[0].appended.prefix, problem.tests[0].appended.code) == (line["prompt"], line["tests"])


@pytest.mark.skipif(not (SHARED / "gsm8k").is_dir(), reason="no shared/data/gsm8k beside the project")
def test_gsm8k_is_whole() -> None:
    """Counted in the file by other means: 1,319 problems, 14 golds with a comma; all golds add up to 9,009,187."""
    found = local("gsm8k", SHARED / "gsm8k" / "test.jsonl")
    golds = [str(problem.tests[0].expected) for problem in found]
    assert (len(found), sum("," in gold for gold in golds)) == (1319, 14)
    assert sum(int(gold.replace(",", "")) for gold in golds) == 9_009_187


def test_a_run_is_measured_on_a_suite_with_its_own_prompt(tmp_path: Path) -> None:
    recipe = load_recipe(find_recipe("quickstart"), ["prompt.template=Do this: {question}"])
    run = RunDirectory.create(tmp_path / "run", recipe, {"seed": 0, "language": "prolog"})
    measured = run.recipe(["data.eval.size=5"], open_suite("rosetta", "prolog"))
    assert measured.prompt.template == "Do this: {question}"
    assert (measured.data.eval.source, measured.data.eval.size) == ("file", 5)
