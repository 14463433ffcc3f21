"""The tasks of the suite ``rosetta``: a program that solves each is right, and nothing that is shown helps another."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from lowres_code.judge import Judge
from lowres_code.metamorphic import follow
from lowres_code.problem import Problem
from lowres_code.recipe import find_recipe, load_recipe, open_suite
from lowres_code.recipe.build import load_problems
from lowres_code.solutions import count_answers
from lowres_code.trust import is_bare

TEXT = Path(__file__).with_name("rosetta_programs.txt").read_text()
PROGRAMS = dict(re.findall(r"^% (\S+)\n((?:(?!% ).*\n)+)", TEXT, re.MULTILINE))


@pytest.fixture(scope="module")
def problems() -> list[Problem]:
    recipe = load_recipe(find_recipe("quickstart"), suite=open_suite("rosetta", "prolog"))
    return load_problems(recipe.data.eval, "eval")


def asked(problem: Problem, query: str, answer: str) -> Problem:
    (test,) = problem.tests
    return dataclasses.replace(problem, tests=(dataclasses.replace(test, query=query, expected=answer),))


def verdicts(judge: Judge, problems: list[Problem], programs: list[str]) -> dict[str, str]:
    judged = judge.judge([f"<code>\n{program}\n</code>" for program in programs], problems)
    return {problem.id: found.verdict for problem, found in zip(problems, judged, strict=True)}


def test_a_program_that_solves_a_task_is_right(judge: Judge, problems: list[Problem]) -> None:
    assert sorted(PROGRAMS) == sorted(problem.id for problem in problems)
    assert len(problems) == 26
    programs = [PROGRAMS[problem.id] for problem in problems]
    assert verdicts(judge, problems, programs) == {problem.id: "correct" for problem in problems}


def test_a_program_that_solves_a_task_is_programmed(judge: Judge, problems: list[Problem]) -> None:
    texts = [f"<code>\n{PROGRAMS[problem.id]}\n</code>" for problem in problems]
    judged = judge.analyse(judge.judge(texts, problems))
    judged = follow(judge, count_answers(judge, judged, problems), problems)
    pairs = [*zip(judged, problems, strict=True)]
    assert [problem.id for one, problem in pairs if one.analysis is None or is_bare(one, problem)] == []
    assert [problem.id for one, problem in pairs if one.follows is None or one.follows.renaming is False] == []
    assert {one.answers for one in judged} == {1}


def test_what_states_the_answer_to_a_task_is_bare(judge: Judge, problems: list[Problem]) -> None:
    stated = {"factorial": "factorial(_, 2432902008176640000).", "roman-numerals": "roman(_, 'MCMXCIV')."}
    asked = [problem for problem in problems if problem.id in stated]
    judged = judge.analyse(judge.judge([f"<code>\n{stated[problem.id]}\n</code>" for problem in asked], asked))
    assert [(one.verdict, is_bare(one, problem)) for one, problem in zip(judged, asked, strict=True)] == [
        ("correct", True)
    ] * 2


def test_another_answer_is_wrong(judge: Judge, problems: list[Problem]) -> None:
    programs = [str(problem.tests[0].query).replace("X)", "other)") + "." for problem in problems]
    assert verdicts(judge, problems, programs) == {problem.id: "wrong_answer" for problem in problems}


def test_a_constant_that_could_be_guessed_is_wrong(judge: Judge, problems: list[Problem]) -> None:
    """One answer to every query of a predicate: each that may come out for one of the values."""
    constants = {
        "palindrome": ("palindrome(_, {}).", ["yes", "no"]),
        "balanced-brackets": ("balanced(_, {}).", ["yes", "no"]),
        "digital-root": ("digital_root(_, {}).", [str(n) for n in range(1, 10)]),
        "cheapest-route": ("route(_, _, {}).", ["[a,c,b,d]", "[c,b,d,e]", "[b,d,e]", "[a,c,b,d,e]"]),
        "queens": ("queens(_, {}).", [str(n) for n in range(13)]),
        "edit-distance": ("distance(_, _, {}).", [str(n) for n in range(8)]),
        "greatest-common-divisor": ("common_divisor(_, _, {}).", ["1", "12", "21"]),
        "counting-change": ("change(_, _, {}).", ["0", "49"]),
        "collatz": ("collatz(_, {}).", ["0", "16", "111"]),
    }
    by_id = {problem.id: problem for problem in problems}
    asked = [(by_id[name], text.format(one)) for name, (text, values) in constants.items() for one in values]
    judged = judge.judge([f"<code>\n{program}\n</code>" for _, program in asked], [one for one, _ in asked])
    assert {found.verdict for found in judged} == {"wrong_answer"}


def test_what_a_question_shows_is_true_and_is_not_what_is_asked(judge: Judge, problems: list[Problem]) -> None:
    shown = {p.id: re.findall(r"For example, (.*X\)) gives X = (.*)\. The program", p.question) for p in problems}
    examples = [asked(problem, *shown[problem.id][0]) for problem in problems]
    programs = [PROGRAMS[problem.id] for problem in problems]
    assert verdicts(judge, examples, programs) == {problem.id: "correct" for problem in problems}
    for problem in problems:
        assert str(problem.tests[0].query) not in problem.question
