"""Judging completions that somebody already has, and timing the judge."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from lowres_code.completion import format_completion

Invoke = Callable[..., Result]

ROWS: list[dict[str, object]] = [
    {"id": "right", "program": "solve(X) :- X is 6 * 7.", "answer": "42"},
    {"id": "comma", "program": "solve(1200).", "answer": "$1,200"},
    {"id": "wrong", "completion": format_completion("Guess.", "solve(41)."), "answer": 42},
    {"id": "fenced", "completion": "So:\n```prolog\nsolve(42).\n```\n", "answer": "42"},
    {"id": "silent", "completion": "I do not know.", "answer": "42"},
    {"id": "broken", "program": "solve(X) :- X is 6 *.", "answer": "42"},
    {
        "program": "solve(X) :- read(Y), X is 2 * Y.",
        "tests": [{"stdin": "1.", "stdout": "2"}, {"stdin": "2.", "stdout": "4"}],
    },
    {
        "program": "solve(X) :- read(_), X = 2.",
        "tests": [{"stdin": "1.", "stdout": "2"}, {"stdin": "2.", "stdout": "4"}],
    },
]
VERDICTS = {"correct": 4, "wrong_answer": 2, "no_code": 1, "syntax_error": 1}


def write(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_each_row_has_its_verdict(tmp_path: Path, invoke: Invoke) -> None:
    file, out = write(tmp_path / "rows.jsonl", ROWS), tmp_path / "out.jsonl"
    done = invoke("score", file, "--lang", "prolog", "--json", "--out", out)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {"n": 8, "verdicts": VERDICTS}
    results = [json.loads(line) for line in out.read_text().splitlines()]
    assert [result["id"] for result in results] == ["right", "comma", "wrong", "fenced", "silent", "broken", "7", "8"]
    assert [result["verdict"] for result in results] == [
        *("correct", "correct", "wrong_answer", "correct", "no_code", "syntax_error", "correct", "wrong_answer"),
    ]
    assert results[2]["answer"] == "41"
    assert "Syntax error" in results[5]["diagnostics"][0]
    assert "no program: neither <code>" in results[4]["diagnostics"][0]


def test_the_table_for_people(tmp_path: Path, invoke: Invoke) -> None:
    done = invoke("score", write(tmp_path / "rows.jsonl", ROWS), "--lang", "prolog")
    assert "correct" in done.stdout
    assert "50.0%" in done.stdout
    assert "8 rows" in done.stdout


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"answer": "1"}], "rows.jsonl:1: needs 'program' or 'completion'"),
        ([{"program": "solve(1).", "answer": "1"}, {"program": "solve(1)."}], "rows.jsonl:2: needs 'answer'"),
        ([{"programm": "solve(1).", "answer": "1"}], "for 'programm' did you mean 'program'?"),
        ([{"program": "solve(1).", "completion": "x", "answer": "1"}], "has both 'program' and 'completion'"),
    ],
)
def test_a_row_that_lacks_something_is_named(
    rows: list[dict[str, object]], said: str, tmp_path: Path, invoke: Invoke
) -> None:
    done = invoke("score", write(tmp_path / "rows.jsonl", rows), "--lang", "prolog")
    assert done.exit_code == 2
    assert said in done.stderr


def test_results_that_are_there_are_not_written_over(tmp_path: Path, invoke: Invoke) -> None:
    out = tmp_path / "out.jsonl"
    out.write_text("precious\n")
    done = invoke("score", write(tmp_path / "rows.jsonl", ROWS), "--lang", "prolog", "--out", out)
    assert done.exit_code == 2
    assert "already there" in done.stderr
    assert out.read_text() == "precious\n"
