"""The suite ``logic``: for each kind of puzzle a program that solves it is right, and another answer is wrong."""

from __future__ import annotations

import re

import pytest
from lowres_code.judge import Judge
from lowres_code.judgement import Judgement
from lowres_code.problem import Problem
from lowres_code.recipe import find_recipe, load_recipe, open_suite
from lowres_code.recipe.build import load_problems

from tests.core.sources.logic_solvers import SOLVERS

EACH = 10


@pytest.fixture(scope="module")
def solved(judge: Judge) -> list[tuple[Problem, Judgement]]:
    """Problems of the suite, each with the judgement on the program that was made from its question."""
    changes = [f"data.eval.size={EACH * len(SOLVERS)}"]
    recipe = load_recipe(find_recipe("quickstart"), changes, suite=open_suite("logic", "prolog"))
    problems = load_problems(recipe.data.eval, "eval")
    programs = [f"<code>\n{SOLVERS[problem.task](problem.question)}\n</code>" for problem in problems]
    return list(zip(problems, judge.judge(programs, problems), strict=True))


def another(problem: Problem, answer: str) -> str:
    """An answer of the same form that is wrong."""
    question = problem.question
    if problem.task == "circuit_logic":
        return str(1 - int(answer))
    if problem.task in ("aiw", "self_reference"):
        return str(int(answer) + 1)
    if problem.task == "syllogism":
        return {"yes": "No", "no": "Yes"}[answer]
    if problem.task == "family_relationships":
        return "aunt" if answer == "wife" else "wife"
    if problem.task == "zebra_puzzles":
        names = re.findall(r"unique name: (.*)", question)[0].split(", ")
        return next(str(name) for name in names if name != answer)
    one, other = re.findall(r"So who is (an? \w+) and who is (an? \w+)\?", question)[0]
    name, _, role = answer.partition(",")[0].partition(" is ")
    return answer.replace(f"{name} is {role}", f"{name} is {other if role == one else one}", 1)


@pytest.mark.parametrize("task", sorted(SOLVERS))
def test_what_follows_from_the_question_is_the_right_answer(task: str, solved: list[tuple[Problem, Judgement]]) -> None:
    found = [(judgement.verdict, problem.question) for problem, judgement in solved if problem.task == task]
    assert len(found) == EACH
    assert [one for one in found if one[0] != "correct"] == []


@pytest.mark.parametrize("task", sorted(SOLVERS))
def test_another_answer_is_wrong(task: str, judge: Judge, solved: list[tuple[Problem, Judgement]]) -> None:
    problems = [problem for problem, _ in solved if problem.task == task]
    answers = [str(judgement.execution and judgement.execution.answer) for p, judgement in solved if p.task == task]
    wrong = [another(problem, answer) for problem, answer in zip(problems, answers, strict=True)]
    judged = judge.judge([f'<code>\nsolve("{answer}").\n</code>' for answer in wrong], problems)
    assert [
        (it.verdict, answer) for it, answer in zip(judged, wrong, strict=True) if it.verdict != "wrong_answer"
    ] == []


def test_the_suite_asks_what_has_a_solver_here() -> None:
    recipe = load_recipe(find_recipe("quickstart"), suite=open_suite("logic", "prolog"))
    assert sorted(recipe.data.eval.options["tasks"]) == sorted(SOLVERS)
