"""An evaluation whose right programs are changed: with the first call, and on a folder that is there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from lowres_code.completion import format_completion
from lowres_code.evaluation.folder import EvaluationFolder
from lowres_code.evaluation.run import Writer, evaluate
from lowres_code.generation.base import Failure, Generator, Request, Sample, Sampling
from lowres_code.judge import Judge
from lowres_code.judgement import Follows
from lowres_code.recipe import Recipe, load_recipe
from lowres_code.recipe.build import load_problems, other_problems
from lowres_code.recipe.schema import DataTable
from lowres_code.report.terminal import evaluation_tables
from lowres_code.runs.measure import Subject, default_folder
from lowres_code.sources.reasoning_gym import MOST_OTHERS

from tests.conftest import PROLOG, ROOT

TASKS = {"lcm": {"min_value": 370, "max_value": 900}}
DATA = {"source": "reasoning_gym", "size": 4, "tasks": TASKS}


def recipe(**table: object) -> Recipe:
    data = {"train": DATA, "eval": DATA}
    return Recipe.model_validate({"model": {"name": "scribe"}, "data": data, "eval": {"samples": 3, **table}})


class Scribe(Generator):
    """Of each problem a program that computes, one that states the answer, and one that is wrong."""

    name = "scribe"

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> Iterator[Sample | Failure]:
        problems = load_problems(recipe().data.eval, "eval")
        for request in requests:
            gold, numbers = problems[request.key].tests[0].expected, _numbers(problems[request.key].question)
            product, both = " * ".join(numbers), ", ".join(numbers)
            computed = f"wanted(X) :- X is {product} // gcd({both}).\nsolve(X) :- wanted(X)."
            for number in request.numbers:
                program = (computed, f"solve(X) :- member(X, [{gold}, 1]).", "solve(0).")[number]
                yield Sample(request.key, number, format_completion("...", program), 7, "stop", 0.5)


def _numbers(question: str) -> list[str]:
    return [word for word in question.replace(",", " ").replace(".", " ").split() if word.isdigit()]


def measured(folder: Path, judge: Judge, **table: object) -> EvaluationFolder:
    evaluation, problems = EvaluationFolder(folder), load_problems(recipe().data.eval, "eval")
    evaluate(evaluation, Writer("scribe", Scribe), problems, judge, recipe(**table))
    return evaluation


def follows(folder: EvaluationFolder) -> dict[int, set[Follows | None]]:
    """By the number of the sample."""
    samples = folder.samples()
    return {n: {s.trust.follows for s in samples if s.sample == n and s.trust} for n in range(3)}


def test_right_programs_are_changed_where_that_is_asked_for(tmp_path: Path, judge: Judge) -> None:
    folder = measured(tmp_path / "e", judge, metamorphic=True)
    assert follows(folder) == {0: {Follows(True, True)}, 1: {Follows(None, False)}, 2: {None}}
    summary = folder.summary()
    assert summary.all is not None and summary.all.trust is not None
    trust = summary.all.trust
    assert (trust.renamed, trust.follow_renaming) == (4, 1.0)
    assert (trust.renumbered, trust.follow_numbers) == (8, 0.5)
    told = "\n".join(map(str, evaluation_tables(summary, "e")))
    assert "100.0% of 4 are still right with other names; 50.0% of 8 with the numbers of another question" in told
    assert "could not be read" not in told
    figures = summary.all.model_copy(update={"trust": trust.model_copy(update={"unread": 3})})
    told = "\n".join(map(str, evaluation_tables(summary.model_copy(update={"all": figures}), "e")))
    assert "; 3 right ones could not be read; " in told


def test_an_evaluation_that_is_there_is_completed_and_nothing_is_sampled(tmp_path: Path, judge: Judge) -> None:
    folder = measured(tmp_path / "e", judge)
    before = (folder.path / "samples.jsonl").read_text().splitlines()
    assert follows(folder) == {0: {None}, 1: {None}, 2: {None}}
    assert {(s.sample, s.trust.answers) for s in folder.samples() if s.trust} == {(0, 1), (1, 2), (2, None)}

    def nobody() -> Generator:
        raise AssertionError("the model was loaded")

    problems = load_problems(recipe().data.eval, "eval")
    evaluate(folder, Writer("scribe", nobody), problems, judge, recipe(metamorphic=True))
    assert follows(folder) == {0: {Follows(True, True)}, 1: {Follows(None, False)}, 2: {None}}
    after = (folder.path / "samples.jsonl").read_text().splitlines()
    for old, new in zip(map(json.loads, before), map(json.loads, after), strict=True):
        assert {**old, "trust": None} == {**new, "trust": None}
    evaluate(folder, Writer("scribe", nobody), problems, judge, recipe(metamorphic=True))
    assert (folder.path / "samples.jsonl").read_text().splitlines() == after


def test_a_run_without_them_has_its_answers_counted(tmp_path: Path, judge: Judge) -> None:
    summary = measured(tmp_path / "e", judge).summary()
    assert summary.all is not None and summary.all.trust is not None
    assert summary.all.trust.one_answer == 0.5
    assert (summary.all.trust.renamed, summary.all.trust.follow_renaming) == (0, None)


def test_other_problems_are_training_problems_of_the_same_task() -> None:
    table = DataTable.model_validate({**DATA, "tasks": {**TASKS, "gcd": {}}})
    held_out = load_problems(table, "eval")
    others, first = other_problems(table), next(problem for problem in held_out if problem.task == "lcm")
    found = list(others(first))
    assert len(found) == MOST_OTHERS
    assert {problem.task for problem in found} == {"lcm"}
    assert not {problem.question for problem in found} & {problem.question for problem in held_out}
    assert list(others(first)) == found


@pytest.mark.parametrize("source", [{"source": "file", "path": "nothing.jsonl", "size": 1}])
def test_a_source_that_makes_no_problems_has_no_others(source: dict[str, object]) -> None:
    table = DataTable.model_validate(source)
    assert list(other_problems(table)(load_problems(DataTable.model_validate(DATA), "eval")[0])) == []


def test_the_same_command_with_changes_finds_the_folder() -> None:
    def folder(*overrides: str) -> Path:
        recipe = load_recipe(ROOT / "recipes" / "quickstart.toml", overrides)
        return default_folder(Subject.of("pocket", None), recipe, PROLOG, None)

    assert folder("data.eval.size=80") == folder("eval.metamorphic=true", "data.eval.size=80")
    assert folder("data.eval.size=80") != folder("data.eval.size=81")
