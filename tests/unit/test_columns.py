"""One mapping from columns to problems for every format and source: what is read, refused, left out and held out."""

from __future__ import annotations

import csv
import functools
import gzip
import http.server
import json
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lowres_code.appended import Appended
from lowres_code.errors import UsageError
from lowres_code.problem import Problem, Test
from lowres_code.recipe import load_recipe
from lowres_code.sources.data_sets import Dataset, File
from pydantic import ValidationError

Rows = list[dict[str, Any]]

ROWS: Rows = [
    {"nr": "p1", "q": " How much? ", "a": "So much.\n#### 1,200", "kind": "money", "level": "3", "gold": "x = 1"},
    {"nr": "p2", "q": "And now?", "a": "1 #### 2 #### x ", "kind": "", "level": "4", "gold": ""},
]
NAMES = {"id": "nr", "question": "q", "answer": "a", "task": "kind", "difficulty": "level", "program": "gold"}


def json_lines(path: Path, rows: Rows) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def comma_separated(path: Path, rows: Rows) -> Path:
    with gzip.open(path, "wt", newline="") if path.suffix == ".gz" else path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter="\t" if ".tsv" in path.name else ",")
        writer.writeheader()
        writer.writerows(rows)
    return path


def parquet(path: Path, rows: Rows) -> Path:
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


@pytest.mark.parametrize(
    ("row", "answer", "said"),
    [
        ({"question": "q", "answer": None}, None, "r.jsonl:2: 'answer' is null"),
        ({"question": None, "answer": 1}, None, "r.jsonl:2: 'question' is null"),
        ({"question": "q", "gold": None}, "gold", "r.jsonl:2: 'gold' is null"),
        ({"question": "q", "answer": None, "tests": None}, None, "r.jsonl:2: 'answer' and 'tests' are null"),
    ],
)
def test_what_is_null_is_not_missing(row: dict[str, Any], answer: str | None, said: str, tmp_path: Path) -> None:
    file = json_lines(tmp_path / "r.jsonl", [{"question": "a", "answer": 1, "gold": 1}, row])
    with pytest.raises(UsageError) as told:
        File().problems(File.options(path=str(file), answer=answer), "train", 9, 0)
    assert str(told.value) == f"{tmp_path}/{said}"


def test_a_null_beside_what_is_right_is_as_good_as_absent(tmp_path: Path) -> None:
    tests = [{"stdout": "2"}]
    file = json_lines(tmp_path / "r.jsonl", [{"question": "q", "answer": None, "tests": tests, "task": None}])
    (problem,) = File().problems(File.options(path=str(file)), "train", 9, 0)
    assert problem.tests == (Test(expected="2"),)


WRITERS = {
    "d.jsonl": json_lines,
    "d.csv": comma_separated,
    "d.tsv": comma_separated,
    "d.csv.gz": comma_separated,
    "d.parquet": parquet,
}
BUILDERS = {"d.jsonl": "json", "d.csv": "csv", "d.parquet": "parquet"}


def from_file(path: Path, part: str = "train", **options: Any) -> list[Problem]:
    assert part in ("train", "eval")
    found = File().load({"path": str(path), **options}, "train" if part == "train" else "eval", 10_000, 0)
    return sorted(found, key=lambda problem: problem.id)


def from_data_set(path: Path, **options: Any) -> list[Problem]:
    given = {"path": BUILDERS[path.name], "data_files": str(path), **options}
    return sorted(Dataset().load(given, "train", 10_000, 0), key=lambda problem: problem.id)


# What is read


@pytest.mark.parametrize("name", WRITERS)
def test_one_mapping_reads_the_same_problems_from_every_format(name: str, tmp_path: Path) -> None:
    rows = WRITERS[name](tmp_path / name, ROWS)
    expected = [
        Problem("p1", "How much?", (Test("1,200"),), "money", {"program": "x = 1"}, "3"),
        Problem("p2", "And now?", (Test("x"),), difficulty="4"),
    ]
    assert from_file(rows, answer_after="####", **NAMES) == expected
    if name in BUILDERS:
        assert from_data_set(rows, answer_after="####", **NAMES) == expected


@pytest.mark.parametrize("name", BUILDERS)
def test_columns_that_are_called_as_keys_need_no_naming(name: str, tmp_path: Path) -> None:
    rows = WRITERS[name](tmp_path / name, [{"id": "a", "question": "q", "answer": "1", "task": "t", "difficulty": "d"}])
    expected = [Problem("a", "q", (Test("1"),), "t", difficulty="d")]
    assert from_file(rows) == from_data_set(rows) == expected


def test_several_tests_stand_in_a_cell_as_json(tmp_path: Path) -> None:
    tests = [{"stdin": "1 2", "stdout": "3"}, {"stdout": "0"}]
    for name in ("d.csv", "d.jsonl"):
        rows = WRITERS[name](tmp_path / name, [{"question": "add", "tests": json.dumps(tests)}])
        (problem,) = from_file(rows)
        assert problem.tests == (Test("3", "1 2"), Test("0"))
    parquet(tmp_path / "d.parquet", [{"question": "add", "tests": [{"stdin": "1 2", "stdout": "3"}]}])
    assert (
        from_file(tmp_path / "d.parquet")[0].tests
        == from_data_set(tmp_path / "d.parquet")[0].tests
        == (Test("3", "1 2"),)
    )


def test_naming_one_of_answer_and_tests_puts_the_other_aside(tmp_path: Path) -> None:
    both = {"question": "q", "answer": "1", "tests": [{"stdout": "2"}]}
    rows = json_lines(tmp_path / "d.jsonl", [both])
    assert from_file(rows, answer="answer")[0].tests == (Test("1"),)
    assert from_file(rows, tests="tests")[0].tests == (Test("2"),)
    with pytest.raises(UsageError, match="has both 'answer' and 'tests'"):
        from_file(rows)


def test_a_dot_leads_into_an_object(tmp_path: Path) -> None:
    rows = json_lines(tmp_path / "d.jsonl", [{"question": "q", "doc": {"target": 7}}])
    assert from_file(rows, answer="doc.target")[0].tests == (Test("7"),)
    assert from_data_set(rows, answer="doc.target")[0].tests == (Test("7"),)


def test_the_answer_is_the_last_match_of_a_pattern_or_of_its_group(tmp_path: Path) -> None:
    text = r"first \boxed{1}, then \boxed{ 23 } apples"
    rows = json_lines(tmp_path / "d.jsonl", [{"question": "q", "answer": text}])
    assert from_file(rows, answer_pattern=r"\\boxed\{(.*?)\}")[0].tests == (Test("23"),)
    assert from_file(rows, answer_pattern=r"\d+")[0].tests == (Test("23"),)
    with pytest.raises(UsageError, match=r"d\.jsonl:1: there is no 'pears' \(answer_pattern\) in the answer"):
        from_file(rows, answer_pattern="pears")


@pytest.mark.parametrize(("pattern", "said"), [("(", "not a regular expression"), ("(a)(b)", "has 2 groups")])
def test_a_pattern_that_cannot_be_is_refused_with_the_recipe(pattern: str, said: str, tmp_path: Path) -> None:
    recipe = tmp_path / "r.toml"
    recipe.write_text('extends = "quickstart"\n[data.eval]\nsource = "file"\npath = "d.csv"\n')
    with pytest.raises(UsageError, match=rf"data\.eval\.answer_pattern: {said}"):
        load_recipe(recipe, [f"data.eval.answer_pattern='{pattern}'"])


def test_a_pattern_that_never_ends_is_stopped(tmp_path: Path) -> None:
    rows = json_lines(tmp_path / "d.jsonl", [{"question": "q", "answer": "a" * 5000 + "!"}])
    with pytest.raises(UsageError, match=r"d\.jsonl:1: answer_pattern .* takes over 1 s"):
        from_file(rows, answer_pattern=r"(?:a|a)*[bc]")


def test_a_mark_and_a_pattern_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="leave one out"):
        from_file(tmp_path / "d.jsonl", answer_pattern="x", answer_after="y")


def test_a_benchmark_of_code_to_be_appended(tmp_path: Path) -> None:
    """The columns of MultiPL-E, of which some have the names of keys of our own."""
    prompt = "-- Adds.\nlocal function add(a, b)\n"
    row = {
        "name": "HumanEval_0",
        "language": "lua",
        "prompt": prompt,
        "doctests": "transform",
        "tests": "assert(add(1, 2) == 3)",
        "stop_tokens": ["\nlocal"],
    }
    names = {"id": "name", "question": "prompt", "append": "tests", "prefix": "prompt"}
    for name in ("d.jsonl", "d.parquet"):
        rows = WRITERS[name](tmp_path / name, [row])
        for source in (from_file, from_data_set):
            (problem,) = source(rows, **names)
            assert (problem.id, problem.question) == ("HumanEval_0", "-- Adds.\nlocal function add(a, b)")
            test, control = (test.appended for test in problem.tests)
            assert test == Appended("assert(add(1, 2) == 3)", prompt)
            assert control == Appended("assert(add(1, 2) == 3)", prompt, control=True)


# What is refused or left out

BAD = {"no answer": "", "a missing mark": "so it is 2"}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("answer", BAD.values(), ids=BAD)
def test_a_bad_row_is_refused_with_its_number_or_left_out_and_counted(
    answer: str, name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = WRITERS[name](tmp_path / name, [{"question": "q", "answer": "#### 1"}, {"question": "r", "answer": answer}])
    sources = [from_file, from_data_set] if name in BUILDERS else [from_file]
    for source in sources:
        with pytest.raises(UsageError, match=r"(:|row )2: "):
            source(rows, answer_after="####")
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            assert [problem.question for problem in source(rows, answer_after="####", skip_bad=True)] == ["q"]
        assert "1 of 2 rows are left out; the first: " in caplog.text


@pytest.mark.parametrize("name", ["d.parquet", "d.jsonl"])
def test_a_null_is_no_answer(name: str, tmp_path: Path) -> None:
    rows = WRITERS[name](tmp_path / name, [{"question": "q", "answer": "1"}, {"question": "r", "answer": None}])
    for source in (from_file, from_data_set):
        with pytest.raises(UsageError, match=r"(:|row )2: 'answer' is null"):
            source(rows, answer="answer")


def test_a_line_that_cannot_be_read_is_a_bad_row_like_others(tmp_path: Path) -> None:
    rows = tmp_path / "d.jsonl"
    rows.write_text('{"question"\n{"question": "q", "answer": "1"}\n[]\n{"question": "q"}\n')
    with pytest.raises(UsageError) as refused:
        from_file(rows)
    assert [line.partition("d.jsonl:")[2][:2] for line in str(refused.value).splitlines()] == ["1:", "3:", "4:"]
    assert len(from_file(rows, skip_bad=True)) == 1


@pytest.mark.parametrize("name", ["d.csv", "d.parquet", "d.jsonl"])
def test_a_wrong_column_is_told_with_those_that_are_there(name: str, tmp_path: Path) -> None:
    rows = WRITERS[name](tmp_path / name, [{"question": "q", "gold": "1"}])
    with pytest.raises(UsageError, match=r"no column 'solution'; .* question, gold: .* data\.train\.answer = "):
        from_file(rows, answer="solution")
    if name != "d.jsonl":  # another row of that might have one
        with pytest.raises(UsageError, match=r"no column 'answer'; .* question, gold: .* data\.train\.answer = "):
            from_file(rows)


def test_what_is_no_table_or_not_there_is_told(tmp_path: Path) -> None:
    (tmp_path / "d.docx").write_text("x")
    with pytest.raises(UsageError, match=r"d\.docx' is of no format that can be read; those are \.jsonl"):
        from_file(tmp_path / "d.docx")
    with pytest.raises(UsageError, match=r"there is no data file '.*none\.csv'"):
        from_file(tmp_path / "none.csv")
    with pytest.raises(UsageError, match=r"data_files of source \"dataset\""):
        File().load({"path": "https://example.org/d.csv"}, "train", 1, 0)


# Several files


def test_a_pattern_names_several_files_whose_rows_keep_apart(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        json_lines(tmp_path / folder / "part.v1.jsonl", [{"question": folder, "answer": 1}])
    json_lines(tmp_path / "c[1].jsonl", [{"question": "c", "answer": 1}])
    found = from_file(tmp_path / "*" / "part*.jsonl")
    assert [(problem.id, problem.question) for problem in found] == [("a/part.v1-1", "a"), ("b/part.v1-1", "b")]
    assert [problem.id for problem in from_file(tmp_path / "c[1].jsonl")] == ["c[1]-1"]


def test_a_table_may_stand_behind_a_url(tmp_path: Path) -> None:
    pytest.importorskip("aiohttp", reason="fsspec[http] is not installed")
    parquet(tmp_path / "d.parquet", [{"question": "q", "answer": 1}])
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        program = (
            "from lowres_code.sources.data_sets import Dataset\n"
            f"url = 'http://127.0.0.1:{server.server_port}/d.parquet'\n"
            "found = Dataset().load({'path': 'parquet', 'data_files': url}, 'train', 9, 0)\n"
            "print([(problem.question, problem.tests[0].expected) for problem in found])"
        )
        environment = {
            **os.environ,
            "HF_HUB_OFFLINE": "0",
            "HF_HOME": str(tmp_path / "cache"),
        }  # this machine is reached
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False
        )
        server.shutdown()
    assert done.stdout == "[('q', '1')]\n", done.stderr
