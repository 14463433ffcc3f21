"""An evaluation of the embedded model, stopped and killed at random moments."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import Result
from lowres_code.evaluation.folder import EvaluationFolder

Invoke = Callable[..., Result]
SMALL = [
    "--set",
    "data.eval.size=24",
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
    assert interrupted < len((out / "samples.jsonl").read_text().splitlines()) < 72
    done = invoke(*arguments, "--json")
    assert done.exit_code == 0, done.output
    samples = EvaluationFolder(out).samples()
    assert len(samples) == len({(s.problem, s.sample) for s in samples}) == 72
    told = json.loads(done.stdout)
    assert (told["complete"], told["all"]["samples"]) == (True, 72)


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
