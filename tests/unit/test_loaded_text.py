"""What a run and an evaluation say of themselves, in a line; and what is said of one that is unfinished."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from lowres_code import UsageError, load_evaluation, load_run
from lowres_code.evaluation.folder import Asked, EvaluationFolder, ProblemRecord
from lowres_code.evaluation.record import SampleRecord
from lowres_code.recipe import find_recipe, load_recipe
from lowres_code.runs.directory import INTERRUPTED, RunDirectory

Invoke = Callable[..., Result]

RECIPE = load_recipe(find_recipe("quickstart"))
ASKED = Asked(
    model="pocket",
    language="prolog",
    limits="x",
    samples=2,
    greedy=False,
    temperature=1,
    top_p=1,
    max_new_tokens=9,
    seed=0,
    problems="x",
    prompt="x",
)


def begin(path: Path, *verdicts: tuple[str, int, str]) -> EvaluationFolder:
    """An evaluation of three problems with two samples each, of which these are there."""
    folder = EvaluationFolder(path)
    folder.must_be_usable()
    problems = [ProblemRecord(id=name, question=name, task="sum", tests=(), asked="x") for name in "abc"]
    folder.begin(ASKED, "namespaces", RECIPE, problems)
    samples = [
        SampleRecord(problem=name, task="sum", sample=number, completion="", program=None, verdict=verdict)
        for name, number, verdict in verdicts
    ]
    folder.appender().append(*(sample.as_json() for sample in samples))
    return folder


SOME = (("a", 0, "correct"), ("a", 1, "wrong_answer"), ("b", 0, "correct"))  # pass@1: (1/2 + 1) / 2
ALL = (*SOME, ("b", 1, "correct"), ("c", 0, "no_code"), ("c", 1, "no_code"))  # (1/2 + 1 + 0) / 3


def test_an_evaluation_in_a_line(tmp_path: Path) -> None:
    folder = begin(tmp_path / "e", *ALL)
    folder.summarize()
    loaded = load_evaluation(tmp_path / "e")
    assert loaded.unfinished is None
    assert repr(loaded).startswith(f"Evaluation('{tmp_path}/e': pocket, prolog, pass@1 0.500 [")
    assert repr(loaded).endswith("], 6 samples)")


def test_an_evaluation_that_was_stopped_has_the_figures_of_what_is_there(tmp_path: Path) -> None:
    begin(tmp_path / "e", *SOME)
    loaded = load_evaluation(tmp_path / "e")
    figures = loaded.summary.all
    assert figures is not None
    assert (figures.problems, figures.samples, figures.pass_at_1.value) == (2, 3, 0.75)
    assert [*loaded.summary.by_task] == ["sum"]
    assert (loaded.summary.complete, loaded.summary.missing) == (False, 3)
    assert repr(loaded).endswith("], 3 of 6 samples)")
    assert loaded.unfinished == "unfinished, 3 of 6 samples: the same lowres-code eval command goes on with it"


def test_figures_in_a_line(tmp_path: Path) -> None:
    begin(tmp_path / "e", *ALL).summarize()
    figures = load_evaluation(tmp_path / "e").summary.all
    assert repr(figures) == str(figures)
    assert str(figures).startswith("Metrics(3 problems, 6 samples, pass@1 0.500 [")
    assert len(str(figures)) < 80


def test_an_evaluation_that_has_hardly_begun(tmp_path: Path) -> None:
    begin(tmp_path / "e")
    assert repr(load_evaluation(tmp_path / "e")) == f"Evaluation('{tmp_path}/e': pocket, prolog, 0 of 6 samples)"


def test_the_report_of_an_evaluation_has_its_figures(tmp_path: Path, invoke: Invoke) -> None:
    begin(tmp_path / "e", *ALL).summarize()
    done = invoke("report", "e", cwd=tmp_path)
    assert done.exit_code == 0, done.output
    assert "e: pocket, prolog" in done.stdout and "0.500 [" in done.stdout
    assert "unfinished" not in done.stdout


def test_the_report_of_an_evaluation_that_was_stopped(tmp_path: Path, invoke: Invoke) -> None:
    begin(tmp_path / "e", *SOME)
    done = invoke("report", "e", cwd=tmp_path)
    assert done.exit_code == 0, done.output
    assert "0.750 [" in done.stdout and "correct 2, wrong_answer 1" in done.stdout
    said = "unfinished, 3 of 6 samples: the same lowres-code eval command goes on with it"
    assert said in " ".join(done.stdout.split())
    assert f"e: {said}" in invoke("report", "e", "--json", cwd=tmp_path).stdout


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    env = {"seed": 0, "language": "prolog"}
    run = RunDirectory.create(tmp_path / "a run", RECIPE, env)
    begin(run.path / "eval" / "base", *ALL).summarize()
    run.set_status(INTERRUPTED, 3, 40)
    return run


def test_an_evaluation_is_no_run(tmp_path: Path) -> None:
    begin(tmp_path / "e")
    with pytest.raises(UsageError, match=r"/e' is an evaluation, and no run: load_evaluation"):
        load_run(tmp_path / "e")


def test_a_run_in_a_line(run: RunDirectory) -> None:
    said = repr(load_run(run.path))
    assert said.startswith(f"Run('{run.path}': pocket learns prolog, interrupted, step 3 of 40; base pass@1 0.500 [")
    assert len(said) < 300


def test_an_evaluation_of_a_run_is_gone_on_with_by_the_run(run: RunDirectory) -> None:
    begin(run.path / "eval" / "trained", *SOME)
    again = f"lowres-code train --resume '{run.path}' goes on with it"
    assert load_evaluation(run.path / "eval" / "trained").unfinished == f"unfinished, 3 of 6 samples: {again}"
