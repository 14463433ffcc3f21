"""A model card says how a model was trained and measured, and nothing of the machine it was trained on."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomli
from lowres_code._util.files import write_json, write_records
from lowres_code.evaluation.folder import EvaluationFolder
from lowres_code.recipe import find_recipe, load_recipe
from lowres_code.recipe.schema import LoraTable
from lowres_code.runs.card import model_card
from lowres_code.runs.directory import RunDirectory

from tests.unit.test_report import evaluation

CHANGES = ["model.name=Qwen/Qwen2.5-Coder-0.5B-Instruct", "prompt.system='Write ```code``` in {title}.'"]


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    recipe = load_recipe(find_recipe("quickstart"), CHANGES)
    recipe = recipe.model_copy(update={"lora": LoraTable(r=8)})
    env = {"seed": 3, "language": "prolog", "packages": {"trl": "1.16.0", "openai": None}, "gpu": None}
    run = RunDirectory.create(tmp_path / "run", recipe, env)
    run.set_status("done", 80, 80)
    return run


def measured(folder: EvaluationFolder, shift: float) -> None:
    folder.path.mkdir()
    write_json(folder.path / "summary.json", evaluation(shift).model_dump(mode="json"))
    verdicts = ["correct" if number < 4 + 10 * shift else "wrong_answer" for number in range(12)]
    rows = [
        {"problem": str(n), "completion": "c", "program": "p", "verdict": verdict} for n, verdict in enumerate(verdicts)
    ]
    write_records(folder.path / "samples.jsonl", rows)
    asked = [{"id": str(n), "question": f"q{n}", "tests": [], "asked": "x"} for n in range(12)]
    write_records(folder.path / "problems.jsonl", asked)


def test_the_card_holds_what_was_done_and_the_recipe(run: RunDirectory) -> None:
    card = model_card(run, adapter=True)
    metadata = card.split("---\n")[1]
    assert "base_model: Qwen/Qwen2.5-Coder-0.5B-Instruct\n" in metadata
    assert "library_name: peft\n" in metadata
    assert "- prolog\n" in metadata
    assert "80 steps, LoRA (r = 8), seed 3" in card
    assert "correct 1, format 0.1, syntax 0.1" in card
    assert "no finished evaluation" in card
    assert "````text\nWrite ```code``` in {title}.\n````" in card
    assert "trl 1.16.0" in card and "openai" not in card
    again = tomli.loads(card.split("toml\n", 1)[1].rsplit("\n```", 1)[0])
    assert again["train"]["max_steps"] == 80
    assert again["lora"]["r"] == 8


def test_paths_of_the_machine_stay_here(tmp_path: Path) -> None:
    recipe = load_recipe(
        find_recipe("quickstart"), [f"model.name={tmp_path}/secret/model-x", "prompt.template=/a/b {question}"]
    )
    run = RunDirectory.create(tmp_path / "run", recipe, {"seed": 0, "language": "lua"})
    card = model_card(run, adapter=False)
    assert str(tmp_path) not in card
    assert "# model-x, trained to write lua" in card
    assert "base_model" not in card
    assert "quickstart with model.name=model-x prompt.template" in card
    assert 'template = "/a/b {question}"' in card
    assert "library_name: transformers" in card


def test_the_figures_are_those_of_the_run(run: RunDirectory) -> None:
    for which, shift in (("base", 0.0), ("trained", 0.2)):
        measured(run.evaluation_folder(which), shift)
    card = model_card(run, adapter=True)
    rows = [line for line in card.splitlines() if line.startswith("| ")]
    assert rows[1].startswith("| before training | 12 | 0.500 [")
    assert rows[2].startswith("| after training | 12 | 0.700 [")
    assert "2 samples of each at temperature 1," in card
    assert "paired: 0.167 [" in card  # 6 of 12 problems right instead of 4
