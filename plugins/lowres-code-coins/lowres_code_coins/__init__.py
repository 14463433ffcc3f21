"""Problems about paying with coins, a reward for short programs, a recipe that uses both, and a checker."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from lowres_code import (
    Checker,
    Problem,
    ProblemSource,
    RewardInput,
    RewardOptions,
    RewardTerm,
    SourceOptions,
    Test,
    hookimpl,
    part_of,
)
from lowres_code.sources import Part
from pydantic import Field

COINS = (1, 2, 5, 10, 20, 50, 100, 200)


class CoinsOptions(SourceOptions):
    """``largest``: the largest amount; ``kinds``: how many kinds of coins there are to pay with."""

    largest: int = Field(default=100, ge=1, le=1000)
    kinds: int = Field(default=3, ge=1, le=len(COINS))


class Coins(ProblemSource[CoinsOptions]):
    """In how many ways can an amount be paid? A question's text decides whether it is held out."""

    name = "coins"
    options = CoinsOptions

    def problems(self, options: CoinsOptions, part: Part, size: int, seed: int) -> list[Problem]:
        """A random choice of the part's problems, or all of them if there are no more than ``size``."""
        own = [problem for problem in _all_problems(options) if part_of(problem.question) == part]
        return random.Random(seed).sample(own, min(size, len(own)))


def _all_problems(options: CoinsOptions) -> Iterator[Problem]:
    for coins in itertools.combinations(COINS, options.kinds):
        for amount, ways in enumerate(ways_to_pay(options.largest, coins)):
            if amount:
                yield _problem(amount, coins, ways)


def _problem(amount: int, coins: tuple[int, ...], ways: int) -> Problem:
    *others, last = map(str, coins)
    listed = f"{', '.join(others)} and {last}" if others else last
    question = (
        f"In how many ways can an amount of {amount} be paid with coins of {listed}? There are as many of each as "
        "needed, and their order does not matter."
    )
    name = f"coins-{amount}-with-{'-'.join(map(str, coins))}"
    return Problem(id=name, question=question, tests=(Test(expected=str(ways)),), task="coins")


def ways_to_pay(largest: int, coins: tuple[int, ...]) -> list[int]:
    """In how many ways each amount from 0 to ``largest`` can be paid, by dynamic programming."""
    ways = [1] + [0] * largest  # without coins, only nothing can be paid
    for coin in coins:
        for amount in range(coin, largest + 1):
            ways[amount] += ways[amount - coin]
    return ways


class ShortOptions(RewardOptions):
    """``characters``: of a program that is short; one of twice as many is not short at all."""

    characters: int = Field(default=200, ge=1)


def shortness(given: RewardInput[ShortOptions]) -> float:
    """1 for a right program of at most that many characters, falling to 0 at twice as many; 0 for all others."""
    program = given.completion.program
    if program is None or not given.judgement.correct:
        return 0.0
    return min(1.0, max(0.0, 2 - len(program.strip()) / given.options.characters))


def pays(expected: str, actual: str, _stdin: str, *, most: int = 1000) -> bool:
    """Whether the answer is coins, at most so many, that together are the expected amount; in any order."""
    if not expected.strip().isdecimal():
        raise ValueError(f"the expected answer must be an amount, not {expected!r}")  # the problem is refused with that
    coins = [int(word) for word in re.findall(r"\d{1,9}", actual)]  # a program wrote it: it may be anything
    return len(coins) <= most and set(coins) <= set(COINS) and sum(coins) == int(expected)


@hookimpl
def register_problem_sources(register: Callable[[ProblemSource[Any]], None]) -> None:
    """For ``source = "coins"`` in a recipe's ``[data.train]`` and ``[data.eval]``."""
    register(Coins())


@hookimpl
def register_rewards(register: Callable[[RewardTerm[Any]], None]) -> None:
    """For ``short = WEIGHT`` in a recipe's ``[reward]``, or ``[reward.short]`` with options."""
    register(RewardTerm("short", "1 if the program is right and short", shortness, ShortOptions()))


@hookimpl
def register_checkers(register: Callable[[Checker], None]) -> None:
    """For ``"checker": "pays"`` in a row, or ``"pays(most=5)"``: where an amount can be paid in many ways."""
    register(Checker("pays", "coins that together are the expected amount", pays))


@hookimpl
def register_recipes(register: Callable[[Path], None]) -> None:
    """For ``--recipe coins/pocket``: the name is the path in this folder."""
    register(Path(__file__).parent / "recipes")
