"""A scoring that was stopped goes on where it was; what is there is never judged twice, written over or mixed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

from tests.core.scoring.test_score import ROWS, results, write

Invoke = Callable[..., Result]


def test_results_that_are_there_are_not_written_over(tmp_path: Path, invoke: Invoke) -> None:
    out = tmp_path / "out.jsonl"
    out.write_text("precious\n")
    done = invoke("score", write(tmp_path / "rows.jsonl", ROWS), "--lang", "prolog", "--out", out)
    assert done.exit_code == 2
    assert "already there" in done.stderr
    assert out.read_text() == "precious\n"


def test_what_is_whole_is_not_judged_again_but_told_again(tmp_path: Path, invoke: Invoke) -> None:
    file, out = write(tmp_path / "rows.jsonl", ROWS), tmp_path / "out.jsonl"
    first = invoke("score", file, "--lang", "prolog", "--json", "--out", out)
    whole = out.read_bytes()
    again = invoke("score", file, "--lang", "prolog", "--json", "--out", out)
    assert (again.exit_code, again.stdout) == (0, first.stdout)
    assert "has 8 verdicts already, which is all" in again.stderr
    assert out.read_bytes() == whole
    other = invoke("score", file, "--lang", "prolog", "--json", "--out", out, "--set", "limits.cpu_s=3")
    assert other.exit_code == 2
    assert "limits.cpu_s was 10, is 3" in other.stderr


def test_a_language_that_has_changed_since_is_refused(tmp_path: Path, invoke: Invoke) -> None:
    file = write(tmp_path / "rows.jsonl", [{"program": "echo 42", "answer": "42"}])
    language, out = tmp_path / "sh.toml", tmp_path / "out.jsonl"
    language.write_text('name = "sh"\nsuffix = ".sh"\nrun = "sh {file}"\n')
    assert invoke("score", file, "--lang", language, "--out", out).exit_code == 0
    language.write_text('name = "sh"\nsuffix = ".sh"\nrun = "bash {file}"\n')
    done = invoke("score", file, "--lang", language, "--out", out)
    assert done.exit_code == 2
    assert 'options.language_data.run was ["sh", "{file}"], is ["bash", "{file}"]' in done.stderr


def fail(out: Path, *numbers: int) -> None:
    """Have the judge have failed on some lines."""
    told = results(out)
    for number in numbers:
        told[number] |= {"verdict": "infra_error", "answer": None}
    write(out, told)


def untimed(out: Path) -> list[dict[str, object]]:
    return [{name: value for name, value in line.items() if name not in ("cpu_s", "wall_s")} for line in results(out)]


def test_what_the_judge_itself_failed_on_is_judged_again(tmp_path: Path, invoke: Invoke) -> None:
    file, out = write(tmp_path / "rows.jsonl", ROWS), tmp_path / "out.jsonl"
    first = invoke("score", file, "--lang", "prolog", "--json", "--out", out)
    before = untimed(out)
    fail(out, 1, 6)
    again = invoke("score", file, "--lang", "prolog", "--json", "--out", out)
    assert (again.exit_code, json.loads(again.stdout)) == (0, json.loads(first.stdout)), again.output
    assert "judging 2 samples again, on which the judge itself has failed" in again.stderr
    assert untimed(out) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.jsonl", "out.jsonl.meta.json", "rows.jsonl"]


def test_a_scoring_that_goes_on_judges_again_before_it_adds(tmp_path: Path, invoke: Invoke) -> None:
    file, out = many(tmp_path / "rows.jsonl", 12), tmp_path / "out.jsonl"
    invoke("score", file, "--lang", "prolog", "--out", out)
    before = untimed(out)
    write(out, results(out)[:9])
    fail(out, 0, 8)  # a sample of a row with two, and the last line
    done = invoke("score", file, "--lang", "prolog", "--json", "--out", out)
    assert json.loads(done.stdout)["verdicts"] == {"correct": 16}, done.output
    assert untimed(out) == before


def scoring(file: Path, out: Path, lines: int) -> subprocess.Popen[str]:
    """A scoring in a process of its own, that has come so far."""
    command = [sys.executable, "-m", "lowres_code", "score", str(file), "--lang", "prolog", "--out", str(out)]
    command += ["--workers", "2"]  # with many it might be done before it is seen how far it has come
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and (not out.is_file() or out.read_bytes().count(b"\n") < lines):
        time.sleep(0.01)
    assert process.poll() is None, process.communicate()
    return process


def many(path: Path, count: int) -> Path:
    """Rows, a third of them with two samples, of which some are slow: there is always something on its way."""
    programs = [f"solve({n})." if n % 10 else f"solve({n}) :- sleep(0.1)." for n in range(count)]
    rows = [{"program": [p, f"{p} "] if n % 3 == 0 else p, "answer": str(n)} for n, p in enumerate(programs)]
    return write(path, rows)


def test_killed_scorings_go_on_with_nothing_lost_or_twice(tmp_path: Path, invoke: Invoke) -> None:
    file, out = many(tmp_path / "rows.jsonl", 300), tmp_path / "out.jsonl"
    for lines in (40, 150):
        process = scoring(file, out, lines)
        process.kill()
        process.communicate()
    with out.open("a") as torn:
        torn.write('{"id": "to')
    done = invoke("score", file, "--lang", "prolog", "--json", "--out", out)
    assert done.exit_code == 0, done.output
    assert "verdicts already" in done.stderr
    expected = [(row, sample) for row in range(1, 301) for sample in ((0, 1) if row % 3 == 1 else (None,))]
    assert [(result["row"], result.get("sample")) for result in results(out)] == expected
    summary = json.loads(done.stdout)
    assert summary["verdicts"] == {"correct": 400}
    assert summary["rows"] == 300


def test_a_scoring_that_is_interrupted_says_how_to_go_on(tmp_path: Path, invoke: Invoke) -> None:
    file, out = many(tmp_path / "rows.jsonl", 300), tmp_path / "out.jsonl"
    process = scoring(file, out, 40)
    process.send_signal(signal.SIGINT)
    told, said = process.communicate(timeout=60)
    assert (process.returncode, told) == (130, "")
    assert said.splitlines()[-1] == f"stopped; {out} keeps the verdicts so far; the same command goes on with it"
    assert 40 <= len(results(out)) < 400
    assert json.loads(invoke("score", file, "--lang", "prolog", "--json", "--out", out).stdout)["n"] == 400
