"""Does the quickstart teach each language that the pocket model has read a little of, with any seed, and only from the
judge?

``python -m tests.benchmarks.learning DIR [LANGUAGE...] [--seeds N]`` trains each language (by default all, and
the first one also with random rewards) with seeds 0 to N - 1 (by default 3), each into its own run directory under DIR;
runs that are there already are not made again. Prints a table in Markdown.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import click
from lowres_code.evaluation.metrics import Metrics
from lowres_code.runs.directory import RunDirectory

LANGUAGES = ("prolog", "common-lisp", "lua", "scheme", "ocaml", "fortran")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("languages", nargs=-1)
@click.option("--seeds", default=3, show_default=True)
def main(folder: Path, languages: tuple[str, ...], seeds: int) -> None:
    """Make the runs that are missing; print the table."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [row(name, run(folder, name, options)) for name, options in runs(languages, seeds)]
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout
    print(f"\n{date.today()}, commit {commit.strip()}\n")
    print("| run | pass@1 before | pass@1 after | syntax | runs | minutes | judge's share |")
    print("|---|---|---|---|---|---|---|")
    print("\n".join(rows))


def runs(languages: tuple[str, ...], seeds: int) -> Iterator[tuple[str, list[str]]]:
    """The name of each run, and its options."""
    for seed in range(seeds):
        for name in languages or LANGUAGES:
            yield f"{name}, seed {seed}", ["--lang", name, "--seed", str(seed)]
    if not languages:
        coin = ["--lang", LANGUAGES[0], "--seed", "0", "--set", "reward={coin=1.0}"]
        yield f"{LANGUAGES[0]}, seed 0, random rewards", coin


def run(folder: Path, name: str, options: list[str]) -> Path:
    """One training run, as a user starts it."""
    directory = folder / name.replace(",", "").replace(" ", "-")
    if not (directory / "eval" / "trained" / "summary.json").is_file():
        started = time.monotonic()
        command = [sys.executable, "-m", "lowres_code", "train", "--recipe", "quickstart", "--out", str(directory)]
        subprocess.run([*command, *options], check=True)
        (directory / "minutes.txt").write_text(f"{(time.monotonic() - started) / 60:.1f}")
    return directory


def row(name: str, directory: Path) -> str:
    """The run's line of the table."""
    base, trained = (figures(directory, which) for which in ("base", "trained"))
    metrics = [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]
    judge = sum(record["judge_s"] for record in metrics) / sum(record["step_time"] for record in metrics)
    syntax = f"{base.syntax.value:.0%} -> {trained.syntax.value:.0%}"
    runs = f"{base.runs.value:.0%} -> {trained.runs.value:.0%}"
    minutes = (directory / "minutes.txt").read_text()
    return f"| {name} | {base.pass_at_1} | {trained.pass_at_1} | {syntax} | {runs} | {minutes} | {judge:.1%} |"


def figures(directory: Path, which: str) -> Metrics:
    """Of the evaluation before or after training."""
    summary = RunDirectory.open(directory).evaluation(which)
    assert summary is not None and summary.all is not None
    return summary.all


if __name__ == "__main__":
    main()
