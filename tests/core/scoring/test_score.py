"""Judging completions that somebody already has, and timing the judge."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from lowres_code.completion import format_completion

from tests.unit.test_tables import as_csv, as_json_lines, as_parquet

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


def write(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def results(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.read_text().splitlines()]


def test_each_row_has_its_verdict(tmp_path: Path, invoke: Invoke) -> None:
    file, out = write(tmp_path / "rows.jsonl", ROWS), tmp_path / "out.jsonl"
    done = invoke("score", file, "--lang", "prolog", "--json", "--out", out)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {"n": 8, "verdicts": VERDICTS}
    told = results(out)
    assert [result["row"] for result in told] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [result["id"] for result in told] == ["right", "comma", "wrong", "fenced", "silent", "broken", "7", "8"]
    assert [result["verdict"] for result in told] == [
        *("correct", "correct", "wrong_answer", "correct", "no_code", "syntax_error", "correct", "wrong_answer"),
    ]
    assert told[2]["answer"] == "41"
    assert "sample" not in told[0]


def test_a_verdict_says_what_a_failure_was(tmp_path: Path, invoke: Invoke) -> None:
    """What the program printed on standard error, where it failed, what it used; as `run --json` does."""
    rows: list[dict[str, object]] = [
        {"program": "solve(X) :-\n    format(user_error, 'divided by 0', []),\n    X is 1 / 0.", "answer": "42"},
        {"program": "solve(X) :-\n    X is 6 *.", "answer": "42", "task": "products"},
        {"program": "solve(1) :- format(user_error, '~*c~w', [10000, 0'a, end]).", "answer": "1"},
        {"completion": "I do not know.", "answer": "42"},
    ]
    out = tmp_path / "out.jsonl"
    done = invoke("score", write(tmp_path / "rows.jsonl", rows), "--lang", "prolog", "--out", out)
    assert done.exit_code == 0, done.output
    divided, broken, noisy, silent = results(out)
    assert divided["verdict"] == "runtime_error"
    assert "divided by 0" in divided["stderr"]
    assert broken["diagnostics"][0]["line"] == 2
    assert broken["diagnostics"][0]["severity"] == "error"
    assert "Syntax error" in broken["diagnostics"][0]["message"]
    assert broken["task"] == "products"
    assert noisy["stderr"] == "a" * 1997 + "end"
    assert (silent["answer"], silent["isolation"], silent["stderr"]) == (None, None, "")
    assert silent["diagnostics"][0]["message"].startswith("no program: neither <code>")
    assert divided["isolation"] == "namespaces"
    assert divided["wall_s"] > 0
    assert {"cpu_s", "exit_code", "failed_test", "extraction"} <= divided.keys()


def test_how_many_tests_were_passed_is_told(tmp_path: Path, invoke: Invoke) -> None:
    tests = [{"stdin": f"{n}.", "stdout": str(n * n)} for n in range(4)]
    programs = ["solve(X) :- read(N), X is N * N.", "solve(X) :- read(N), X is N.", "solve(5)."]
    rows: list[dict[str, object]] = [{"program": program, "tests": tests} for program in programs]
    rows += [{"program": "solve(5).", "answer": 6}, {"completion": "none", "tests": tests}]
    file = write(tmp_path / "rows.jsonl", rows)
    counts = {}
    for name, options in (("first", ()), ("every", ("--fraction",))):
        done = invoke("score", file, "--lang", "prolog", "--json", "--out", tmp_path / name, *options)
        assert done.exit_code == 0, done.output
        told = results(tmp_path / name)
        counts[name] = [(line["passed"], line["tests"]) for line in told]
        assert [line["failed_test"] for line in told] == [None, 2, 0, 0, None]
        fraction = json.loads(done.stdout).get("fraction")
        assert fraction == {"first": None, "every": (1 + 2 / 4 + 0 + 0 + 0) / 5}[name]
    assert counts["first"] == [(4, 4), (None, 4), (None, 4), (0, 1), (0, 4)]
    assert counts["every"] == [(4, 4), (2, 4), (0, 4), (0, 1), (0, 4)]
    again = invoke("score", file, "--lang", "prolog", "--json", "--out", tmp_path / "every", "--fraction")
    assert json.loads(again.stdout)["fraction"] == 0.3
    other = invoke("score", file, "--lang", "prolog", "--json", "--out", tmp_path / "every")
    assert other.exit_code == 2 and "every_test was" in other.stderr


def test_the_table_for_people(tmp_path: Path, invoke: Invoke) -> None:
    done = invoke("score", write(tmp_path / "rows.jsonl", ROWS), "--lang", "prolog")
    assert "correct" in done.stdout
    assert "50.0%" in done.stdout
    assert "8 rows" in done.stdout


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet", "rows.jsonl.gz"])
def test_other_formats_and_names_give_the_same_verdicts(name: str, tmp_path: Path, invoke: Invoke) -> None:
    rows = [
        {"key": "a", "output": "<code>solve(1).</code>", "gold": "1"},
        {"key": "b", "output": '```prolog\nsolve(X) :-\n  X = "a, b".\n```', "gold": "1,200"},
        {"key": "c", "output": "", "gold": "1"},
    ]
    renaming = ("--column", "completion=output", "--column", "answer=gold", "--column", "id=key")
    file = tmp_path / name
    file.write_bytes({"csv": as_csv, "parquet": as_parquet, "gz": as_gzip}[name.rpartition(".")[2]](rows))
    out = tmp_path / "out.jsonl"
    done = invoke("score", file, "--lang", "prolog", *renaming, "--out", out)
    assert done.exit_code == 0, done.output
    assert [(result["id"], result["verdict"]) for result in results(out)] == [
        *(("a", "correct"), ("b", "wrong_answer"), ("c", "no_code")),
    ]


def as_gzip(rows: list[dict[str, Any]]) -> bytes:
    return gzip.compress(as_json_lines(rows))


def test_samples_of_a_row_give_pass_at_k(tmp_path: Path, invoke: Invoke) -> None:
    rows: list[dict[str, object]] = [
        {"id": "one", "program": ["solve(1).", "solve(2).", "solve(", "solve(1)."], "answer": "1"},
        {"id": "none", "program": ["solve(2).", "solve(2).", "solve(2).", ""], "answer": "1"},
    ]
    out = tmp_path / "out.jsonl"
    done = invoke("score", write(tmp_path / "rows.jsonl", rows), "--lang", "prolog", "--json", "--out", out)
    assert done.exit_code == 0, done.output
    summary = json.loads(done.stdout)
    assert summary["verdicts"] == {"wrong_answer": 4, "correct": 2, "syntax_error": 1, "no_code": 1}
    assert (summary["n"], summary["rows"]) == (8, 2)
    assert [summary[f"pass@{k}"]["value"] for k in (1, 2, 4)] == pytest.approx([1 / 4, (1 - 1 / 6) / 2, 1 / 2])
    assert [(result["id"], result["row"], result["sample"]) for result in results(out)] == [
        *(("one", 1, sample) for sample in (0, 1, 2, 3)),
        *(("none", 2, sample) for sample in (0, 1, 2, 3)),
    ]
    shown = invoke("score", tmp_path / "rows.jsonl", "--lang", "prolog", "--out", out)
    assert "8 samples" in shown.stdout
    assert "pass@4 0.500 [" in shown.stdout


def test_the_form_of_an_answer_counts_where_a_row_says_so(tmp_path: Path, invoke: Invoke) -> None:
    row = {"program": "solve('92/524').", "answer": "23/131", "form": "lowest_terms"}
    file = write(tmp_path / "rows.jsonl", [row, row | {"program": "solve('23/131')."}])
    done = invoke("score", file, "--lang", "prolog", "--json")
    assert json.loads(done.stdout)["verdicts"] == {"wrong_answer": 1, "correct": 1}


GOOD: dict[str, object] = {"program": "solve(1).", "answer": "1"}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"answer": "1"}], "rows.jsonl:1: needs 'program' or 'completion'"),
        ([GOOD, {"program": "solve(1)."}], "rows.jsonl:2: needs 'answer'"),
        ([{"programm": "solve(1).", "answer": "1"}], "for 'programm' did you mean 'program'?"),
        ([{"program": "solve(1).", "completion": "x", "answer": "1"}], "has both 'program' and 'completion'"),
        ([GOOD] * 3 + [{"answer": "1"}] * 7, "and 2 more rows\n3 other rows can be judged: --skip-bad leaves"),
        ([], "rows.jsonl' holds no rows"),
    ],
)
def test_bad_rows_are_named_before_any_is_judged(
    rows: list[dict[str, object]], said: str, tmp_path: Path, invoke: Invoke
) -> None:
    out = tmp_path / "out.jsonl"
    done = invoke("score", write(tmp_path / "rows.jsonl", rows), "--lang", "prolog", "--out", out)
    assert done.exit_code == 2
    assert said in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]


def test_bad_rows_can_be_left_out_and_are_counted(tmp_path: Path, invoke: Invoke) -> None:
    file, out = write(tmp_path / "rows.jsonl", [GOOD, {"answer": "1"}, GOOD]), tmp_path / "out.jsonl"
    with file.open("a") as more:
        more.write("{torn\n" + json.dumps(GOOD) + "\n")
    arguments = ("score", file, "--lang", "prolog", "--skip-bad", "--json", "--out", out)
    done = invoke(*arguments)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {"n": 3, "verdicts": {"correct": 3}, "skipped": 2}
    assert [result["row"] for result in results(out)] == [1, 3, 5]
    assert "rows.jsonl:2: needs 'program'" in done.stderr
    assert "rows.jsonl:4: not JSON" in done.stderr
    out.write_text("".join(out.read_text().splitlines(keepends=True)[:2]))
    assert json.loads(invoke(*arguments).stdout) == {"n": 3, "verdicts": {"correct": 3}, "skipped": 2}
    assert [result["row"] for result in results(out)] == [1, 3, 5]


def test_standard_input_is_judged_up_to_a_bad_row(tmp_path: Path, invoke: Invoke) -> None:
    lines, out = json.dumps(GOOD) + "\n", tmp_path / "out.jsonl"
    done = invoke("score", "-", "--lang", "prolog", "--json", stdin=lines * 3)
    assert json.loads(done.stdout) == {"n": 3, "verdicts": {"correct": 3}}
    broken = invoke("score", "-", "--lang", "prolog", "--json", "--out", out, stdin=lines * 3 + "{}\n" + lines)
    assert broken.exit_code == 2
    assert broken.stdout == ""
    assert "standard input:4: needs 'program'" in broken.stderr
    assert [result["row"] for result in results(out)] == [1, 2, 3]
    skipping = invoke("score", "-", "--lang", "prolog", "--json", "--skip-bad", stdin=lines + "{}\n" + lines)
    assert json.loads(skipping.stdout) == {"n": 2, "verdicts": {"correct": 2}, "skipped": 1}
    assert "standard input:2: needs 'program'" in skipping.stderr
    again = invoke("score", "-", "--lang", "prolog", "--out", out, stdin=lines)
    assert again.exit_code == 2
    assert "already there, and cannot be gone on with" in again.stderr


def test_verdicts_are_in_the_order_of_the_rows_also_behind_a_slow_one(tmp_path: Path, invoke: Invoke) -> None:
    slow: dict[str, object] = {"program": "solve(1) :- sleep(3).", "answer": "1"}
    quick: list[dict[str, object]] = [{"program": f"solve({n}).", "answer": str(n)} for n in range(2, 100)]
    out = tmp_path / "out.jsonl"
    file = write(tmp_path / "rows.jsonl", [slow, *quick])
    assert invoke("score", file, "--lang", "prolog", "--workers", 2, "--out", out).exit_code == 0
    assert [(result["row"], result["answer"]) for result in results(out)] == [(n, str(n)) for n in range(1, 100)]


def test_a_judge_that_may_hold_next_to_nothing_still_judges_all(
    tmp_path: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lowres_code.scoring.score.MOST_WAITING", 1)
    done = invoke("score", write(tmp_path / "rows.jsonl", ROWS), "--lang", "prolog", "--json")
    assert json.loads(done.stdout) == {"n": 8, "verdicts": VERDICTS}


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    """Texts of 120 MB pass through; those without a program are the fastest way to as many."""
    rows = [{"completion": f"{n:9} " * 1000, "answer": "1"} for n in range(12_000)]
    file = tmp_path / "rows.jsonl.gz"
    file.write_bytes(gzip.compress(as_json_lines(rows), 1))
    script = (
        "import sys; from pathlib import Path; from lowres_code.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "finally:\n"
        "    heavy = {'torch', 'transformers', 'datasets', 'pyarrow'} & set(sys.modules)\n"
        "    peak = Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0]\n"
        "    print(heavy or 'light', peak, file=sys.stderr)\n"
    )
    command = [
        sys.executable,
        "-c",
        script,
        "score",
        str(file),
        "--lang",
        "prolog",
        "--out",
        str(tmp_path / "o"),
        "--json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {"n": 12_000, "verdicts": {"no_code": 12_000}}
    heavy, peak_kb = done.stderr.split()[-2:]
    assert heavy == "light"
    assert int(peak_kb) / 1024 < 120
