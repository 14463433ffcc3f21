from __future__ import annotations

from pathlib import Path

import pytest
from lowres_code.errors import UsageError
from lowres_code.recipe import find_recipe, load_limits, load_recipe, recipe_names

ROOT = Path(__file__).parents[2]

EXPECTED = '[[expected]]\nmetric = "pass_at_1"\nvalue = 0.91\n'

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
def test_every_recipe_that_ships_is_valid_and_says_what_it_is(name: str) -> None:
    about = load_recipe(find_recipe(name)).recipe
    assert name.endswith(about.name)
    assert about.description


@pytest.mark.parametrize("name", sorted(recipe_names()))
def test_the_head_of_every_recipe_says_how_it_is_started_and_what_it_costs(name: str) -> None:
    """Those of this package; what others bring is theirs to describe."""
    if not find_recipe(name).is_relative_to(ROOT / "recipes"):
        pytest.skip("a plugin's")
    head = find_recipe(name).read_text().partition("\n\n")[0]
    first = head.splitlines()[0]
    assert first.startswith("# lowres-code train --lang ")
    assert name == "quickstart" or first.endswith(f" --recipe {name}")
    assert all(word in head for word in ("GPU memory: ", "econds a step: ", "hat to expect: "))
    assert all(len(line) <= 120 for line in head.splitlines())


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


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[model", "not TOML"),
        ('extends = "r.toml"', "circle"),
        ('extends = "quickstrt"', "did you mean 'quickstart'"),
        ("remove = []", "'remove' takes keys away from the recipe that 'extends' names"),
        ('extends = "quickstart"\nremove = "lora"', "must be a list of keys"),
        ('extends = "quickstart"\nremove = [3]', "must be a list of keys"),
    ],
)
def test_files_that_are_not_valid_recipes(text: str, said: str, tmp_path: Path) -> None:
    assert said in message(tmp_path, text)


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


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('[[expected]]\nmetric = "pas_at_1"\nvalue = 1\n', "expected.0.metric: must be 'pass_at_1', "),
        ('[[expected]]\nmetric = "runs"\nvalue = 1.5\n', "expected.0.value: must be at most 1, got 1.5"),
        ('[[expected]]\nmetric = "runs"\n', "expected.0.value: missing"),
        ('[[expected]]\nmetric = "runs"\nvalue = 0.5\ninterval = [0.6, 0.7]\n', "does not hold the value 0.5"),
        ('[[expected]]\nmetric = "runs"\nvalue = 0.5\nlanguge = "lua"\n', "did you mean 'language'?"),
        ('[recipe]\nexpected = "0.9 or so"\n', "recipe: expected: results are data now: [[expected]]"),
    ],
)
def test_results_that_cannot_be(table: str, said: str, tmp_path: Path) -> None:
    assert said in message(tmp_path, table + MINIMAL)


def test_a_run_of_the_time_when_results_were_a_text_can_be_read(tmp_path: Path) -> None:
    assert load_recipe(written(tmp_path, MINIMAL + '[recipe]\nexpected = ""\n')).expected == []


@pytest.mark.parametrize("size", ["0.5b", "1.5b", "3b", "7b"])
def test_a_name_that_has_moved_is_refused_with_the_new_one(size: str) -> None:
    with pytest.raises(UsageError, match=f"'prolog/qwen2.5-coder-{size}' is now 'gsm8k/qwen2.5-coder-{size}'"):
        find_recipe(f"prolog/qwen2.5-coder-{size}")


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


def test_a_mistake_in_the_training_table_is_told_once(tmp_path: Path) -> None:
    shared = MINIMAL.replace('source = "file"\npath = "eval.jsonl"\n', "")
    said = message(tmp_path, shared.replace('path = "train.jsonl"', 'pth = "x"'))
    assert said.count("unknown key") == said.count("missing") == 1
    assert "data.eval" not in said
    assert "data.eval" not in message(tmp_path, shared.replace('"file"', '"fil"'))
    assert "data.eval" not in message(tmp_path, shared.replace('"file"', "3"))
    assert "data.eval" not in message(tmp_path, shared.replace('source = "file"\n', ""))


def test_a_mistake_that_the_evaluation_table_makes_itself_is_told(tmp_path: Path) -> None:
    shared = MINIMAL.replace('source = "file"\npath = "eval.jsonl"\n', "pth = 1\n").replace("path = ", "pth = ")
    said = message(tmp_path, shared)
    assert "data.train.pth: unknown key" in said and "data.eval.pth: unknown key" in said
    own = message(tmp_path, 'extends = "quickstart"\n[data.eval]\nweights.gdc = 2\n')
    assert "data.eval: weights.gdc: no such task; did you mean 'gcd'?" in own
    assert "data.train" not in own
    no_size = 'size = 10\n[data.eval]\nsource = "file"\npath = "eval.jsonl"\nsize = 5\n'
    both = message(tmp_path, MINIMAL.replace(no_size, "[data.eval]\n"))
    assert "data.train.size: missing" in both and "data.eval.size: missing" in both


def test_one_mistake_hides_no_other(tmp_path: Path) -> None:
    text = MINIMAL.replace('path = "train.jsonl"', 'pth = "x"').replace('path = "eval.jsonl"', "path = 3")
    text += '[evall]\nx = 1\n[reward]\ncorect = 1.0\n[train]\nmax_step = 5\n[prompt]\nsystem = "{langauge}"\n'
    said = message(tmp_path, text, "limits.cpu_s=fast")
    for mistake in (
        "evall: unknown key; did you mean 'eval'?",
        "data.train.pth: unknown key; did you mean 'path'?",
        "data.eval.path: must be text, got 3",
        "reward.corect: no such reward term; did you mean 'correct'?",
        "train.max_step: ",
        "did you mean 'max_steps'?",
        "prompt.system: no placeholder {langauge}; known: guidance, output, title",
        "limits.cpu_s: must be a whole number, got 'fast'",
    ):
        assert mistake in said, mistake


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('template = "{question} {}"', "prompt.template: no placeholder {}; known: guidance, output, question, title"),
        ('template = "{question} {qestion}"', "no placeholder {qestion}; did you mean 'question'?"),
        ('template = "{{question}}"', "prompt.template: must hold {question}"),
        ('template = "no place"', "prompt.template: must hold {question}"),
        ('template = "{question} }"', "a brace itself is written {{ or }}"),
        ('template = "{question:d}"', "prompt.template: "),
        ('template = "{question.__class__}"', "no placeholder {question.__class__}"),
        ('system = "{question}"', "prompt.system: no placeholder {question}; known: guidance, output, title"),
        ('system = "set {a, b}"', "a brace itself is written {{ or }}"),
    ],
)
def test_templates_that_cannot_be_filled(table: str, said: str, tmp_path: Path) -> None:
    assert said in message(tmp_path, f"{MINIMAL}[prompt]\n{table}\n")


@pytest.mark.parametrize(
    "table", ['system = ""', 'system = "{title}: {{ {guidance} }}"', 'template = "{question!s:>9}"']
)
def test_templates_that_can_be_filled(table: str, tmp_path: Path) -> None:
    load_recipe(written(tmp_path, f"{MINIMAL}[prompt]\n{table}\n"))


def test_the_limits_of_a_recipe_and_changes_of_them(tmp_path: Path) -> None:
    path = written(tmp_path, MINIMAL + "[limits]\ncpu_s = 3\n")
    assert load_limits(path, ["limits.memory_mb=128"]).model_dump(include={"cpu_s", "memory_mb"}) == {
        "cpu_s": 3,
        "memory_mb": 128,
    }
    with pytest.raises(UsageError, match=r"limits.cpu: unknown key; did you mean 'cpu_s'\?"):
        load_limits(None, ["limits.cpu=1"])
