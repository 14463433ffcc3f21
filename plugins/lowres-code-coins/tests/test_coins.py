"""Values worked out by hand, and what the judge and a recipe rely on."""

from __future__ import annotations

import re

import pytest
from lowres_code import Judgement, Problem, RewardTerm, Test, UsageError, find_checker, load_recipe
from lowres_code.completion import format_completion, parse_completion
from lowres_code.recipe import find_recipe
from lowres_code.sources import Part
from lowres_code_coins import COINS, Coins, CoinsOptions, ShortOptions, shortness, ways_to_pay

SOURCE = Coins()
PARTS: tuple[Part, ...] = ("train", "eval")


def test_ways_to_pay() -> None:
    assert ways_to_pay(4, (1, 2)) == [1, 1, 2, 2, 3]  # 4 is 2+2, 2+1+1 and 1+1+1+1
    assert ways_to_pay(7, (2, 5)) == [1, 0, 1, 0, 1, 1, 1, 1]
    assert ways_to_pay(11, (1, 5, 10))[11] == 4  # 10+1, 5+5+1, 5 and six of 1, eleven of 1
    assert ways_to_pay(200, COINS)[200] == 73682  # https://projecteuler.net/problem=31


def test_a_problem_says_what_it_asks() -> None:
    options = CoinsOptions(largest=4, kinds=2)
    problems = [problem for part in PARTS for problem in SOURCE.problems(options, part, 1000, seed=0)]
    (problem,) = (problem for problem in problems if problem.id == "coins-4-with-1-2")
    assert problem.question.startswith("In how many ways can an amount of 4 be paid with coins of 1 and 2?")
    assert [test.expected for test in problem.tests] == ["3"]


def test_the_numbers_of_a_question_are_seldom_its_answer() -> None:
    problems = SOURCE.problems(CoinsOptions(), "train", 400, seed=0)
    copied = [p.id for p in problems if p.tests[0].expected in re.findall(r"\d+", p.question)]
    assert len(copied) < len(problems) / 5  # by chance, where there are few ways: 3 can be paid in 2 ways with 1 and 2


def test_no_question_is_in_both_parts_and_none_is_lost() -> None:
    options = CoinsOptions(largest=50, kinds=3)
    train, held_out = (
        {problem.question for seed in (0, 1) for problem in SOURCE.problems(options, part, 10_000, seed)}
        for part in PARTS
    )
    assert not train & held_out
    assert len(train) + len(held_out) == 56 * 50  # 56 ways to choose 3 of 8 coins


def test_a_seed_gives_the_same_problems_again_and_another_gives_others() -> None:
    first, again, other = (SOURCE.problems(CoinsOptions(), "train", 20, seed) for seed in (1, 1, 2))
    assert len(first) == len({problem.id for problem in first}) == 20
    assert first == again
    assert first != other


@pytest.mark.parametrize(
    ("verdict", "characters", "options", "value"),
    [
        ("correct", 10, {}, 1.0),
        ("correct", 200, {}, 1.0),
        ("correct", 300, {}, 0.5),
        ("correct", 1000, {}, 0.0),
        ("correct", 300, {"characters": 240}, 0.75),
        ("wrong_answer", 10, {}, 0.0),
        ("no_code", 0, {}, 0.0),
    ],
)
def test_short_is_for_right_programs_only(verdict: str, characters: int, options: dict[str, int], value: float) -> None:
    text = format_completion("Count.", "x" * characters) if characters else "I do not know."
    term = RewardTerm("short", "", shortness, ShortOptions()).with_options(options)
    problem = Problem("p", "How many?", (Test("1"),))
    assert term.score(problem, Judgement(verdict, parse_completion(text, ()))) == value


@pytest.mark.parametrize(
    ("checker", "answer", "right"),
    [
        ("pays", "50 20 10 5 2", True),
        ("pays", "[2,5,10,20,50]\n", True),
        ("pays", "50 30 7", False),  # there is no coin of 30
        ("pays", "50 20 10 5", False),
        ("pays(most=5)", "50, 20, 10, 5, 2", True),
        ("pays(most=4)", "50, 20, 10, 5, 2", False),
        ("pays", "nothing", False),
    ],
)
def test_an_amount_is_paid_in_any_way(checker: str, answer: str, right: bool) -> None:
    assert find_checker(checker).check("87", answer, "") is right


def test_what_is_no_amount_cannot_be_paid() -> None:
    with pytest.raises(UsageError, match="'pays' cannot be used: the expected answer must be an amount, not 'x'"):
        find_checker("pays").try_on("x", "")


def test_the_recipe_is_found_and_extends_quickstart() -> None:
    recipe = load_recipe(find_recipe("coins/pocket"))
    assert recipe.data.train.options == recipe.data.eval.options == {"largest": 100, "kinds": 3}
    assert recipe.reward == {"correct": 1.0, "format": 0.1, "syntax": 0.1, "short": 0.1}


def test_an_option_that_nobody_knows_is_refused() -> None:
    with pytest.raises(UsageError, match="unknown key; did you mean 'largest'"):
        load_recipe(find_recipe("coins/pocket"), ["data.train.lagest=10"])
