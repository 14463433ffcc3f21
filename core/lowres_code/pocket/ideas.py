"""From a reasoning-gym entry to the idea of its solution, which every dialect can write down."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Claim = tuple[Any, ...]  # reasoning-gym's statement: ("lying", 1), ("and", claim, claim), ...


@dataclass(frozen=True, slots=True)
class Idea:
    """What a solution needs, free of any language.

    Attributes:
        kind: which template of a dialect writes it.
        reasoning: the sentence that stands before the program.
        fields: what the template is filled with.
        claims: for puzzles of liars, what each person says.
    """

    kind: str
    reasoning: str
    fields: Mapping[str, str]
    claims: tuple[Claim, ...] = ()


def idea_of(task: str, entry: Mapping[str, Any]) -> Idea:
    """The idea that solves one entry of reasoning-gym's ``task``; ``KeyError`` for a task that is not taught."""
    return _READERS[task](entry)


def _arithmetic(entry: Mapping[str, Any]) -> Idea:
    return Idea("arithmetic", "Compute the expression.", {"expression": entry["metadata"]["expression"]})


def _legs(entry: Mapping[str, Any]) -> Idea:
    from reasoning_gym.arithmetic.leg_counting import ANIMALS

    terms = [f"{count} * {ANIMALS[animal]}" for animal, count in entry["metadata"]["animals"].items()]
    return Idea("arithmetic", "Add the legs of all animals.", {"expression": " + ".join(terms)})


def _pair(kind: str, reasoning: str) -> Callable[[Mapping[str, Any]], Idea]:
    def read(entry: Mapping[str, Any]) -> Idea:
        a, b = entry["metadata"]["numbers"]
        return Idea(kind, reasoning, {"a": str(a), "b": str(b)})

    return read


def _bits(entry: Mapping[str, Any]) -> Idea:
    return Idea("bits", "Count the bits that are set.", {"n": str(entry["metadata"]["number"])})


def _fraction(entry: Mapping[str, Any]) -> Idea:
    numerator, denominator = entry["metadata"]["numerator"], entry["metadata"]["denominator"]
    return Idea("fraction", "Divide exactly.", {"a": str(numerator), "b": str(denominator)})


def _equation(entry: Mapping[str, Any]) -> Idea:
    left, right = entry["metadata"]["equation"].split(" = ")
    variable = entry["metadata"]["variable"]
    return Idea("equation", "Solve the equation.", {"variable": variable, "left": left, "right": right})


def _knights(entry: Mapping[str, Any]) -> Idea:
    meta = entry["metadata"]
    words = meta["knight_knave_terms"]
    fields = {"a": meta["names"][0], "b": meta["names"][1], "true": words["a_knight"], "false": words["a_knave"]}
    return Idea("knights", "Try who tells the truth.", {k: str(v) for k, v in fields.items()}, meta["statements"])


_READERS: dict[str, Callable[[Mapping[str, Any]], Idea]] = {
    "chain_sum": _arithmetic,
    "basic_arithmetic": _arithmetic,
    "products": _arithmetic,
    "leg_counting": _legs,
    "gcd": _pair("gcd", "Take the greatest common divisor."),
    "lcm": _pair("lcm", "Take the least common multiple."),
    "count_bits": _bits,
    "fraction_simplification": _fraction,
    "simple_equations": _equation,
    "knights_knaves": _knights,
}

TAUGHT_TASKS = tuple(_READERS)
