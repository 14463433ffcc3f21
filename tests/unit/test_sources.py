"""Problems from files and data sets: what is refused, which are chosen, and where files are looked for."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest
import tomli_w
from lowres_code.errors import UsageError
from lowres_code.problem import Problem, Test
from lowres_code.recipe import DataTable, find_recipe, load_recipe
from lowres_code.recipe.build import load_problems
from lowres_code.sources.choice import choose, spread
from lowres_code.sources.data_sets import Dataset, File

GOOD = {"question": "q", "answer": "1"}


def written(path: Path, *rows: object, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding=encoding)
    return path


def from_file(path: Path, **options: object) -> list[Problem]:
    return File().load({"path": str(path), **options}, "eval", 1000, 0)


def from_data_set(rows: Path, **options: object) -> list[Problem]:
    return Dataset().load({"path": "json", "data_files": str(rows), **options}, "train", 1000, 0)


# What is a problem


def test_rows_of_a_data_set_are_problems(tmp_path: Path) -> None:
    rows = written(
        tmp_path / "d.jsonl",
        {"q": " How much? ", "a": "So much.\n#### 1,200", "kind": "money", "level": 3},
        {"q": "And now?", "a": "1 #### 2 #### x ", "kind": None, "level": 4},
    )
    found = from_data_set(rows, question="q", answer="a", answer_after="####", task="kind", difficulty="level")
    assert sorted(found, key=lambda problem: problem.id) == [
        Problem("json-train-0", "How much?", (Test("1,200"),), "money", difficulty="3"),
        Problem("json-train-1", "And now?", (Test("x"),), difficulty="4"),
    ]


NO_PROBLEMS = [
    {"question": "q", "answer": None},
    {"question": None, "answer": "1"},
    {"question": " ", "answer": "1"},
    {"question": "q", "answer": ""},
    {"question": "q", "answer": ["42"]},
    {"question": "q", "answer": {"value": 42}},
    {"question": ["q"], "answer": "1"},
    {"question": "q", "answer": True},
]


@pytest.mark.parametrize("row", NO_PROBLEMS, ids=map(str, NO_PROBLEMS))
def test_the_same_is_refused_in_a_file_and_in_a_data_set(row: dict[str, object], tmp_path: Path) -> None:
    rows = written(tmp_path / "d.jsonl", row)
    with pytest.raises(UsageError, match=r"d\.jsonl:1: "):
        from_file(rows)
    with pytest.raises(UsageError, match="row 1: "):
        from_data_set(rows)


def test_bytes_are_no_answer(tmp_path: Path) -> None:
    import datasets

    datasets.Dataset.from_list([{"question": "q", "answer": b"42"}]).to_parquet(str(tmp_path / "d.parquet"))
    with pytest.raises(UsageError, match="row 1: 'answer' must be text or a number, not b'42'"):
        from_data_set(tmp_path / "d.parquet", path="parquet")


def test_all_bad_rows_are_counted_and_five_are_named(tmp_path: Path) -> None:
    rows = written(tmp_path / "d.jsonl", GOOD, *[{"question": f"q{n}", "answer": ""} for n in range(7)])
    with pytest.raises(UsageError) as refused:
        from_data_set(rows)
    lines = str(refused.value).splitlines()
    assert [line.partition(", row ")[2][:3] for line in lines] == ["2: ", "3: ", "4: ", "5: ", "6: ", ""]
    assert lines[5] == "and 2 more of 8 rows"


@pytest.mark.parametrize("source", [from_file, from_data_set])
def test_bad_rows_are_left_out_if_that_is_asked_for_and_not_silently(
    source: object, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert callable(source)
    rows = written(tmp_path / "d.jsonl", GOOD, {"question": "r", "answer": ""}, {"question": "s", "answer": ""})
    with caplog.at_level(logging.WARNING):
        assert [problem.question for problem in source(rows, skip_bad=True)] == ["q"]
    (said,) = caplog.messages
    assert "2 of 3 rows are left out; the first: " in said


def test_a_user_is_told_once_on_standard_error_what_is_left_out(tmp_path: Path) -> None:
    rows = written(tmp_path / "d.jsonl", GOOD, {"question": "r"})
    program = (
        "from lowres_code.sources.data_sets import File\n"
        f"print(len(File().load({{'path': {str(rows)!r}, 'skip_bad': True}}, 'eval', 9, 0)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"
    assert [line.partition(": ")[2][:31] for line in done.stderr.splitlines()] == ["1 of 2 rows are left out; the f"]


def test_a_missing_marker_is_told_with_its_row(tmp_path: Path) -> None:
    rows = written(
        tmp_path / "d.jsonl", {"question": "q", "answer": "#### 1"}, {"question": "r", "answer": "so it is 2"}
    )
    with pytest.raises(UsageError, match=r"row 2: there is no '####' \(answer_after\) in the answer 'so it is 2'"):
        from_data_set(rows, answer_after="####")


@pytest.mark.parametrize("key", ["question", "answer", "task", "difficulty"])
def test_a_wrong_column_is_told_with_those_that_are_there_and_the_key_to_set(key: str, tmp_path: Path) -> None:
    rows = written(tmp_path / "d.jsonl", GOOD)
    with pytest.raises(UsageError, match=rf"no column 'text'.* question, answer: .* data\.train\.{key} = "):
        from_data_set(rows, **{key: "text"})


@pytest.mark.parametrize("source", [from_file, from_data_set])
def test_a_byte_order_mark_is_read_everywhere(source: object, tmp_path: Path) -> None:
    assert callable(source)
    assert [p.question for p in source(written(tmp_path / "d.jsonl", GOOD, encoding="utf-8-sig"))] == ["q"]


def test_a_recipe_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text('extends = "quickstart"\n', encoding="utf-8-sig")
    assert load_recipe(path).model.name == "pocket"


# Which are chosen


def test_every_prefix_of_a_mixture_holds_each_stream_in_proportion() -> None:
    weights = {"a": 3, "b": 3, "c": 1, "d": 5}
    mixed = list(islice(spread([(w, iter([name] * 100)) for name, w in weights.items()], seed=0), 120))
    for size in range(1, 121):
        there = Counter(mixed[:size])
        for name, weight in weights.items():
            assert abs(there[name] - size * weight / 12) <= 1, (size, name)
    assert Counter(mixed) == {"a": 30, "b": 30, "c": 10, "d": 50}


def test_a_stream_that_ends_leaves_its_place_and_one_of_weight_0_has_none() -> None:
    assert Counter(spread([(1, "aa"), (1, "bbbbb"), (0, "ccc")], seed=0)) == {"a": 2, "b": 5}


def test_the_seed_says_who_comes_first_where_streams_are_level() -> None:
    firsts = {next(spread([(1, name) for name in "abcd"], seed)) for seed in range(50)}
    assert firsts == set("abcd")


def problems_of(tasks: dict[str, int]) -> list[Problem]:
    return [
        Problem(f"{task}{n}", f"{task}{n}", (Test("1"),), task) for task, size in tasks.items() for n in range(size)
    ]


def test_a_choice_holds_each_task_in_proportion() -> None:
    chosen = choose(problems_of({"rare": 10, "common": 90}), 20, seed=4)
    assert Counter(problem.task for problem in chosen) == {"common": 18, "rare": 2}
    assert len({problem.id for problem in chosen}) == 20
    assert chosen == choose(problems_of({"rare": 10, "common": 90}), 20, seed=4)
    assert {p.id for p in chosen} != {p.id for p in choose(problems_of({"rare": 10, "common": 90}), 20, seed=5)}


def test_all_are_chosen_if_there_are_no_more() -> None:
    there = problems_of({"a": 3, "b": 5})
    assert sorted(problem.id for problem in choose(there, 9, 0)) == sorted(problem.id for problem in there)


def table(path: Path, **keys: object) -> DataTable:
    return DataTable.model_validate({"source": "file", "size": 5, "path": str(path), **keys})


def test_a_run_s_seed_chooses_training_problems_and_never_those_held_out(tmp_path: Path) -> None:
    rows = written(tmp_path / "d.jsonl", *({"question": f"q{n}", "answer": n} for n in range(100)))

    def chosen(part: str, run_seed: int, **keys: object) -> list[str]:
        assert part in ("train", "eval")
        return [p.id for p in load_problems(table(rows, **keys), "train" if part == "train" else "eval", run_seed)]

    assert chosen("eval", 1) == chosen("eval", 2) == chosen("eval", 1, seed=0)
    assert chosen("train", 1) != chosen("train", 2)
    assert chosen("train", 1) == chosen("eval", 0, seed=1)
    assert chosen("train", 1, seed=7) == chosen("train", 2, seed=7)
    assert chosen("eval", 1, seed=7) != chosen("eval", 1)


# Where files are looked for

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
    for name in ("quickstart", "prolog/qwen2.5-coder-1.5b"):
        path = find_recipe(name)
        assert str(path.parent) not in load_recipe(path, seen_from=path.parent).model_dump_json()
