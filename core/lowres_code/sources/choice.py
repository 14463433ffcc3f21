"""Which problems are taken where there are more than are wanted: every task has its share, in every prefix."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import islice
from typing import TypeVar

from lowres_code.problem import Problem

T = TypeVar("T")


def spread(streams: Sequence[tuple[int, Iterable[T]]], seed: int) -> Iterator[T]:
    """Merge streams so that every prefix holds them in proportion to their weights, as evenly as can be.

    This is the apportionment of Webster and Sainte-Laguë: the n-th thing of a stream of weight w has its place at
    (n - 1/2) / w. A stream that has ended leaves its place to the others.

    Args:
        streams: each with its weight; one of weight 0 is left out.
        seed: chooses which stream is first where several have the same place.
    """
    ranks = random.Random(seed).sample(range(len(streams)), len(streams))
    placed = [_placed(w, rank, stream) for (w, stream), rank in zip(streams, ranks, strict=True) if w]
    return (thing for *_, thing in heapq.merge(*placed, key=lambda item: item[:2]))


def _placed(weight: int, rank: int, things: Iterable[T]) -> Iterator[tuple[Fraction, int, T]]:
    for number, thing in enumerate(things):
        yield Fraction(2 * number + 1, 2 * weight), rank, thing


def choose(problems: Sequence[Problem], size: int, seed: int) -> list[Problem]:
    """``size`` of the problems in random order, or all of them; each task has its share."""
    rng = random.Random(seed)
    tasks: dict[str, list[Problem]] = {}
    for problem in problems:
        tasks.setdefault(problem.task, []).append(problem)
    mixed = [(len(task), rng.sample(task, min(size, len(task)))) for task in tasks.values()]
    return list(islice(spread(mixed, seed), size))
