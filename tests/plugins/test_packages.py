"""The packages under ``plugins/``, installed as a user installs them and used through the command line only."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from lowres_code._util.files import read_json_lines

from tests.conftest import ROOT
from tests.scratch import scratch_environment

PACKAGES = ("lowres-code-coins", "lowres-code-sqlite")

Python = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with copies of the packages: building them leaves things behind, and so do their tests."""
    folder = tmp_path_factory.mktemp("plugins")
    for name in PACKAGES:
        leftovers = shutil.ignore_patterns("build", "*.egg-info", "__pycache__")
        shutil.copytree(ROOT / "plugins" / name, folder / name, ignore=leftovers)
    return folder


@pytest.fixture(scope="module")
def python(builder: Path) -> Python:
    """A virtual environment's python that finds all that is installed here, and has both packages."""
    executable = scratch_environment(builder / "venv") / "python"

    def run(*arguments: object, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [executable, *map(str, arguments)],
            input=stdin,
            cwd=builder,
            env={**os.environ, "OMP_NUM_THREADS": "1"},  # for so little work, threads only wait for each other
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    offline = ("--no-deps", "--no-build-isolation", "--no-index", "--quiet")
    done = run("-m", "pip", "install", *offline, *(builder / name for name in PACKAGES))
    assert done.returncode == 0, done.stderr
    return run


@pytest.fixture(scope="module")
def lowres_code(python: Python) -> Python:
    """The command line of that environment."""
    return lambda *arguments, **options: python("-m", "lowres_code", *arguments, **options)


@pytest.mark.parametrize("name", PACKAGES)
def test_the_tests_of_a_package_pass(name: str, builder: Path, python: Python) -> None:
    done = python("-m", "pytest", "-q", "-p", "no:cacheprovider", builder / name / "tests")
    assert done.returncode == 0, done.stdout


def test_the_language_is_listed_with_its_origin(lowres_code: Python) -> None:
    listed = json.loads(lowres_code("lang", "list", "--json").stdout)
    assert not listed["failures"]
    (sqlite,) = (language for language in listed["languages"] if language["name"] == "sqlite")
    assert sqlite == {"name": "sqlite", "title": "SQLite SQL", "origin": "lowres-code-sqlite", "missing": None}


@pytest.mark.parametrize(("expected", "code", "verdict"), [("42", 0, "correct"), ("41", 1, "wrong_answer")])
def test_a_program_is_judged(expected: str, code: int, verdict: str, lowres_code: Python) -> None:
    done = lowres_code("run", "-", "--lang", "sqlite", "--expect", expected, stdin="SELECT 6 * 7;\n")
    assert (done.returncode, done.stdout) == (code, f"{verdict}: 42\n")


def test_the_language_conforms(lowres_code: Python) -> None:
    done = lowres_code("lang", "verify", "sqlite", "--soak", 20, "--json")
    assert done.returncode == 0, done.stdout
    report = json.loads(done.stdout)
    assert report["passed"]
    assert report["isolation"] == "namespaces"
    outcomes = {check["name"]: check["outcome"] for check in report["checks"]}
    assert all(outcomes[name] == "passed" for name in ("write outside", "memory", "loop", "state", "flood"))


def test_the_recipe_can_be_shown(lowres_code: Python) -> None:
    done = lowres_code("recipe", "show", "coins/pocket")
    assert 'source = "coins"' in done.stdout
    assert "short = 0.1" in done.stdout


def test_a_misspelt_option_of_the_source_is_refused_with_the_right_one(lowres_code: Python, builder: Path) -> None:
    recipe = builder / "misspelt.toml"
    recipe.write_text('extends = "coins/pocket"\n\n[data.train]\nlagest = 50\n')
    done = lowres_code("train", "--lang", "prolog", "--recipe", recipe)
    assert done.returncode == 2
    assert "data.train.lagest: unknown key; did you mean 'largest'?" in done.stderr


def test_the_recipe_trains_with_the_source_and_the_reward(lowres_code: Python, builder: Path) -> None:
    small = {
        "data.train.size": 4,
        "data.eval.size": 2,
        "train.max_steps": 1,
        "train.per_device_train_batch_size": 4,
        "train.num_generations": 2,
        "eval.samples": 1,
    }
    options = [word for key, value in small.items() for word in ("--set", f"{key}={value}")]
    run = builder / "run"
    done = lowres_code("train", "--lang", "prolog", "--recipe", "coins/pocket", "--out", run, *options)
    assert done.returncode == 0, done.stderr
    samples = list(read_json_lines(run / "samples.jsonl"))
    assert len(samples) == 4
    assert all(set(sample["rewards"]) == {"correct", "format", "syntax", "short"} for sample in samples)
    assert all(sample["problem"].startswith("coins-") for sample in samples)
