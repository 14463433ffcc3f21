from __future__ import annotations

import pytest
from lowres_code.errors import near_match


@pytest.mark.parametrize(
    ("name", "known", "said"),
    [
        ("rewad", ["reward", "train"], "did you mean 'reward'?"),
        ("arith", ["basic_arithmetic", "gcd"], "did you mean 'basic_arithmetic'?"),
        ("xyz", ["b", "a"], "known: a, b"),
        ("xyz", [], "none is known"),
    ],
)
def test_the_nearest_name_or_all_of_a_few(name: str, known: list[str], said: str) -> None:
    assert near_match(name, known) == said


def test_of_many_names_only_the_nearest_are_listed() -> None:
    known = [f"option_{number:03}" for number in range(190)] + ["zz1", "zz2"]
    said = near_match("zz9zzzzzz", known)
    assert said.startswith("the nearest of 192: zz")
    assert said.count(",") == 7
