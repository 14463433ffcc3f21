"""Where the programs of the supervised stage come from: somebody has them, or a stronger model writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from lowres_code._util.files import read_json_lines
from lowres_code.errors import UsageError
from lowres_code.generation.models import load_tokenizer
from lowres_code.judge import Judge
from lowres_code.problem import Problem, Test
from lowres_code.recipe import load_recipe
from lowres_code.recipe.build import load_problems
from lowres_code.runs.directory import RunDirectory
from lowres_code.train.policy import Policy
from lowres_code.train.sft import SftStage
from rich.console import Console

from tests.core.generation.conftest import Handler, Server, server  # noqa: F401 - a fixture

GIVEN: list[dict[str, Any]] = [
    {"question": "two", "answer": 2, "program": "solve(2).\n", "reasoning": "It is two."},
    {"question": "three", "answer": 3, "program": "solve(X) :- X is 1 + 2."},
    {"question": "four", "answer": 4, "program": "solve(5).", "reasoning": "Wrong."},
    {"question": "five", "answer": 5, "program": "solve(5"},
    {"question": "six", "answer": 6},
    {"question": "seven", "answer": 7, "program": " "},
]


def stage_of(folder: Path, judge: Judge, problems: list[Problem], **sft: Any) -> SftStage:
    tables = {"prompt": {"shots": 0, "system": "", "template": "Write: {question}"}, **sft}
    sets = [f"sft.{key}={json.dumps(value)}" for key, value in tables.items() if key != "prompt"]
    sets += [f"sft.prompt.{key}={json.dumps(value)}" for key, value in tables["prompt"].items()]
    recipe = load_recipe(Path(__file__).parents[3] / "recipes" / "quickstart.toml", sets)
    assert recipe.sft
    run = RunDirectory.create(folder / "run", recipe, {})
    policy, tokenizer = Policy(recipe.model, None), load_tokenizer(recipe.model)
    return SftStage(recipe.sft, run, recipe, judge, policy, tokenizer, problems, 0, Console(quiet=True))


def counts(folder: Path) -> dict[str, int]:
    read: dict[str, int] = json.loads((folder / "run" / "sft" / "round-1" / "counts.json").read_text())
    return read


def written(folder: Path) -> Path:
    file = folder / "given.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in GIVEN))
    return file


def test_given_programs_are_judged_and_the_wrong_ones_left_out_and_counted(tmp_path: Path, judge: Judge) -> None:
    table = {"source": "file", "path": str(written(tmp_path)), "size": 9}
    recipe = tmp_path / "r.toml"
    recipe.write_text(
        '[model]\nname = "pocket"\n[data.train]\n' + "".join(f"{k} = {json.dumps(v)}\n" for k, v in table.items())
        + "[data.eval]\nsize = 1\n"
    )  # fmt: skip
    problems = load_problems(load_recipe(recipe).data.train, "train")
    stage = stage_of(tmp_path, judge, problems, source="programs", samples=5)
    examples = {example.prompt[-1]["content"]: example.completion for example in stage._examples(1)}
    assert examples == {
        "Prolog: two": "<reasoning>\nIt is two.\n</reasoning>\n<code>\nsolve(2).\n</code>",
        "Prolog: three": "<code>\nsolve(X) :- X is 1 + 2.\n</code>",
    }
    told = counts(tmp_path)
    assert (told["samples"], told["wrong"], told["learned"], told["missing"]) == (4, 2, 2, 0)


def test_columns_of_a_data_set_hold_programs(tmp_path: Path) -> None:
    rows = [{"q": "two", "a": 2, "code": "solve(2).", "why": "So."}]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    recipe = tmp_path / "r.toml"
    recipe.write_text(
        '[model]\nname = "pocket"\n[data.train]\nsource = "dataset"\npath = "json"\ndata_files = "rows.jsonl"\n'
        'question = "q"\nanswer = "a"\nprogram = "code"\nreasoning = "why"\nsize = 1\n[data.eval]\nsize = 1\n'
    )
    [problem] = load_problems(load_recipe(recipe).data.train, "train")
    assert problem.metadata == {"program": "solve(2).", "reasoning": "So."}


def test_no_program_at_all_is_told(tmp_path: Path, judge: Judge) -> None:
    with pytest.raises(UsageError, match=r"no problem of data\.train has a program"):
        stage_of(tmp_path, judge, [Problem("a", "q", (Test("1"),))], source="programs")


def test_a_stronger_model_writes_behind_an_endpoint(tmp_path: Path, judge: Judge, server: Server) -> None:  # noqa: F811
    def behave(handler: Handler, before: int) -> None:
        handler.say("<think>Hm.</think>Sure:\n```prolog\nsolve(2).\n```\nThat is all.")

    server.behave = behave
    problems = [Problem(name, name, (Test(answer),)) for name, answer in (("two", "2"), ("three", "3"))]
    stage = stage_of(tmp_path, judge, problems, source="endpoint", url=server.url, served="m", samples=3)
    [example] = stage._examples(1)
    assert (example.problem, example.completion) == ("two", "<code>\nsolve(2).\n</code>")
    assert example.prompt[-1]["content"] == "Prolog: two"
    assert {body["messages"][-1]["content"] for _, body in server.requests} == {"Write: two", "Write: three"}
    told = counts(tmp_path)
    assert (told["samples"], told["wrong"], told["repeated"], told["learned"]) == (6, 3, 2, 1)
    asked = len(server.requests)
    assert stage._examples(1) == [example] and len(server.requests) == asked == 6
    recorded = list(read_json_lines(tmp_path / "run" / "sft" / "round-1" / "samples.jsonl"))
    assert len(recorded) == 6


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"source": "endpoint"}, "needs url"),
        ({"source": "endpoint", "url": "localhost", "served": "m"}, "needs url"),
        ({"url": "http://x/v1", "served": "m"}, "not 'model'"),
        ({"source": "modle"}, "must be 'model', 'programs' or 'endpoint'"),
    ],
)
def test_half_a_source_is_refused(keys: dict[str, str], said: str, tmp_path: Path, judge: Judge) -> None:
    with pytest.raises(UsageError, match=said):
        stage_of(tmp_path, judge, [], **keys)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("optim", "adamw_nonsense", r"\[sft.train\] is refused by TRL"),
        ("lr_scheduler_type", "cosine_with_min_lr", r"\[sft.train\] cannot be used: a trial step .*min_lr"),
        ("use_liger_kernel", True, "sft.train.use_liger_kernel: needs liger-kernel"),
    ],
)
def test_what_trl_refuses_is_refused_before_samples_are_drawn(
    key: str, value: object, said: str, tmp_path: Path, judge: Judge
) -> None:
    with pytest.raises(UsageError, match=said):
        stage_of(tmp_path, judge, [Problem("a", "q", (Test("1"),))], **{f"train.{key}": value})
