"""Several processes, as ``accelerate launch`` and ``torchrun`` start them, in one run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from lowres_code._util.files import read_json_lines
from lowres_code.runs.directory import RunDirectory
from lowres_code.train.processes import Processes

from tests.core.train.test_session import metrics

LAUNCH = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
RECIPE = {
    "data.train.size": 96,
    "data.eval.size": 10,
    "eval.samples": 1,
    "eval.max_new_tokens": 24,
    "train.per_device_train_batch_size": 12,  # three problems x 8 in all: the second is shared by the two processes
    "train.max_completion_length": 24,
    "train.max_steps": 6,
    "train.save_steps": 100,
}
EXCHANGE = """
import sys
from pathlib import Path
from torch import distributed
from lowres_code.train.processes import Processes

distributed.init_process_group("gloo")
here, folder = Processes.started(), Path(sys.argv[1])
file = folder / "made"
with here.main_first():
    found = file.exists()
    if here.main:
        file.write_text("x")
assert found == (not here.main)
here.wait()
here.by_main(file.unlink)
assert not file.exists()
assert here.all([here.rank, "b"]) == [0, "b", 1, "b"]
assert here.any(here.rank == 1) and not here.any(False)
here.end()
(folder / f"done-{here.rank}-{here.count}-{here.beside}").touch()
"""


def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1"}


def test_what_they_exchange_and_in_which_order(tmp_path: Path) -> None:
    (tmp_path / "exchange.py").write_text(EXCHANGE)
    command = [*LAUNCH, str(tmp_path / "exchange.py"), str(tmp_path)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.glob("done-*")) == ["done-0-2-2", "done-1-2-2"]


def test_alone_nothing_waits_and_all_there_is_is_ones_own() -> None:
    alone = Processes()
    alone.wait()
    with alone.main_first():
        assert alone.main
    assert alone.all([1, 2]) == [1, 2]
    assert alone.any(True) and not alone.any(False)


def test_two_processes_make_one_run_stop_together_and_go_on(tmp_path: Path) -> None:
    """SIGTERM comes to the second of them, which writes nothing itself."""
    run = tmp_path / "run"
    settings = [word for key, value in RECIPE.items() for word in ("--set", f"{key}={value}")]
    command = [*LAUNCH, "-m", "lowres_code", "train", "--lang", "prolog"]
    started = [*command, "--recipe", "quickstart", *settings, "--out", str(run)]
    with subprocess.Popen(
        started, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as one:
        try:
            while one.poll() is None and not (run / "metrics.jsonl").exists():
                time.sleep(0.05)
            os.kill(process_of_rank(1, one.pid), signal.SIGTERM)
            said, _ = one.communicate(timeout=300)
        finally:
            one.kill()
    stopped = RunDirectory.open(run).status()
    assert stopped["state"] == "interrupted", said
    assert 0 < stopped["step"] < 6
    kept = {path.name for path in (run / "checkpoints" / f"checkpoint-{stopped['step']}").iterdir()}
    assert {"generation-0.pt", "generation-1.pt"} <= kept
    again = [*command, "--resume", str(run)]
    done = subprocess.run(again, env=environment(), capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("done, step 6 of 6") == 1  # one of them talks
    assert RunDirectory.open(run).is_finished()
    assert [record["step"] for record in metrics(run)] == [1, 2, 3, 4, 5, 6]
    assert json.loads((run / "env.json").read_text())["processes"] == 2
    samples = list(read_json_lines(run / "samples.jsonl"))
    of_problem = Counter((sample["step"], sample["problem"]) for sample in samples)
    assert len(of_problem) == 6 * 3 and set(of_problem.values()) == {8}
    numbers = {(sample["step"], sample["problem"], sample["sample"]) for sample in samples}
    assert len(numbers) == len(samples) == 6 * 24
    for record in metrics(run):
        rows = [sample for sample in samples if sample["step"] == record["step"]]
        assert record["share/syntax"] == pytest.approx(sum(row["rewards"]["syntax"] for row in rows) / len(rows))


def process_of_rank(rank: int, launcher: int) -> int:
    """The process that the launcher has given a rank."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            variables = (folder / "environ").read_bytes().split(b"\0")
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == launcher and f"RANK={rank}".encode() in variables:
            return int(folder.name)
    raise AssertionError(f"no process of rank {rank}")


def test_they_need_a_folder_that_all_know(tmp_path: Path) -> None:
    command = [*LAUNCH, "-m", "lowres_code", "train", "--lang", "prolog"]
    done = subprocess.run(
        command, env=environment(), cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode != 0
    assert "one of 2 processes: they need one folder, --out DIR, that all of them see" in done.stderr
    assert [*tmp_path.iterdir()] == []
