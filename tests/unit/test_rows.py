"""Rows of a file: what is judged, against what, under which names; and what is said of a row that cannot be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from lowres_code.appended import Appended
from lowres_code.errors import UsageError
from lowres_code.plugins.manager import plugin_manager
from lowres_code.problem import Test
from lowres_code.scoring.rows import BadRows, Columns, Row, open_rows

FENCES = ("prolog",)


def read(
    tmp_path: Path,
    *rows: dict[str, Any] | str,
    columns: tuple[str, ...] = (),
    name: str = "r.jsonl",
    language: str = "prolog",
) -> list[Any]:
    """The rows of a file; of those that cannot be judged what is said of them behind the name of the file."""
    path = tmp_path / name
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    with open_rows(path, Columns.parse(columns), plugin_manager().languages[language].thing) as read:
        return [str(row).removeprefix(str(path)) if isinstance(row, UsageError) else row for row in read]


def test_a_row_with_a_program(tmp_path: Path) -> None:
    row = {"id": "a", "task": "gcd", "program": "solve(1).", "answer": 1, "query": "solve(X)", "note": "kept out"}
    assert read(tmp_path, row) == [
        Row(1, "a", "gcd", ("solve(1).",), True, False, (Test(expected="1", query="solve(X)"),))
    ]


def test_a_row_of_code_to_be_appended(tmp_path: Path) -> None:
    line = {"program": "x", "prompt": "function f()\n", "tests": "assert(f() == 1)"}
    (row,) = read(tmp_path, line, columns=("append=tests", "prefix=prompt"), language="lua")
    assert [test.appended for test in row.tests] == [
        Appended("assert(f() == 1)", "function f()\n"),
        Appended("assert(f() == 1)", "function f()\n", control=True),
    ]


@pytest.mark.parametrize(
    ("row", "columns", "said"),
    [
        ({"program": "p.", "answer": None}, (), "'answer' is null"),
        ({"program": "p.", "answer": None, "tests": None, "task": None}, (), "'answer' and 'tests' are null"),
        ({"program": None, "answer": 1}, (), "'program' is null"),
        ({"program": "p.", "gold": None}, ("answer=gold",), "'gold' is null ('answer' is column 'gold')"),
        ({"program": "p.", "doc": {"gold": None}}, ("answer=doc.gold",), "'doc.gold' is null"),
        ({"program": "p.", "doc": None}, ("answer=doc.gold",), "'doc.gold' is null"),
        ({"program": "p.", "task": None}, (), "needs 'answer' or 'tests' or 'append'"),
    ],
)
def test_what_is_null_is_not_missing(row: dict[str, Any], columns: tuple[str, ...], said: str, tmp_path: Path) -> None:
    good = {"program": "p.", "answer": 1, "gold": 1, "doc": {"gold": 1}}
    _, told = read(tmp_path, good, row, columns=columns)
    assert told.startswith(f":2: {said}")
    assert "--column" not in told or "needs" in said


def test_a_row_that_asks_a_query_of_a_language_without_them_is_named(tmp_path: Path) -> None:
    rows = [{"program": "print(1)", "answer": 1, "q": query} for query in (None, "solve(X)")]
    good, said = read(tmp_path, *rows, columns=("query=q",), language="lua")
    assert isinstance(good, Row)
    assert said.startswith(":2 asks the query 'solve(X)', but Lua has no queries")
    assert said.endswith("('query' is column 'q')")


def test_a_row_with_samples_and_tests(tmp_path: Path) -> None:
    row = {"completion": ["<code>a.</code>", ""], "tests": [{"stdin": "1", "stdout": "2"}]}
    (read_row,) = read(tmp_path, row)
    assert read_row == Row(1, "1", "", ("<code>a.</code>", ""), False, True, (Test(expected="2", stdin="1"),))
    assert [read_row.completion(sample, FENCES).program for sample in (0, 1)] == ["a.\n", None]


def test_a_program_is_taken_as_it_is_and_blank_text_is_none(tmp_path: Path) -> None:
    (row,) = read(tmp_path, {"program": ["```prolog\na.\n```", " \n"], "answer": "1"})
    assert [row.completion(sample, FENCES).program for sample in (0, 1)] == ["```prolog\na.\n```", None]


@pytest.mark.parametrize("empty", [None, ""])
def test_what_is_null_or_empty_is_not_there(empty: str | None, tmp_path: Path) -> None:
    row = {"id": empty, "task": empty, "query": empty, "completion": "x", "program": empty, "answer": 5, "tests": empty}
    assert read(tmp_path, row) == [Row(1, "1", "", ("x",), False, False, (Test(expected="5"),))]


def test_an_empty_cell_is_a_sample_without_a_program(tmp_path: Path) -> None:
    rows = read(tmp_path, "answer,completion,program", "1,,", "2,,solve(2).", "3,solve,", name="r.csv")
    assert [(row.texts, row.are_programs) for row in rows] == [
        (("",), True),
        (("solve(2).",), True),
        (("solve",), False),
    ]
    assert rows[0].completion(0, FENCES).program is None


def test_tests_may_be_json_in_a_cell(tmp_path: Path) -> None:
    tests = '"[{""stdin"": ""1"", ""stdout"": ""2""}]"'
    (row, bad) = read(tmp_path, "program,tests", f"solve(1).,{tests}", "solve(1).,[1", name="r.csv")
    assert row.tests == (Test(expected="2", stdin="1"),)
    assert bad.startswith(": row 2: 'tests' must be a list, or JSON of one: ")


BAD: list[tuple[dict[str, Any], str]] = [
    (
        {"text": "x", "answer": "1"},
        "needs 'program' or 'completion'; it has 'answer', 'text'; name yours with --column program=COLUMN",
    ),
    ({}, "needs 'program' or 'completion'; it has no columns; "),
    ({"programm": "x", "answer": "1"}, "'programm'; for 'programm' did you mean 'program'?; name yours"),
    ({"program": "x", "target": 1}, "needs 'answer' or 'tests' or 'append'; it has 'program', 'target'; name yours"),
    ({"program": "x", "answer": None}, "'answer' is null"),
    ({"program": "x", "completion": "y", "answer": 1}, "has both 'program' and 'completion'; one of them"),
    ({"program": "x", "answer": 1, "tests": [{"stdout": "1"}]}, "has both 'answer' and 'tests'"),
    ({"program": 5, "answer": "1"}, "'program' must be text, or a list of texts, not '5'"),
    ({"program": ["a", None], "answer": "1"}, "'program' must be text, or a list of texts, not 'None'"),
    ({"completion": [], "answer": "1"}, "'completion' is an empty list"),
    ({"completion": [{"role": "assistant"}], "answer": "1"}, "not \"{'role': 'assistant'}\""),
    ({"program": "x", "answer": ["1"]}, "'answer' must be text or a number, not ['1']"),
    ({"program": "x", "answer": "1", "id": ["a"]}, "'id' must be text or a number"),
    ({"program": "x", "answer": "1", "task": True}, "'task' must be text or a number"),
]


@pytest.mark.parametrize(("row", "said"), BAD, ids=range(len(BAD)))
def test_a_row_that_cannot_be_judged_is_named(row: dict[str, Any], said: str, tmp_path: Path) -> None:
    good = {"program": "solve(1).", "answer": "1"}
    first, bad, last = read(tmp_path, good, row, good)
    assert (first.number, last.number) == (1, 3)
    assert bad.startswith(":2: ")
    assert said in bad


def test_hostile_column_names_are_shortened(tmp_path: Path) -> None:
    (bad,) = read(tmp_path, {f"{n:06}{'program' * 20_000}": 1 for n in range(200)})
    assert len(bad) < 6000


def test_foreign_names(tmp_path: Path) -> None:
    row = {"output": "solve(1).", "doc": {"target": 7, "a": {"b": "set"}}, "x.y": "q"}
    columns = ("program=output", "answer=doc.target", "task=doc.a.b", "query=x.y")
    assert read(tmp_path, row, columns=columns) == [
        Row(1, "1", "set", ("solve(1).",), True, False, (Test(expected="7", query="q"),))
    ]


def test_one_of_a_pair_that_is_renamed_puts_the_other_aside(tmp_path: Path) -> None:
    row = {"program": "<code>solve(1).</code>", "completion": "unused", "answer": "long text", "tests": "12"}
    (read_row,) = read(tmp_path, row, columns=("completion=program", "answer=tests"))
    assert (read_row.texts, read_row.are_programs) == (("<code>solve(1).</code>",), False)
    assert read_row.tests == (Test(expected="12"),)


def test_a_bad_row_says_where_the_names_lead(tmp_path: Path) -> None:
    rows = ({"output": "x", "gold": 1}, {"output": "x", "gold": [1]})
    bad = read(tmp_path, *rows, columns=("program=output", "answer=gold"))[1]
    assert bad == (
        ":2: 'answer' must be text or a number, not [1] ('program' is column 'output', 'answer' is column 'gold')"
    )


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        ("program", "--column program: must be OURS=THEIRS, as in program=output"),
        ("program=", "must be OURS=THEIRS"),
        ("progam=output", "--column progam=output: there is no 'progam'; did you mean 'program'?"),
        (
            "zzz=output",
            "there is no 'zzz'; the nearest of 12: tests, task, query, program, prefix, limits, id, form",
        ),
    ],
)
def test_a_pair_that_is_none_is_said(pair: str, said: str) -> None:
    with pytest.raises(UsageError) as error:
        Columns.parse([pair])
    assert said in str(error.value)


def test_a_name_twice_is_said() -> None:
    with pytest.raises(UsageError, match="'program' is named twice"):
        Columns.parse(["program=a", "program=b"])


@pytest.mark.parametrize(
    ("name", "first"), [("r.jsonl", '{"output": "solve(1).", "gold": 1}'), ("r.csv", "output,gold\nsolve(1).,1")]
)
def test_a_foreign_name_that_is_not_there_is_said_with_those_that_are(name: str, first: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        read(tmp_path, first, columns=("program=out", "answer=gold"), name=name)
    assert str(error.value) == f"{tmp_path / name}: has no column 'out' (--column program=out); it has 'gold', 'output'"


def test_a_table_without_a_column_that_is_needed_is_said_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        read(tmp_path, "output,answer", "a,1", "b,2", name="r.csv")
    assert str(error.value) == (
        f"{tmp_path / 'r.csv'}: needs a column 'program' or 'completion'; it has 'answer', 'output'; "
        "name yours with --column program=COLUMN"
    )


def test_bad_rows_are_counted_and_the_first_named() -> None:
    bad = BadRows()
    for number in range(1, 1235):
        bad.add(UsageError(f"row {number} " + "x" * 1000))
    lines = bad.message().splitlines()
    assert [line[:6] for line in lines[:5]] == ["row 1 ", "row 2 ", "row 3 ", "row 4 ", "row 5 "]
    assert max(map(len, lines)) < 600
    assert lines[5:] == ["and 1,229 more rows"]
