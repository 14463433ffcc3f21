"""No task of the recipes that ship rewards copying: nothing that stands in a question is a right answer to it.

A number of the question may be the answer by chance: 6 is the least common multiple of 2 and 6. So may a fraction that
is in lowest terms already. Of ``92/524`` or ``8 / 2`` no copy is right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from lowres_code.answers import same_answer
from lowres_code.forms import lowest_terms
from lowres_code.problem import Problem
from lowres_code.recipe import find_recipe, load_recipe
from lowres_code.sources.reasoning_gym import ReasoningGym

TASKS = load_recipe(find_recipe("quickstart")).data.train.options["tasks"]
PROBLEMS = 100

# Of 100 problems, how many at most have an answer that stands in them by chance. Counted: 21 in lcm (one number is a
# multiple of the other), 8 in basic_arithmetic and 7 in products (times 1, plus 0), 6, 3, 2 and 1 in others.
BY_CHANCE = {"lcm": 35, "basic_arithmetic": 20, "products": 20}
FEW = 12

TOKEN = re.compile(r"\d+(?:\.\d+)?|[A-Za-z]+|[^\s\w]")


def copies(question: str) -> Iterator[str]:
    """All that somebody could copy: runs of up to a dozen tokens as they stand, signs and blanks included."""
    places = [match.span() for match in TOKEN.finditer(question)]
    for first in range(len(places)):
        for last in range(first, min(first + 12, len(places))):
            yield question[places[first][0] : places[last][1]]
    yield question


def is_right(problem: Problem, answer: str) -> bool:
    (test,) = problem.tests
    same = test.expected is None or same_answer(test.expected, answer)
    return same and (test.check is None or test.check(answer))


def by_chance(task: str, copy: str) -> bool:
    """Whether a copy that is right says the answer itself, a full stop behind it or not."""
    is_number = re.fullmatch(r"-?\d+(\.\d*)?", copy) is not None
    return is_number or (task == "fraction_simplification" and lowest_terms(copy))


@pytest.mark.parametrize("task", sorted(TASKS))
def test_what_stands_in_a_question_is_not_its_answer(task: str) -> None:
    problems = ReasoningGym().load({"tasks": {task: TASKS[task]}}, "train", PROBLEMS, 3)
    assert len(problems) == PROBLEMS
    right = [(p.question, copy) for p in problems for copy in copies(p.question) if is_right(p, copy)]
    assert [(question, copy) for question, copy in right if not by_chance(task, copy)] == []
    assert len({question for question, _ in right}) <= BY_CHANCE.get(task, FEW)


@pytest.mark.parametrize(
    ("task", "expected", "right", "wrong"),
    [
        ("fraction_simplification", "23/131", ["23/131", "23r131", " 23 / 131"], ["92/524", "92r524", "0.175572519"]),
        ("basic_arithmetic", "4", ["4", "4.0", "4.00"], ["8 / 2", "8/2", "8r2"]),
    ],
)
def test_the_form_of_an_answer_counts_where_it_is_the_point(
    task: str, expected: str, right: list[str], wrong: list[str]
) -> None:
    (problem,) = ReasoningGym().load({"tasks": {task: TASKS[task]}}, "train", 1, 0)
    (test,) = problem.tests
    assert test.check is not None
    assert all(same_answer(expected, answer) and test.check(answer) for answer in right)
    assert not any(test.check(answer) for answer in wrong)
