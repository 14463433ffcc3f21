"""Real GRPO runs by TRL with the real judge: short ones on the pocket model, and the path of the big recipes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from lowres_code._util.files import read_json_lines
from lowres_code.errors import UsageError
from lowres_code.recipe import load_recipe
from lowres_code.runs.directory import RunDirectory

from tests.conftest import SHARED, Cli

Invoke = Callable[..., Result]
ONCE = ["--set", "eval.greedy=false"]
SMALL = ["--set", "data.train.size=96", "--set", "data.eval.size=28", "--set", "eval.samples=2", *ONCE]
HALF = ["--set", "train.per_device_train_batch_size=64"]
STEP = ["--set", "train.per_device_train_batch_size=16"]  # completions; enough where it does not matter what is learned
TINY = [*STEP, "--set", "data.train.size=16", "--set", "data.eval.size=7", "--set", "eval.samples=1", *ONCE]


def start(out: Path, *arguments: str) -> subprocess.Popen[str]:
    """A training on one thread, on which it adds up in the same order each time."""
    command = [sys.executable, "-m", "lowres_code", "train", "--lang", "prolog", "--out", str(out), *arguments]
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=one_thread)


def wait_for_step(run: Path, step: int) -> None:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        status = run / "status.json"
        if status.is_file() and json.loads(status.read_text())["step"] >= step:
            return
        time.sleep(0.02)
    raise AssertionError(f"the run did not reach step {step}")


def metrics(run: Path) -> list[dict[str, Any]]:
    return list(read_json_lines(run / "metrics.jsonl"))


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory, cli: Cli) -> Path:
    """Nine steps of the quickstart recipe, with half of its completions."""
    run = tmp_path_factory.mktemp("learned") / "run"
    done = cli("train", "--lang", "prolog", "--out", run, "--set", "train.max_steps=9", *HALF, *SMALL)
    assert done.returncode == 0, done.stderr
    return run


def test_the_reward_rises_by_more_than_chance_would_give(learned: Path) -> None:
    """64 completions a step, of which some 15 % are right at first: the standard error of three steps is under 3 %."""
    shares = [record["share/correct"] for record in metrics(learned)]
    assert len(shares) == 9
    assert sum(shares[:3]) / 3 < 0.4
    assert sum(shares[-3:]) / 3 > sum(shares[:3]) / 3 + 0.15


def test_what_a_run_leaves_behind(learned: Path, cli: Cli) -> None:
    names = {path.name for path in learned.iterdir()}
    assert {"recipe.toml", "env.json", "status.json", "metrics.jsonl", "samples.jsonl", "eval", "model"} <= names
    for which in ("base", "trained"):
        summary = RunDirectory.open(learned).evaluation(which)
        assert summary is not None and summary.all is not None
        assert (summary.asked.samples, summary.asked.temperature, summary.isolation) == (2, 1.0, "namespaces")
        assert (summary.all.problems, summary.all.samples) == (28, 56)
        share = summary.all.pass_at_1
        assert 0 <= share.low <= share.value <= share.high <= 1
        assert sum(summary.all.verdicts.values()) == 56
        assert len(summary.by_task) == 10
        assert len(list(read_json_lines(learned / "eval" / which / "samples.jsonl"))) == 56
    assert json.loads((learned / "status.json").read_text())["state"] == "done"
    assert json.loads((learned / "env.json").read_text())["isolation"] == "namespaces"
    said = cli("report", learned).stdout
    assert "done, step 9 of 9" in said
    assert "pass@1 before" in said


def test_every_judged_completion_is_kept(learned: Path) -> None:
    samples = list(read_json_lines(learned / "samples.jsonl"))
    assert len(samples) == 9 * 64
    for record in metrics(learned):
        rows = [sample for sample in samples if sample["step"] == record["step"]]
        assert sum(row["verdict"] == "correct" for row in rows) / len(rows) == pytest.approx(record["share/correct"])
        mean = sum(row["rewards"]["correct"] for row in rows) / len(rows)
        assert record["rewards/correct/mean"] == pytest.approx(mean, abs=1e-5)


def test_the_recipe_in_the_run_is_whole_and_the_same(learned: Path) -> None:
    recipe = load_recipe(learned / "recipe.toml")
    assert recipe.train["max_steps"] == 9
    assert recipe.data.train.size == 96
    assert recipe.reward == {"correct": 1.0, "format": 0.1, "syntax": 0.1}


def test_a_run_can_be_evaluated_by_its_directory(learned: Path, invoke: Invoke, tmp_path: Path) -> None:
    out = tmp_path / "evaluation"
    done = invoke("eval", learned, "--lang", "prolog", "--samples", 1, "--out", out, "--json")
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert told == {"folder": str(out), **json.loads((out / "summary.json").read_text())}
    assert (told["all"]["problems"], told["asked"]["samples"]) == (28, 1)


def test_the_judges_part_of_the_time_is_recorded(learned: Path) -> None:
    for record in metrics(learned):
        assert record["judge_s"] > 0
        assert record["judge_share"] == pytest.approx(record["judge_s"] / record["step_time"])


def test_kill_dash_nine_leaves_a_readable_run_that_can_go_on(tmp_path: Path, cli: Cli) -> None:
    run = tmp_path / "run"
    process = start(run, "--set", "train.max_steps=6", "--set", "train.save_steps=2", *TINY)
    wait_for_step(run, 3)
    process.send_signal(signal.SIGSTOP)  # it must not come to its end while it is looked at
    with pytest.raises(UsageError, match="another process is working on the run"), RunDirectory(run).locked():
        pass
    alive = cli("report", run)
    process.kill()
    process.communicate()
    said = cli("report", run)
    assert said.returncode == 0, said.stderr
    assert "training, step " in alive.stdout and "--resume" not in alive.stdout
    assert "training, stopped, step " in said.stdout
    assert f"lowres-code train --resume {run}" in said.stdout
    assert [record["step"] for record in metrics(run)][:2] == [1, 2]
    assert list(read_json_lines(run / "samples.jsonl"))
    done = cli("train", "--resume", run)
    assert done.returncode == 0, done.stderr
    assert "done, step 6 of 6" in done.stdout
    assert [record["step"] for record in metrics(run)] == [1, 2, 3, 4, 5, 6]
    assert len(list(read_json_lines(run / "samples.jsonl"))) == 6 * 16
    assert (run / "eval" / "trained" / "summary.json").is_file()


def test_ctrl_c_saves_a_checkpoint_and_says_how_to_go_on(tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = start(run, "--set", "train.max_steps=50", "--set", "train.save_steps=1000", *TINY)
    wait_for_step(run, 1)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "interrupted, step " in said
    assert f"lowres-code train --resume {run}" in said
    step = json.loads((run / "status.json").read_text())["step"]
    assert (run / "checkpoints" / f"checkpoint-{step}" / "trainer_state.json").is_file()


def test_a_second_ctrl_c_stops_at_once_and_says_from_which_step_the_run_goes_on(tmp_path: Path) -> None:
    run = tmp_path / "a run"
    process = start(run, "--set", "train.max_steps=50", "--set", "train.save_steps=2", *HALF, *TINY[2:])
    wait_for_step(run, 3)
    process.send_signal(signal.SIGINT)
    assert process.stdout is not None
    assert any("Stopping after this step" in line for line in process.stdout)
    process.send_signal(signal.SIGINT)  # the step takes seconds
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 130
    again = f"with: lowres-code train --resume '{run}'"
    assert f"Stopped at once. It goes on from step 2, the last that was saved, {again}" in said
    assert "Aborted" not in said and "Traceback" not in said


def test_the_path_of_the_big_recipes_with_lora_on_local_files(tmp_path: Path, tiny_model: Path, invoke: Invoke) -> None:
    """The same recipe, data source, prompt, adapters and evaluation; a small random Qwen2 and local files."""
    train, test = gsm8k_files(tmp_path)
    local = ["data.train.path=json", f"data.train.data_files={train}", f"data.eval.data_files={test}"]
    local += ["data.eval.path=json", "data.eval.split=train", "data.train.size=40", "data.eval.size=6"]
    local += ["train.max_steps=2", "train.max_completion_length=16", "eval.max_new_tokens=16", "lora.r=4"]
    local += [f"model.name={tiny_model}", "prompt.shots=0"]  # the worked example is longer than 16 tokens
    changes = [part for change in local for part in ("--set", change)]
    run = tmp_path / "run"
    done = invoke("train", "--lang", "prolog", "--recipe", "gsm8k/qwen2.5-coder-0.5b", "--out", run, *changes)
    assert done.exit_code == 0, done.output
    assert [record["step"] for record in metrics(run)] == [1, 2]
    assert (run / "adapter" / "adapter_model.safetensors").is_file()
    assert not (run / "model").exists()
    assert json.loads((run / "eval" / "trained" / "summary.json").read_text())["all"]["problems"] == 6
    sample = next(read_json_lines(run / "samples.jsonl"))
    assert sample["verdict"] == "no_code"
    told = invoke("eval", run, "--samples", 1, "--json")
    assert (told.exit_code, json.loads(told.stdout)["asked"]["language"]) == (0, "prolog")
    assert Path(json.loads(told.stdout)["folder"]).parent == run / "eval"


def test_a_run_where_nothing_can_be_right_says_so_once_and_keeps_it(
    tmp_path: Path, tiny_model: Path, invoke: Invoke
) -> None:
    """A model with random weights writes no program in twenty steps."""
    run = tmp_path / "run"
    small = ["train.max_steps=22", "train.per_device_train_batch_size=4", "train.num_generations=4", "eval.samples=1"]
    small += ["train.max_completion_length=4", "eval.max_new_tokens=4", "data.train.size=24", "data.eval.size=10"]
    changes = [part for change in (*small, f"model.name={tiny_model}") for part in ("--set", change)]
    done = invoke("train", "--lang", "prolog", "--out", run, *changes)
    assert done.exit_code == 0, done.output
    kinds = [(finding.kind, finding.step) for finding in RunDirectory.open(run).read_health()]
    assert kinds == [("cut", 3), ("equal_rewards", 10), ("nothing_right", 20)]
    said = " ".join(done.stdout.split())
    assert said.count("Warning: step 20: nothing was right in the last 20 steps.") == 2  # when it came, and at the end
    assert "prompt.shots = 1" in said and "[sft]" in said
    assert "nothing was right" in invoke("report", run).stdout


def test_what_trl_refuses_leaves_no_run_behind(tmp_path: Path, invoke: Invoke) -> None:
    run = tmp_path / "run"
    tuned = ("--set", "lora.r=4", "--set", "lora.target_modules=nonsense")
    done = invoke("train", "--lang", "prolog", "--recipe", "quickstart", "--out", run, *tuned)
    assert done.exit_code == 2
    assert "nonsense" in done.stderr
    RunDirectory(run).must_be_new()


def gsm8k_files(folder: Path) -> tuple[Path, Path]:
    """GSM8K where it is at hand; else a few records in its form."""
    if (SHARED / "gsm8k").is_dir():
        return SHARED / "gsm8k" / "train.jsonl", SHARED / "gsm8k" / "test.jsonl"
    for name, first in (("train", 0), ("test", 100)):
        rows = [
            {"question": f"What is {n} times 1000?", "answer": f"It is <<{n}*1000={n}000>>.\n#### {n},000"}
            for n in range(first, first + 50)
        ]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder / "train.jsonl", folder / "test.jsonl"


def test_questions_that_are_in_both_parts_are_refused(tmp_path: Path, invoke: Invoke) -> None:
    file = tmp_path / "p.jsonl"
    file.write_text("".join(json.dumps({"question": f"q{n}", "answer": n}) + "\n" for n in range(5)))
    recipe = tmp_path / "r.toml"
    recipe.write_text(
        f'[model]\nname = "pocket"\n[data.train]\nsource = "file"\npath = "{file}"\nsize = 5\n[data.eval]\nsize = 5\n'
    )
    done = invoke("train", "--lang", "prolog", "--recipe", recipe, "--out", tmp_path / "run")
    assert done.exit_code == 2
    assert "5 of 5 training questions are also held out" in done.stderr


def test_a_query_in_a_language_without_them_is_refused_before_there_is_a_run(tmp_path: Path, cli: Cli) -> None:
    for part, query in (("train", "solve(X)"), ("eval", None)):
        rows = [{"id": f"{part}{n}", "question": f"{part} {n}?", "answer": n, "query": query} for n in range(16)]
        (tmp_path / f"{part}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    recipe = tmp_path / "r.toml"
    recipe.write_text(
        'extends = "quickstart"\n[data.train]\nsource = "file"\npath = "train.jsonl"\nsize = 16\n'
        '[data.eval]\nsource = "file"\npath = "eval.jsonl"\nsize = 16\n'
    )
    done = cli("train", "--lang", "lua", "--recipe", recipe, "--out", tmp_path / "run", cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert "problem 'train" in done.stderr and "asks the query 'solve(X)', but Lua has no queries" in done.stderr
    assert not (tmp_path / "run").exists()
