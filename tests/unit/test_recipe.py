from __future__ import annotations

from pathlib import Path

import pytest
from lowres_code.errors import UsageError
from lowres_code.plugins.manager import find_language
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
    ("table", "said"),
    [
        ('system = ""', ["1 + 1?"]),
        ('system = "{title}: {{ yes }}"', ["Prolog: { yes }", "1 + 1?"]),
        ('system = ""\ntemplate = "{question!s:>9}"', ["   1 + 1?"]),
    ],
)
def test_templates_that_can_be_filled(table: str, said: list[str], tmp_path: Path) -> None:
    recipe = load_recipe(written(tmp_path, f"{MINIMAL}[prompt]\nshots = 0\n{table}\n"))
    messages = recipe.prompt.prompt().messages(find_language("prolog").thing, "1 + 1?")
    assert [message["content"] for message in messages] == said


def test_the_limits_of_a_recipe_and_changes_of_them(tmp_path: Path) -> None:
    path = written(tmp_path, MINIMAL + "[limits]\ncpu_s = 3\n")
    assert load_limits(path, ["limits.memory_mb=128"]).model_dump(include={"cpu_s", "memory_mb"}) == {
        "cpu_s": 3,
        "memory_mb": 128,
    }
    with pytest.raises(UsageError, match=r"limits.cpu: unknown key; did you mean 'cpu_s'\?"):
        load_limits(None, ["limits.cpu=1"])
