from __future__ import annotations

from pathlib import Path

import pytest
from lowres_code.errors import UsageError
from lowres_code.recipe import find_recipe, load_recipe, recipe_names
from lowres_code.train.arguments import grpo_config, option_errors

MINIMAL = """
[model]
name = "pocket"
[data.train]
source = "file"
path = "train.jsonl"
size = 10
[data.eval]
source = "file"
path = "eval.jsonl"
size = 5
"""


def written(folder: Path, text: str, name: str = "r.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_weight_of_no_task_is_refused(tmp_path: Path) -> None:
    table = '[data.train]\nsource = "reasoning_gym"\nsize = 4\ntasks = {gcd = {}}\nweights = {gdc = 2}\n'
    said = message(tmp_path, f'extends = "quickstart"\n{table}')
    assert "weights.gdc: no such task; did you mean 'gcd'?" in said


def message(folder: Path, text: str, *overrides: str) -> str:
    with pytest.raises(UsageError) as error:
        load_recipe(written(folder, text), overrides)
    return str(error.value)


@pytest.mark.parametrize("name", sorted(recipe_names()))
def test_every_recipe_that_ships_is_valid_down_to_the_options_of_the_installed_trl(name: str, tmp_path: Path) -> None:
    recipe = load_recipe(find_recipe(name))
    assert option_errors(recipe.train) == []
    config = grpo_config(recipe.train, tmp_path, 3, list(recipe.reward.values()))
    assert config.seed == 3
    assert config.generation_batch_size % config.num_generations == 0
    assert recipe.recipe.description and recipe.recipe.expected


def test_inheritance_goes_table_by_table(tmp_path: Path) -> None:
    written(tmp_path, MINIMAL + "[reward]\ncorrect = 1.0\nformat = 0.2\n[train]\nmax_steps = 7\n", "base.toml")
    above = written(tmp_path, 'extends = "base.toml"\n[train]\nlearning_rate = 1e-3\n[data.eval]\nsize = 3\n')
    recipe = load_recipe(above)
    assert recipe.train == {"max_steps": 7, "learning_rate": 1e-3}
    assert recipe.reward == {"correct": 1.0, "format": 0.2}
    assert (recipe.data.eval.size, recipe.data.eval.options) == (3, {"path": str(tmp_path / "eval.jsonl")})


def test_files_of_problems_are_seen_from_the_recipe_that_names_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    written(tmp_path / "below", MINIMAL, "base.toml")
    above = written(tmp_path, 'extends = "below/base.toml"\n[data.eval]\npath = "own.jsonl"\n')
    data = load_recipe(above).data
    assert data.train.options == {"path": str(tmp_path / "below" / "train.jsonl")}
    assert data.eval.options == {"path": str(tmp_path / "own.jsonl")}
    data = load_recipe(above, ["data.eval.path=given.jsonl"]).data
    assert data.eval.options == {"path": str(tmp_path / "elsewhere" / "given.jsonl")}


def test_a_negative_weight_is_refused(tmp_path: Path) -> None:
    said = message(tmp_path, 'extends = "quickstart"', "data.train.weights.gcd=-1")
    assert "data.train.weights.gcd: must be at least 0, got -1" in said


def test_another_source_takes_no_options_from_the_old_one(tmp_path: Path) -> None:
    written(tmp_path, MINIMAL, "base.toml")
    above = 'extends = "base.toml"\n[data.train]\nsource = "reasoning_gym"\nsize = 4\ntasks = {gcd = {}}\n'
    assert load_recipe(written(tmp_path, above)).data.train.options == {"tasks": {"gcd": {}}}


def test_an_evaluation_table_without_a_source_takes_the_training_tables(tmp_path: Path) -> None:
    text = MINIMAL.replace('[data.eval]\nsource = "file"\npath = "eval.jsonl"', "[data.eval]")
    table = load_recipe(written(tmp_path, text)).data.eval
    assert (table.source, table.size, table.options) == ("file", 5, {"path": str(tmp_path / "train.jsonl")})


def test_all_mistakes_are_told_at_once_each_with_its_near_match(tmp_path: Path) -> None:
    text = MINIMAL + '[limits]\ncpu_sec = 3\nmemory_mb = "much"\n[lora]\nrank = 8\n[evall]\nsamples = 2\n'
    said = message(tmp_path, text)
    assert "limits.cpu_sec: unknown key; did you mean 'cpu_s'?" in said
    assert "limits.memory_mb: must be a whole number, got 'much'" in said
    assert "lora.rank: unknown key" in said
    assert "evall: unknown key; did you mean 'eval'?" in said


def test_unknown_sources_options_and_rewards(tmp_path: Path) -> None:
    said = message(tmp_path, MINIMAL.replace('path = "train.jsonl"', 'pth = "x"') + "[reward]\ncorect = 1.0\n")
    assert "data.train.pth: unknown key; did you mean 'path'?" in said
    assert "data.train.path: missing" in said
    assert "reward.corect: no such reward term; did you mean 'correct'?" in said
    assert "no source 'fil'" in message(tmp_path, MINIMAL.replace('"file"', '"fil"'))


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("limits.cpu_s=fast", "limits.cpu_s"),
        ("limits.cpu_s", "table.key=value"),
        ("train.max_steps.x=1", "train.max_steps"),
        ("nonsense.key=1", "nonsense: unknown key"),
    ],
)
def test_bad_overrides(override: str, said: str, tmp_path: Path) -> None:
    assert said in message(tmp_path, MINIMAL + "[train]\nmax_steps = 1\n", override)


def test_overrides_are_toml_and_names_need_no_quotes(tmp_path: Path) -> None:
    overrides = ["model.name=my/model", "train.max_steps=3", "reward={coin=1.0}", "lora.r=4"]
    recipe = load_recipe(written(tmp_path, MINIMAL), overrides)
    assert (recipe.model.name, recipe.train["max_steps"], recipe.reward) == ("my/model", 3, {"coin": 1.0})
    assert recipe.lora is not None
    assert recipe.lora.r == 4


def test_trl_options_are_checked_against_the_installed_trl() -> None:
    said = option_errors({"learning_rte": 1, "max_steps": "many", "seed": 3, "learning_rate": 1e-5})
    assert len(said) == 3
    assert "did you mean 'learning_rate'?" in said[0]
    assert "'many' is no int" in said[1]
    assert "use --seed" in said[2]


@pytest.mark.parametrize(
    ("text", "said"),
    [("[model", "not TOML"), ('extends = "r.toml"', "circle"), ('extends = "quickstrt"', "did you mean 'quickstart'")],
)
def test_files_that_are_no_recipes(text: str, said: str, tmp_path: Path) -> None:
    assert said in message(tmp_path, text)
