"""An evaluation of the embedded model, stopped and killed at random moments."""

from __future__ import annotations

import io
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from lowres_code.evaluation.folder import EvaluationFolder
from lowres_code.generation.base import Generator
from lowres_code.recipe import Recipe, find_recipe, load_recipe
from lowres_code.runs.measure import Subject, measure
from rich.console import Console

from tests.conftest import PROLOG

Invoke = Callable[..., Result]
SMALL = [  # many more samples than are kept at once, so that it is stopped before its end on a fast machine too
    "--set",
    "data.eval.size=50",
    "--set",
    "eval.samples=3",
    "--set",
    "eval.batch_size=8",
    "--set",
    "eval.greedy=false",
]


def test_interrupted_and_killed_at_random_moments_and_called_again(tmp_path: Path, invoke: Invoke) -> None:
    out = tmp_path / "evaluation"
    arguments = ["eval", "pocket", "--lang", "prolog", "--out", str(out), *SMALL]
    moments = random.Random(20261125)
    said, code = stopped_after(moments.randrange(1, 20), moments.random() / 4, signal.SIGINT, out, arguments)
    assert code == 130, said
    assert f"stopped; {out} keeps the samples so far, and the same command goes on with it" in said
    assert "Traceback" not in said
    interrupted = len((out / "samples.jsonl").read_text().splitlines())
    _, code = stopped_after(interrupted + moments.randrange(1, 20), 0.0, signal.SIGKILL, out, arguments)
    assert code == -signal.SIGKILL
    assert interrupted < len((out / "samples.jsonl").read_text().splitlines()) < 150
    done = invoke(*arguments, "--json")
    assert done.exit_code == 0, done.output
    samples = EvaluationFolder(out).samples()
    assert len(samples) == len({(s.problem, s.sample) for s in samples}) == 150
    told = json.loads(done.stdout)
    assert (told["complete"], told["all"]["samples"]) == (True, 150)


class Stopped(Subject):
    """A model during whose loading somebody presses Ctrl-C."""

    def open(self, recipe: Recipe) -> Generator:
        raise KeyboardInterrupt


def test_stopped_before_any_sample_nothing_is_said_to_be_kept(tmp_path: Path) -> None:
    recipe = load_recipe(find_recipe("quickstart"), ["data.eval.size=24"])
    console = Console(file=io.StringIO(), width=120)
    with pytest.raises(KeyboardInterrupt):
        measure(Stopped("pocket"), recipe, PROLOG, tmp_path / "evaluation", console)
    assert console.file.getvalue().splitlines()[-1] == (  # type: ignore[attr-defined]
        "stopped; there is no sample yet; the same command begins again"
    )


def stopped_after(count: int, seconds: float, how: signal.Signals, out: Path, arguments: list[str]) -> tuple[str, int]:
    """What a command says, and its exit code, that is sent a signal some time after it has kept so many samples."""
    command = [sys.executable, "-m", "lowres_code", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wait_for_samples(out, count, process)
    time.sleep(seconds)
    process.send_signal(how)
    said, _ = process.communicate(timeout=120)
    return said, process.returncode


def wait_for_samples(out: Path, count: int, process: subprocess.Popen[Any]) -> None:
    deadline = time.monotonic() + 240
    while process.poll() is None and time.monotonic() < deadline:
        file = out / "samples.jsonl"
        if file.is_file() and len(file.read_bytes().splitlines()) >= count:
            return
        time.sleep(0.02)
    raise AssertionError(f"no {count} samples: exit code {process.poll()}")
