"""What makes two recipes different, key by key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lowres_code.recipe.schema import Recipe

Flat = dict[str, Any]


def recipe_differences(one: Recipe, other: Recipe) -> dict[str, tuple[Any, Any]]:
    """By dotted key what each recipe says, with its defaults; ``None`` where it says nothing.

    ``[recipe]`` and ``[[expected]]`` are left out: they say what a recipe is called, and what came of it.
    """
    left, right = (dict(_leaves(_meant(recipe), "")) for recipe in (one, other))
    keys = [*left, *(key for key in right if key not in left)]
    return {key: (left.get(key), right.get(key)) for key in keys if left.get(key) != right.get(key)}


def _meant(recipe: Recipe) -> Flat:
    return recipe.model_dump(exclude_none=True, exclude={"recipe", "expected"})


def _leaves(value: object, place: str) -> Iterator[tuple[str, object]]:
    if not isinstance(value, dict) or (place and not value):
        yield place, value
        return
    for key, below in value.items():
        yield from _leaves(below, f"{place}.{key}" if place else str(key))
