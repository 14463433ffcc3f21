"""Copies of a recipe, to be edited."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Literal

import tomli_w

from lowres_code._util.toml_errors import parse_toml
from lowres_code.errors import UsageError
from lowres_code.recipe.check import load_recipe
from lowres_code.recipe.diff import recipe_differences
from lowres_code.recipe.files import RecipeFile, as_if_at

_NOT_THERE = "word for word, it would not be the same recipe there"
_EXTENDS = re.compile(r"\s*extends\s*=")
_RESULTS = re.compile(r"\s*\[\[\s*expected\s*\]\]")
_TABLE = re.compile(r"\s*\[{1,2}[^\[\],]+\]{1,2}\s*(#.*)?$")
_CLAIMS_NOTHING = (
    "# [[expected]] is left out: results hold for the recipe as its author has it, and this copy is to be changed.\n"
)

Way = Literal["verbatim", "whole", "extending"]


def copied(file: RecipeFile, name: str, target: Path, way: Way) -> str:
    """The text of a copy.

    Args:
        file: what is copied.
        name: as the user calls it.
        target: where the copy will stand.
        way: ``verbatim``, word for word; ``whole``, with all that it extends and every default, of whose comments only
            the head is kept; ``extending``, a file that extends it, with its own lines as comments, to change some.
            ``[[expected]]`` is left out of each.

    Raises:
        UsageError: the recipe is not valid, or a verbatim copy would not be the same recipe there.
    """
    if way == "whole":
        recipe = load_recipe(file, training=False, seen_from=target.absolute().parent)
        tables = tomli_w.dumps(recipe.model_dump(exclude_none=True, exclude={"expected"}))
        return f"{_head(file)}{_CLAIMS_NOTHING if recipe.expected else ''}\n{tables}"
    text = _without_results(file)
    if way == "extending":
        lines = [_as_comment(line) for line in text.splitlines(keepends=True) if not _EXTENDS.match(line)]
        return f"extends = {json.dumps(_reference(file, name, target), ensure_ascii=False)}\n\n{''.join(lines)}"
    _must_be_the_same(file, text, target)
    return text


def _without_results(file: RecipeFile) -> str:
    """The text without its ``[[expected]]``, which says so in their place.

    Raises:
        UsageError: they are written in another way.
    """
    kept: list[str] = []
    held: list[str] = []  # comments within results; those behind the last key belong to what follows
    results = False
    for line in file.text.splitlines(keepends=True):
        if _RESULTS.match(line):
            kept += [] if _CLAIMS_NOTHING in kept else [_CLAIMS_NOTHING]
            results, held = True, []
        elif not results or _TABLE.match(line):
            kept += [*held, line]
            results, held = False, []
        else:
            held = [*held, line] if _is_comment(line) else []
    kept += held
    text = "".join(kept)
    if "expected" in parse_toml(text, file.name, "recipe"):
        raise UsageError(f"{file.name}: what is expected of it is not in tables [[expected]]; take --whole")
    return text


def _as_comment(line: str) -> str:
    return line if line.startswith("#") or not line.strip() else f"# {line}"


def _is_comment(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _head(file: RecipeFile) -> str:
    """The comments before anything else."""
    lines = file.text.splitlines(keepends=True)
    end = next((number for number, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return f"# A whole copy of {file.called}, SHA-256 {file.sha256}.\n#\n{''.join(lines[:end])}"


def _reference(file: RecipeFile, name: str, target: Path) -> str:
    """The recipe as the copy names it."""
    if file.path is None:
        return f"{name.partition('#')[0]}#sha256={file.sha256}"
    return os.path.relpath(file.path, target.absolute().parent) if name.endswith(".toml") else name


def _must_be_the_same(file: RecipeFile, text: str, target: Path) -> None:
    recipe = load_recipe(file, training=False)
    try:
        changed = recipe_differences(recipe, load_recipe(as_if_at(target, text), training=False))
    except UsageError as error:
        raise UsageError(f"{_NOT_THERE}: {str(error).splitlines()[0]}; take --whole") from error
    if changed:
        raise UsageError(f"{_NOT_THERE}: {', '.join(changed)} would be other; take --whole")
