"""What `lang bench` measures, and how it ends where a program fails."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from lowres_code._util.progress import no_progress
from lowres_code.conformance.bench import bench
from lowres_code.errors import JudgeError, LowresCodeError
from lowres_code.language.command import CommandLanguage

COMPILED = CommandLanguage(
    name="c",
    title="C",
    suffix=".c",
    compile=("sh", "-c", "echo compiled > $TMPDIR/log && cp {file} {stem}"),
    run=("sh", "./{stem}"),
    variables={"GREETING": "hello"},
)


def test_of_a_compiled_language_a_fresh_sandbox_compiles_and_runs() -> None:
    """Both ways compile into a scratch directory and see the language's variables, or they would fail."""
    result = bench(COMPILED, "namespaces", ["test $GREETING = hello && echo 42"], 2, 2, 1, no_progress)
    (row,) = result.programs
    assert row.ratio == pytest.approx(row.fresh.p50_ms / row.warm.p50_ms, abs=0.06)
    assert result.fresh.startswith('env GREETING=hello sh -c \'cp "$0" program.c && sh -c ')
    assert result.fresh.endswith(" && sh ./program' '{file}'")


def test_a_program_that_fails_is_not_the_judges_failure() -> None:
    with pytest.raises(
        LowresCodeError, match="gives no answer but runtime_error: no such thing; it ended with"
    ) as told:
        bench(COMPILED, "namespaces", ["echo no such thing >&2; exit 3"], 2, 2, 1, no_progress)
    assert told.value.exit_code == 1


def test_a_plain_command_that_fails_where_the_judge_did_not_is_a_failure_of_the_judge() -> None:
    """Here, because it wants the judge's own limit of open files."""
    only_judged = dataclasses.replace(COMPILED, run=("sh", "-c", "test $(ulimit -n) = 256 && sh ./{stem}"))
    with pytest.raises(JudgeError, match=r"program.c .* fails"):
        bench(only_judged, "namespaces", ["echo 42"], 2, 2, 1, no_progress)


def test_the_command_says_what_a_program_said_and_ends_with_1(tmp_path: Path, invoke: Callable[..., Result]) -> None:
    language, failing = tmp_path / "sh.toml", tmp_path / "failing.sh"
    language.write_text('name = "sh"\nsuffix = ".sh"\nrun = "sh {file}"\n[snippets]\nhello = "echo hello"\n')
    failing.write_text("echo ouch >&2; exit 3\n")
    done = invoke("lang", "bench", language, "--program", failing)
    assert done.exit_code == 1, done.output
    assert "gives no answer but runtime_error: ouch" in done.output
    done = invoke("lang", "bench", language, "--rounds", 2, "--batch", 2, "--json")
    assert (done.exit_code, json.loads(done.stdout)["fresh"]) == (0, "env sh '{file}'"), done.output


def test_bench_times_both_ways(invoke: Callable[..., Result], tmp_path: Path) -> None:
    """What it says is consistent; that it is fast enough is a benchmark's affair."""
    program = tmp_path / "p.pl"
    program.write_text(":- use_module(library(clpq)).\nsolve(X) :- {2 * X = 7}.\n")
    done = invoke("lang", "bench", "prolog", "--program", program, "--rounds", 3, "--batch", 8, "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    row = told["programs"][0]
    assert row["ratio"] == pytest.approx(row["fresh"]["p50_ms"] / row["warm"]["p50_ms"], rel=0.1)
    assert row["warm"]["p50_ms"] <= row["warm"]["p90_ms"]
    assert (told["isolation"], told["batch"]) == ("namespaces", 8)
    assert told["batch_per_s"] > 0


def test_bench_of_a_program_that_gives_no_answer_is_no_figure(invoke: Callable[..., Result], tmp_path: Path) -> None:
    program = tmp_path / "p.pl"
    program.write_text("solve(X) :- X is foo.\n")
    done = invoke("lang", "bench", "prolog", "--program", program, "--rounds", 2, "--batch", 2)
    assert done.exit_code == 1
    assert "runtime_error" in done.stderr
