"""``recipe copy | diff | schema``, and what ``check`` refuses: what they print and write, how short it is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from lowres_code.errors import UsageError
from lowres_code.recipe import load_recipe, open_recipe, recipe_names
from lowres_code.recipe.json_schema import recipe_json_schema
from lowres_code.recipe.trl_fields import trl_fields
from lowres_code.recipe.trl_options import REFUSED

Invoke = Callable[..., Result]


def tables(schema: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Every table that may have keys, with these."""
    for name, table in schema["properties"].items():
        kinds = [table, *table.get("anyOf", ())]
        found = next((schema["$defs"][k["$ref"].rpartition("/")[2]] for k in kinds if "$ref" in k), table)
        if name != "data" and found.get("properties"):
            yield name, list(found["properties"])


def typos() -> Iterator[tuple[str, str]]:
    """Each key of each table, with its last letter twice, and the key that is meant."""
    schema = recipe_json_schema(with_plugins=False)
    for table, keys in tables(schema):
        yield from ((f"{table}.{key}{key[-1]}", key) for key in keys if len(key) > 2)
    yield from ((f"{table}{table[-1]}.x", table) for table in schema["properties"] if len(table) > 2)
    yield from ((f"data.train.{key}{key[-1]}", key) for key in ("source", "size", "seed", "tasks", "weights"))


@pytest.mark.parametrize(("place", "meant"), sorted(typos()))
def test_a_typo_anywhere_is_refused_with_the_right_key(place: str, meant: str) -> None:
    if place.startswith("train.") and (meant in REFUSED or f"{meant}{meant[-1]}" in trl_fields()):
        pytest.skip("not a recipe's to set, or another option's name")
    with pytest.raises(UsageError) as error:
        load_recipe(open_recipe("quickstart"), [f"{place}=1"])
    assert f"did you mean {meant!r}?" in str(error.value)
    assert len(str(error.value).splitlines()) < 10


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["quickstrt"], "did you mean 'quickstart'?"),
        (["gsm8k/qwen2.5-coder-05b"], "did you mean 'gsm8k/qwen2.5-coder-0.5b'?"),
        (["quickstart", "--set", "data.train.source=reasoning_gm"], "did you mean 'reasoning_gym'?"),
        (["quickstart", "--set", "reward.corect=1"], "did you mean 'correct'?"),
        (["quickstart", "--set", "data.train.tasks.gdc={}"], "did you mean 'gcd'?"),
        (["quickstart", "--set", "model.dtype=float23"], "must be 'auto', 'float32', 'bfloat16' or 'float16'"),
    ],
)
def test_other_typos(arguments: list[str], said: str, invoke: Invoke) -> None:
    done = invoke("recipe", "check", *arguments)
    assert done.exit_code == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) < 10


def test_a_copy_is_word_for_word(tmp_path: Path, invoke: Invoke) -> None:
    done = invoke("recipe", "copy", "gsm8k/qwen2.5-coder-7b", cwd=tmp_path)
    copy = tmp_path / "qwen2.5-coder-7b.toml"
    assert (done.exit_code, copy.read_text()) == (0, recipe_names()["gsm8k/qwen2.5-coder-7b"].read_text())
    again = invoke("recipe", "copy", "gsm8k/qwen2.5-coder-7b", cwd=tmp_path)
    assert again.exit_code == 2 and "is there already" in again.stderr
    assert invoke("recipe", "copy", "quickstart", "mine.tml").exit_code == 2


@pytest.mark.parametrize("name", ["quickstart", "gsm8k/qwen2.5-coder-7b", "agnostics/qwen2.5-coder-3b"])
def test_a_whole_copy_extends_nothing_and_is_the_same(name: str, tmp_path: Path, invoke: Invoke) -> None:
    copy = tmp_path / "copy.toml"
    assert invoke("recipe", "copy", name, copy, "--whole").exit_code == 0
    assert load_recipe(copy) == load_recipe(open_recipe(name)).model_copy(update={"expected": []})
    assert not re.search("^extends", copy.read_text(), re.MULTILINE)
    assert f"# A whole copy of {name}, SHA-256 " in copy.read_text()
    assert f"--recipe {name}" in copy.read_text() or name == "quickstart"  # the head's comments are kept


LEFT_OUT = "# [[expected]] is left out: results hold for the recipe as its author has it"


@pytest.mark.parametrize("way", [[], ["--whole"], ["--extend"]])
def test_a_copy_claims_no_results(way: list[str], tmp_path: Path, invoke: Invoke) -> None:
    copy = tmp_path / "mine.toml"
    assert invoke("recipe", "copy", "quickstart", copy, *way).exit_code == 0
    assert load_recipe(open_recipe("quickstart")).expected and load_recipe(copy).expected == []
    text = copy.read_text()
    assert text.count(LEFT_OUT) == 1
    assert "pass_at_1" not in text and "02db41d" not in text
    assert invoke("recipe", "diff", "quickstart", copy).stdout.startswith("the same")


def test_all_else_of_a_copy_is_word_for_word(tmp_path: Path, invoke: Invoke) -> None:
    (tmp_path / "own.toml").write_text(
        'extends = "quickstart"\n\n[[expected]]\nmetric = "runs"\nvalue = 0.5\ninterval = [\n  0.4,\n  0.6,\n]\n\n'
        "# to be quick\n[train] # of mine\nmax_steps = 3\n"
        "[[ expected ]]  # more\nmetric = 'runs'\nvalue = 1\n[eval]\nsamples = 1\n"
    )
    assert invoke("recipe", "copy", "own.toml", "copy.toml", cwd=tmp_path).exit_code == 0
    before, told, *after = (tmp_path / "copy.toml").read_text().split("\n\n")
    assert (before, told.startswith(LEFT_OUT)) == ('extends = "quickstart"', True)
    assert after == ["# to be quick\n[train] # of mine\nmax_steps = 3\n[eval]\nsamples = 1\n"]


def test_results_in_another_form_are_not_copied_either(tmp_path: Path, invoke: Invoke) -> None:
    (tmp_path / "own.toml").write_text('expected = [{metric = "runs", value = 0.5}]\nextends = "quickstart"\n')
    done = invoke("recipe", "copy", "own.toml", "copy.toml", cwd=tmp_path)
    assert done.exit_code == 2 and "take --whole" in done.stderr
    assert invoke("recipe", "copy", "own.toml", "copy.toml", "--whole", cwd=tmp_path).exit_code == 0
    assert load_recipe(tmp_path / "copy.toml").expected == []


def test_a_copy_that_extends_has_every_line_to_uncomment(tmp_path: Path, invoke: Invoke) -> None:
    copy = tmp_path / "copy.toml"
    assert invoke("recipe", "copy", "gsm8k/qwen2.5-coder-7b", copy, "--extend").exit_code == 0
    first, *rest = copy.read_text().splitlines()
    assert first == 'extends = "gsm8k/qwen2.5-coder-7b"'
    assert "# gradient_accumulation_steps = 16" in rest and all(not line or line[0] == "#" for line in rest)
    assert invoke("recipe", "diff", "gsm8k/qwen2.5-coder-7b", copy).stdout.startswith("the same")
    copy.write_text(copy.read_text().replace("# [train]", "[train]").replace("# gradient_acc", "gradient_acc"))
    assert load_recipe(copy).train["gradient_accumulation_steps"] == 16


def test_a_copy_elsewhere_of_what_names_files(tmp_path: Path, invoke: Invoke) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    own = tmp_path / "a" / "own.toml"
    own.write_text('extends = "quickstart"\n[data.train]\nsource = "file"\npath = "p.jsonl"\nsize = 3\n')
    done = invoke("recipe", "copy", own, tmp_path / "b" / "r.toml")
    assert done.exit_code == 2
    assert "data.train.path, data.eval.path would be other; take --whole" in done.stderr
    assert not (tmp_path / "b" / "r.toml").exists()
    assert invoke("recipe", "copy", own, tmp_path / "b" / "r.toml", "--whole").exit_code == 0
    copied, kept = load_recipe(tmp_path / "b" / "r.toml"), load_recipe(own)
    places = [Path(recipe.data.train.options["path"]).resolve() for recipe in (copied, kept)]
    assert places == [tmp_path / "a" / "p.jsonl"] * 2
    (tmp_path / "a" / "top.toml").write_text('extends = "own.toml"\n')
    done = invoke("recipe", "copy", tmp_path / "a" / "top.toml", tmp_path / "b" / "top.toml")
    assert done.exit_code == 2 and "take --whole" in done.stderr
    done = invoke("recipe", "copy", tmp_path / "a" / "top.toml", tmp_path / "b" / "top.toml", "--extend")
    assert (tmp_path / "b" / "top.toml").read_text().startswith('extends = "../a/top.toml"\n')


def test_differences_key_by_key(tmp_path: Path, invoke: Invoke) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text(
        'extends = "quickstart"\nremove = ["data.train.tasks.gcd", "data.train.weights.gcd"]\n[lora]\nr = 4\n'
    )
    done = invoke("recipe", "diff", "quickstart", mine)
    assert done.stdout.splitlines()[:2] == [
        "data.train.tasks.gcd: {} -> not set",
        "data.train.weights.gcd: 3 -> not set",
    ]
    assert "lora.r: not set -> 4" in done.stdout
    found = json.loads(invoke("recipe", "diff", "quickstart", mine, "--json").stdout)
    assert found["data.eval.weights.gcd"] == {"a": 3, "b": None}
    assert json.loads(invoke("recipe", "diff", mine, mine, "--json").stdout) == {}


def test_the_schema_knows_every_key_that_recipes_use(invoke: Invoke) -> None:
    schema = json.loads(invoke("recipe", "schema").stdout)
    known = {table: set(keys) for table, keys in tables(schema)}
    known["data"] = set(schema["$defs"]["DataTable"]["properties"])
    for name in recipe_names():
        recipe = load_recipe(open_recipe(name))
        assert set(recipe.train) <= known["train"]
        assert set(recipe.reward) <= known["reward"]
        assert {*recipe.data.train.options, *recipe.data.eval.options} <= known["data"]
    assert not REFUSED.keys() & known["train"]
    assert schema["properties"]["train"]["properties"]["learning_rate"] == {
        "type": "number",
        "minimum": 0,
        "description": "a number",
    }
