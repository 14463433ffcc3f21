"""Where the files of a data set are looked for."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomli_w
from lowres_code.errors import UsageError
from lowres_code.recipe import find_recipe, load_recipe
from lowres_code.recipe.build import load_problems

from tests.rows import written

RECIPE = """
[model]
name = "pocket"
[data.train]
source = "dataset"
path = "json"
data_files = "{}"
size = 10
[data.eval]
data_files = "{}"
size = 5
"""


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory is none of those that a recipe stands in, and holds files of the same names."""
    folder = tmp_path / "elsewhere"
    for name in ("train.jsonl", "eval.jsonl"):
        written(folder / name, {"question": "not this one", "answer": 1})
    monkeypatch.chdir(folder)
    return folder


def recipe_with(path: Path, train: str, held_out: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(RECIPE.format(train, held_out))
    return path


def questions(recipe: Path, *overrides: str) -> tuple[set[str], set[str]]:
    data = load_recipe(recipe, overrides).data
    train, held_out = load_problems(data.train, "train"), load_problems(data.eval, "eval")
    return {problem.question for problem in train}, {problem.question for problem in held_out}


def test_data_files_are_beside_the_recipe_and_may_be_a_pattern(tmp_path: Path, elsewhere: Path) -> None:
    written(tmp_path / "r[1]" / "d" / "one.jsonl", {"question": "q1", "answer": 1})
    written(tmp_path / "r[1]" / "eval.jsonl", {"question": "q3", "answer": 3})
    written(tmp_path / "r" / "d" / "one.jsonl", {"question": "q1", "answer": 1})
    written(tmp_path / "r" / "d" / "two.jsonl", {"question": "q2", "answer": 2})
    written(tmp_path / "r" / "eval.jsonl", {"question": "q3", "answer": 3})
    assert questions(recipe_with(tmp_path / "r[1]" / "r.toml", "d/one.jsonl", "eval.jsonl")) == ({"q1"}, {"q3"})
    written(tmp_path / "r[1]" / "d" / "two.jsonl", {"question": "q2", "answer": 2})
    recipe = recipe_with(tmp_path / "r[1]" / "r.toml", "d/*.jsonl", "eval.jsonl")
    assert questions(recipe) == ({"q1", "q2"}, {"q3"})
    assert load_recipe(recipe, seen_from=recipe.parent).data.train.options["data_files"] == "d/*.jsonl"
    assert load_recipe(recipe, seen_from=tmp_path).data.train.options["data_files"] == "r[[]1]/d/*.jsonl"
    recipe = recipe_with(tmp_path / "r" / "r.toml", "d/*.jsonl", "eval.jsonl")
    assert questions(recipe) == ({"q1", "q2"}, {"q3"})
    assert questions(recipe, "data.train.data_files=train.jsonl") == ({"not this one"}, {"q3"})
    with pytest.raises(UsageError, match=r"there is no data file '.*/r/d/none-\*\.jsonl'"):
        questions(recipe_with(tmp_path / "r" / "none.toml", "d/none-*.jsonl", "eval.jsonl"))


@pytest.mark.parametrize(
    "name",
    ["https://example.org/train.jsonl", "hf://datasets/openai/gsm8k/main/train-00000.parquet", "file:///d.jsonl"],
)
def test_a_url_stays_what_it_is(name: str, tmp_path: Path, elsewhere: Path) -> None:
    recipe = load_recipe(recipe_with(tmp_path / "r" / "r.toml", name, "eval.jsonl"), ["model.name=pocket"])
    assert recipe.data.train.options["data_files"] == name
    assert recipe.data.eval.options["data_files"] == str(tmp_path / "r" / "eval.jsonl")


def test_a_file_url_is_read(tmp_path: Path, elsewhere: Path) -> None:
    rows = written(tmp_path / "d.jsonl", {"question": "q1", "answer": 1})
    written(tmp_path / "r" / "eval.jsonl", {"question": "q3", "answer": 3})
    recipe = recipe_with(tmp_path / "r" / "r.toml", f"file://{rows}", "eval.jsonl")
    assert questions(recipe) == ({"q1"}, {"q3"})


def test_a_name_inside_a_data_set_of_the_hub_stays_what_it_is(tmp_path: Path, elsewhere: Path) -> None:
    recipe = recipe_with(tmp_path / "r" / "r.toml", "train.jsonl", "eval.jsonl")
    recipe.write_text(recipe.read_text().replace('"json"', '"somebody/something"'))
    data = load_recipe(recipe, ["data.eval.size=3"]).data
    assert [data.train.options["data_files"], data.eval.options["data_files"]] == ["train.jsonl", "eval.jsonl"]


def test_a_data_set_may_be_a_folder_beside_the_recipe(tmp_path: Path, elsewhere: Path) -> None:
    written(tmp_path / "r" / "own" / "train.jsonl", {"question": "q1", "answer": 1})
    written(tmp_path / "r" / "own" / "test.jsonl", {"question": "q3", "answer": 3})
    recipe = recipe_with(tmp_path / "r" / "r.toml", "train.jsonl", "test.jsonl")
    recipe.write_text(recipe.read_text().replace('"json"', '"./own"'))
    assert questions(recipe) == ({"q1"}, {"q3"})
    (problem,) = load_problems(load_recipe(recipe).data.train, "train")
    assert problem.id == "own-train-0"


def test_a_recipe_that_is_shown_names_its_files_as_it_was_written(tmp_path: Path, elsewhere: Path) -> None:
    base = recipe_with(tmp_path / "base" / "b.toml", "d/*.jsonl", "./eval.jsonl")
    above = tmp_path / "above" / "a.toml"
    above.parent.mkdir()
    above.write_text('extends = "../base/b.toml"\n[data.eval]\ndata_files = "own.jsonl"\n')
    shown = load_recipe(base, seen_from=base.parent).data
    assert [t.options["data_files"] for t in (shown.train, shown.eval)] == ["d/*.jsonl", "./eval.jsonl"]
    shown = load_recipe(above, ["data.eval.size=3"], seen_from=above.parent).data
    assert [t.options["data_files"] for t in (shown.train, shown.eval)] == ["../base/d/*.jsonl", "own.jsonl"]
    shown = load_recipe(above, ["data.eval.data_files=eval.jsonl"], seen_from=above.parent).data
    assert shown.eval.options["data_files"] == "../elsewhere/eval.jsonl"


def test_a_recipe_that_was_resolved_runs_from_anywhere(tmp_path: Path, elsewhere: Path) -> None:
    written(tmp_path / "r" / "train.jsonl", {"question": "q1", "answer": 1})
    written(tmp_path / "r" / "eval.jsonl", {"question": "q3", "answer": 3})
    recipe = load_recipe(recipe_with(tmp_path / "r" / "r.toml", "train.jsonl", "eval.jsonl"))
    resolved = elsewhere / "recipe.toml"
    resolved.write_text(tomli_w.dumps(recipe.model_dump(exclude_none=True)))
    assert questions(resolved) == ({"q1"}, {"q3"})
    assert load_recipe(resolved) == recipe


def test_the_recipes_that_ship_are_shown_without_a_path_of_this_machine() -> None:
    for name in ("quickstart", "gsm8k/qwen2.5-coder-1.5b"):
        path = find_recipe(name)
        assert str(path.parent) not in load_recipe(path, seen_from=path.parent).model_dump_json()
