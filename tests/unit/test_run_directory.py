from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from lowres_code.errors import UsageError
from lowres_code.recipe import find_recipe, load_recipe
from lowres_code.runs.directory import RunDirectory

LOOKING = """
import sys
from pathlib import Path
from lowres_code.runs.directory import RunDirectory
run = RunDirectory(Path(sys.argv[1]))
print("ready", flush=True)
while True:
    run.is_alive()
"""


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory.create(tmp_path / "run", load_recipe(find_recipe("quickstart")), {"seed": 0})


def test_a_run_is_alive_while_somebody_holds_it(run: RunDirectory) -> None:
    assert not run.is_alive()
    with run.locked():
        assert run.is_alive()
        with pytest.raises(UsageError, match="another process is working on the run"), run.locked():
            pass
        assert run.is_alive()
    assert not run.is_alive()


def test_a_run_without_a_lock_file_is_not_alive(run: RunDirectory) -> None:
    """That of an earlier version, or a copy."""
    (run.path / ".lock").unlink(missing_ok=True)
    assert not run.is_alive()


def test_who_looks_whether_a_run_is_alive_never_stands_in_the_way(run: RunDirectory) -> None:
    looking = subprocess.Popen([sys.executable, "-c", LOOKING, str(run.path)], stdout=subprocess.PIPE, text=True)
    try:
        assert looking.stdout is not None and looking.stdout.readline() == "ready\n"
        for _ in range(3000):
            with run.locked():
                pass
    finally:
        looking.kill()
        looking.communicate()


def test_a_run_that_cannot_be_made_is_said_before_anything_is_done(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "run", tmp_path / ("n" * 256)):
        with pytest.raises(UsageError, match="cannot be a run directory"):
            RunDirectory(path).must_be_new()


def test_the_recipe_of_a_run_is_read_whatever_trl_is_installed_today(run: RunDirectory) -> None:
    recipe = run.path / "recipe.toml"
    recipe.write_text(recipe.read_text().replace("max_steps = 80", "of_an_older_trl = 80"))
    assert run.recipe().train["of_an_older_trl"] == 80
    assert run.recipe(["eval.samples=9"]).eval.samples == 9


def test_what_is_kept_of_a_run_that_was_stopped_at_once(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    assert run.after_a_stop() == "There is no run yet: the same command begins it."
    RunDirectory.create(run.path, load_recipe(find_recipe("quickstart")), {"seed": 0})
    again = f"with: lowres-code train --resume {run.path}"
    assert run.after_a_stop() == f"It goes on before the first step, {again}"
    for step in (4, 12):
        (run.checkpoints / f"checkpoint-{step}").mkdir(parents=True)
        (run.checkpoints / f"checkpoint-{step}" / "trainer_state.json").write_text("{}")
    (run.checkpoints / "checkpoint-20").mkdir()  # was not saved whole
    assert run.after_a_stop() == f"It goes on from step 12, the last that was saved, {again}"
    run.adapter.mkdir()
    assert run.after_a_stop() == f"It goes on after the last step, {again}"
