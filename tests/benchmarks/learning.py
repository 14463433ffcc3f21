"""Does the quickstart learn, with any seed, and only from the judge?

``python -m tests.benchmarks.learning DIR`` trains with seeds 0, 1 and 2, and once with random rewards (seed 0), each
into its own run directory under DIR; runs that are there already are not made again. Prints a table in Markdown.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

RUNS = {
    "seed 0": ["--seed", "0"],
    "seed 1": ["--seed", "1"],
    "seed 2": ["--seed", "2"],
    "random rewards, seed 0": ["--seed", "0", "--set", "reward={coin=1.0}"],
}


def main(folder: Path) -> None:
    """Make the runs that are missing; print the table."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [row(name, run(folder / name.replace(",", "").replace(" ", "-"), options)) for name, options in RUNS.items()]
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout
    print(f"\n{date.today()}, commit {commit.strip()}\n")
    print("| run | pass@1 before | pass@1 after | parse | run | minutes | judge's share |")
    print("|---|---|---|---|---|---|---|")
    print("\n".join(rows))


def run(directory: Path, options: list[str]) -> Path:
    """One training run, as a user starts it."""
    if not (directory / "eval" / "trained.json").is_file():
        started = time.monotonic()
        command = [sys.executable, "-m", "lowres_code", "train", "--lang", "prolog", "--recipe", "quickstart"]
        subprocess.run([*command, "--out", str(directory), *options], check=True)
        (directory / "minutes.txt").write_text(f"{(time.monotonic() - started) / 60:.1f}")
    return directory


def row(name: str, directory: Path) -> str:
    """The run's line of the table."""
    base, trained = (json.loads((directory / "eval" / f"{which}.json").read_text()) for which in ("base", "trained"))
    metrics = [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]
    judge = sum(record["judge_s"] for record in metrics) / sum(record["step_time"] for record in metrics)
    parses, runs = (f"{base[key]['value']:.0%} > {trained[key]['value']:.0%}" for key in ("parses", "runs"))
    minutes = (directory / "minutes.txt").read_text()
    return f"| {name} | {share(base)} | {share(trained)} | {parses} | {runs} | {minutes} | {judge:.1%} |"


def share(evaluation: dict[str, Any]) -> str:
    """pass@1 with its interval."""
    part = evaluation["pass@1"]
    return f"{part['value']:.3f} [{part['low']:.3f}, {part['high']:.3f}]"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
