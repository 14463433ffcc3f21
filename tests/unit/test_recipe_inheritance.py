"""What a recipe takes over from the one it extends, and what it takes away."""

from __future__ import annotations

from pathlib import Path

from lowres_code.recipe import find_recipe, load_recipe

from tests.unit.test_recipe import EXPECTED, MINIMAL, message, written


def test_inheritance_goes_table_by_table(tmp_path: Path) -> None:
    written(tmp_path, MINIMAL + "[reward]\ncorrect = 1.0\nformat = 0.2\n[train]\nmax_steps = 7\n", "base.toml")
    above = written(tmp_path, 'extends = "base.toml"\n[train]\nlearning_rate = 1e-3\n[data.eval]\nsize = 3\n')
    recipe = load_recipe(above)
    assert recipe.train == {"max_steps": 7, "learning_rate": 1e-3}
    assert recipe.reward == {"correct": 1.0, "format": 0.2}
    assert (recipe.data.eval.size, recipe.data.eval.options) == (3, {"path": str(tmp_path / "eval.jsonl")})


def test_another_source_takes_no_options_from_the_old_one(tmp_path: Path) -> None:
    written(tmp_path, MINIMAL, "base.toml")
    above = 'extends = "base.toml"\n[data.train]\nsource = "reasoning_gym"\nsize = 4\ntasks = {gcd = {}}\n'
    assert load_recipe(written(tmp_path, above)).data.train.options == {"tasks": {"gcd": {}}}


def test_an_evaluation_table_without_a_source_takes_the_training_tables(tmp_path: Path) -> None:
    text = MINIMAL.replace('[data.eval]\nsource = "file"\npath = "eval.jsonl"', "[data.eval]")
    table = load_recipe(written(tmp_path, text)).data.eval
    assert (table.source, table.size, table.options) == ("file", 5, {"path": str(tmp_path / "train.jsonl")})


def test_what_extends_a_recipe_does_not_claim_its_name_and_results(tmp_path: Path) -> None:
    written(tmp_path, EXPECTED + MINIMAL + '[recipe]\nname = "base"\ndescription = "d"\n', "base.toml")
    recipe = load_recipe(written(tmp_path, 'extends = "base.toml"\n', "mine.toml"))
    assert recipe.recipe.model_dump() == {"name": "mine", "description": "extends base.toml"}
    assert recipe.expected == []
    text = 'extends = "base.toml"\n[recipe]\ndescription = "of my own"\n' + EXPECTED.replace("0.91", "0.5")
    recipe = load_recipe(written(tmp_path, text, "mine.toml"))
    assert recipe.recipe.model_dump() == {"name": "mine", "description": "of my own"}
    assert [result.value for result in recipe.expected] == [0.5]


def test_what_an_override_changes_does_not_claim_the_recipes_name_and_results(tmp_path: Path) -> None:
    base = written(tmp_path, EXPECTED + MINIMAL + '[recipe]\nname = "base"\ndescription = "d"\n')
    assert [result.value for result in load_recipe(base).expected] == [0.91]
    recipe = load_recipe(base, ["model.name=other", "limits.cpu_s=7"])
    assert recipe.recipe.name == "base (changed)"
    assert recipe.recipe.description == "base with model.name=other limits.cpu_s=7"
    assert recipe.expected == []
    own = ["model.name=other", "recipe.name=mine", 'expected=[{metric="runs", value=0.5}]']
    recipe = load_recipe(base, own)
    assert (recipe.recipe.name, recipe.expected[0].metric) == ("mine", "runs")


def test_what_is_changed_again_says_both_changes(tmp_path: Path) -> None:
    """The recipe of a run was resolved with ``--set`` when it began; another ``--set`` comes on top."""
    text = MINIMAL + '[recipe]\nname = "base (changed)"\ndescription = "base with limits.cpu_s=7"\n'
    about = load_recipe(written(tmp_path, text), ["eval.samples=2"]).recipe
    assert (about.name, about.description) == ("base (changed)", "base with limits.cpu_s=7 eval.samples=2")


def test_a_recipe_without_a_name_has_that_of_its_file(tmp_path: Path) -> None:
    assert load_recipe(written(tmp_path, MINIMAL, "mine.toml")).recipe.name == "mine"


def test_what_a_recipe_takes_away_from_the_one_it_extends(tmp_path: Path) -> None:
    removed = '["data.train.tasks.gcd", "data.train.weights", "train.warmup_steps", "prompt"]'
    recipe = load_recipe(written(tmp_path, f'extends = "quickstart"\nremove = {removed}\n'))
    whole = load_recipe(find_recipe("quickstart"))
    tasks = set(whole.data.train.options["tasks"]) - {"gcd"}
    assert set(recipe.data.train.options["tasks"]) == tasks == set(recipe.data.eval.options["tasks"])
    assert len(tasks) == 9
    assert "weights" not in recipe.data.train.options
    assert recipe.train == {key: value for key, value in whole.train.items() if key != "warmup_steps"}
    assert recipe.prompt.shots == 1  # the default


def test_keys_are_taken_away_before_the_file_adds_its_own(tmp_path: Path) -> None:
    text = 'extends = "quickstart"\nremove = ["data.train.tasks", "data.train.weights"]\n'
    recipe = load_recipe(written(tmp_path, text + "[data.train.tasks]\nlcm = {}\n"))
    assert recipe.data.train.options == {"tasks": {"lcm": {}}}


def test_keys_that_are_not_there_to_be_taken_away(tmp_path: Path) -> None:
    text = 'extends = "quickstart"\nremove = ["data.train.tasks.gdc", "lora", "model.name.x", "a..b"]\n'
    said = message(tmp_path, text)
    assert "remove: 'data.train.tasks.gdc': no key 'gdc'; did you mean 'gcd'?" in said
    assert "remove: 'lora': no key 'lora'" in said
    assert "remove: 'model.name.x': no key 'x'" in said
    assert "remove: 'a..b': not a key" in said
