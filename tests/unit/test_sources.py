"""Problems from files and data sets: what is refused, and what is left out."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest
from lowres_code.errors import UsageError
from lowres_code.problem import Problem, Test
from lowres_code.recipe import load_recipe
from lowres_code.sources.data_sets import Dataset, File

from tests.rows import written

GOOD = {"question": "q", "answer": "1"}


def from_file(path: Path, **options: object) -> list[Problem]:
    return File().load({"path": str(path), **options}, "eval", 1000, 0)


def from_data_set(rows: Path, **options: object) -> list[Problem]:
    return Dataset().load({"path": "json", "data_files": str(rows), **options}, "train", 1000, 0)


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
