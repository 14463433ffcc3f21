"""Syllogisms: the counts of the textbooks, and what reasoning-gym says of some and is not so."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
from lowres_code.sources.reasoning_gym_rules import follows_or_not
from lowres_code.sources.syllogisms import verdict

FORMS = ("All {} are {}", "No {} are {}", "Some {} are {}", "Some {} are not {}")
FIGURES = (("mp", "sm"), ("pm", "sm"), ("mp", "ms"), ("pm", "ms"))  # major premise, minor premise


def test_of_256_forms_15_are_valid_and_9_more_if_no_set_is_empty() -> None:
    found: Counter[bool | None] = Counter()
    for (major, minor), forms in itertools.product(FIGURES, itertools.product(FORMS, repeat=3)):
        premises = [form.format(*pair) for form, pair in zip(forms, (major, minor), strict=False)]
        found[verdict(premises, forms[2].format("s", "p"))] += 1
    assert found == {True: 15, None: 9, False: 232}


@pytest.mark.parametrize(
    ("first", "second", "conclusion", "follows"),
    [
        ("All dogs are cats", "All cats are fish", "All dogs are fish", True),
        ("All dogs are cats", "Some cats are fish", "Some dogs are fish", False),
        ("No dogs are cats", "Some cats are fish", "No cats are dogs", True),
        ("All dogs are cats", "Some cats are fish", "Some cats are dogs", None),
        ("All dogs are cats", "Some dogs are fish", "Some cats are dogs", True),  # there is a dog, for it is a fish
        ("Some dogs are not cats", "All cats are fish", "Some cats are not dogs", False),
    ],
)
def test_what_follows(first: str, second: str, conclusion: str, follows: bool | None) -> None:
    assert verdict((first, second), conclusion) is follows
    for answer in ("Yes", "No"):
        entry = {"answer": answer, "metadata": {"premise1": first, "premise2": second, "conclusion": conclusion}}
        assert follows_or_not(entry) is (follows is not None and follows is (answer == "Yes"))


@pytest.mark.parametrize("text", ["Most dogs are cats", "All dogs are", "Some owls are mice"])
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"cannot read|more than three"):
        verdict(("All dogs are cats", "All cats are fish"), text)
