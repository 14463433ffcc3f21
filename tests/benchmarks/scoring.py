"""A million rows through ``lowres-code score``: is its memory constant, are the cores busy, is nothing lost?

``python -m tests.benchmarks.scoring --rows 1000000 --out DIR`` makes rows of the gold programs of gsm8k-prolog (or,
without them, of one that loads as much), each with a comment of its own; has them scored; kills the scoring with
SIGKILL somewhere in the middle (``--kills``) and starts it again; and says what was seen. ``DIR/usage.jsonl`` has a
line for each two seconds, ``DIR/figures.json`` the figures. Called again, it goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil

from tests.conftest import SHARED

GOLD = SHARED / "gsm8k-prolog" / "test-even.jsonl"
STAND_IN = {"program": ":- use_module(library(clpq)).\nsolve(X) :- {X = 6 * 7}.", "answer": "42"}
EVERY_S = 2.0
EARLY = 10_000  # rows, whose memory the whole is compared with
CORES = len(os.sched_getaffinity(0))


def programs() -> list[dict[str, str]]:
    """What the rows are made of."""
    if not GOLD.is_file():
        print(f"no {GOLD}: one program of our own instead")
        return [STAND_IN]
    return [json.loads(line) for line in GOLD.read_text(encoding="utf-8").splitlines()]


def make_rows(path: Path, count: int) -> None:
    """So many rows, no two programs of which are equal."""
    if path.is_file():
        return
    own, made = programs(), path.with_suffix(".part")
    with made.open("w", encoding="utf-8") as file:
        for number in range(count):
            record = own[number % len(own)]
            row = {"id": number, "program": f"% {number}\n{record['program']}", "answer": record["answer"]}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    made.replace(path)


class Lines:
    """How many whole lines a growing file has, reading only what is new."""

    def __init__(self, path: Path) -> None:
        self._path, self._read, self._lines = path, 0, 0

    def count(self) -> int:
        """So many now."""
        if self._path.is_file():
            with self._path.open("rb") as file:
                file.seek(self._read)
                while block := file.read(2**20):
                    self._read += len(block)
                    self._lines += block.count(b"\n")
        return self._lines


def watch(process: subprocess.Popen[bytes], folder: Path, until: int | None) -> None:
    """Note what a scoring uses, until it has ended or, if that comes first, has written so many verdicts."""
    lines, parent = Lines(folder / "verdicts.jsonl"), psutil.Process(process.pid)
    with (folder / "usage.jsonl").open("a", encoding="utf-8") as file:
        while process.poll() is None and (until is None or lines.count() < until):
            time.sleep(EVERY_S)
            with suppress(psutil.NoSuchProcess):
                file.write(json.dumps(seen(parent, lines.count())) + "\n")
                file.flush()


def seen(parent: psutil.Process, rows: int) -> dict[str, float]:
    """What a scoring has used."""
    machine = psutil.cpu_times()
    return {
        "pid": parent.pid,
        "time": time.monotonic(),
        "rows": rows,
        "parent_mb": parent.memory_info().rss / 2**20,
        "parent_cpu_s": sum(parent.cpu_times()[:2]),
        "tree_cpu_s": tree_cpu_s(parent),
        "machine_busy_s": sum(machine[:8]) - machine.idle - machine.iowait,
    }


def tree_cpu_s(parent: psutil.Process) -> float:
    """CPU seconds of a process and of all that it has started, also of those that have ended and were waited for."""
    used = 0.0
    for process in [parent, *parent.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            used += sum(process.cpu_times()[:4])
    return used


def score(folder: Path, kill_at: int | None) -> bool:
    """Start or go on; whether it came to its end."""
    command = [sys.executable, "-m", "lowres_code", "score", str(folder / "rows.jsonl"), "--lang", "prolog", "--json"]
    command += ["--out", str(folder / "verdicts.jsonl")]
    with (folder / "log.txt").open("ab") as log, (folder / "summary.json").open("wb") as summary:
        process = subprocess.Popen(command, stdout=summary, stderr=log)
        try:
            watch(process, folder, kill_at)
        finally:
            ended = process.poll() is not None
            process.kill()
            process.wait()
    if ended and process.returncode:
        raise SystemExit(f"score has failed: {(folder / 'log.txt').read_text()[-2000:]}")
    return ended


def each_once(folder: Path, count: int) -> bool:
    """Whether there is one verdict on each row, in order."""
    with (folder / "verdicts.jsonl").open(encoding="utf-8") as file:
        rows = [json.loads(line)["row"] for line in file]
    return rows == list(range(1, count + 1))


def spans(usage: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Neighbouring notes of one scoring, from its first verdicts on: it reads and starts workers before."""
    judging = False
    for before, after in pairwise(usage):
        if before["pid"] != after["pid"]:
            judging = False
        elif judging:
            yield before, after
        else:
            judging = after["rows"] > before["rows"]


def figures(folder: Path, count: int) -> dict[str, Any]:
    """What was seen of all scorings in a folder."""
    usage = [json.loads(line) for line in (folder / "usage.jsonl").read_text(encoding="utf-8").splitlines()]
    taken = list(spans(usage))

    def total(key: str) -> float:
        return float(sum(after[key] - before[key] for before, after in taken))

    seconds, rows = total("time"), total("rows")
    busy = [
        (after["machine_busy_s"] - before["machine_busy_s"]) / (after["time"] - before["time"])
        for before, after in taken
    ]
    early = [note["parent_mb"] for note in usage if note["rows"] <= EARLY]
    return {
        "rows": count,
        "each_once": each_once(folder, count),
        "cores": CORES,
        "seconds": round(seconds),
        "rows_per_s": round(rows / seconds, 1),
        "machine_busy": round(total("machine_busy_s") / seconds / CORES, 3),
        "time_with_cores_90_percent_busy": round(sum(share >= 0.9 * CORES for share in busy) / len(busy), 3),
        "own_cpu": round(total("tree_cpu_s") / seconds / CORES, 3),
        "parent_ms_per_row": round(total("parent_cpu_s") / rows * 1e3, 3),
        f"parent_peak_mb_to_{EARLY}": round(max(early), 1),
        "parent_peak_mb": round(max(note["parent_mb"] for note in usage), 1),
        "starts": len({note["pid"] for note in usage}),
        "load": os.getloadavg(),
        "summary": json.loads((folder / "summary.json").read_text(encoding="utf-8")),
    }


def main() -> None:
    """Make the rows, have them scored, say what was seen."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--kills", type=int, default=1, help="how often the scoring is killed on its way")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    make_rows(asked.out / "rows.jsonl", asked.rows)
    places = sorted(random.Random(asked.rows).sample(range(1, asked.rows), asked.kills))
    done = Lines(asked.out / "verdicts.jsonl").count()
    for place in [place for place in places if place > done]:
        print(f"to be killed after row {place:,}", flush=True)
        if score(asked.out, place):
            break
    while not score(asked.out, None):
        pass
    told = figures(asked.out, asked.rows)
    (asked.out / "figures.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(told, indent=2))
    sys.exit(0 if told["each_once"] else 1)


if __name__ == "__main__":
    main()
