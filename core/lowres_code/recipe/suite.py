"""Suites: standard sets of problems, with which any recipe's model is measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from lowres_code._util.toml_errors import Tree, parse_toml, read_text, validation_errors
from lowres_code.errors import UsageError
from lowres_code.recipe.locate import find_suite, suite_names
from lowres_code.recipe.schema import DataTable
from lowres_code.recipe.table import About, Table


class SuiteData(Table):
    """``[data]`` of a suite."""

    eval: DataTable


class SuiteTable(Table):
    """What a suite's file may say: the parts of a recipe that say what is asked.

    Attributes:
        recipe: for people.
        data: ``[data.eval]``, which takes the place of the recipe's.
        limits, eval: keys that are laid over the recipe's; what is not here stays as the recipe has it.
        languages: if it is there, the suite is for these only. Each name has the keys that ``[data.eval]`` has in that
            language besides.
    """

    recipe: About = About()
    data: SuiteData
    limits: dict[str, Any] = Field(default={})
    eval: dict[str, Any] = Field(default={})
    languages: dict[str, dict[str, Any]] | None = None


@dataclass(frozen=True, slots=True)
class Suite:
    """A suite, as it is for one language.

    Attributes:
        name: as the user calls it.
        path: of its file; names of files in it are seen from there.
        problems: its ``[data.eval]``.
        others: ``limits`` and ``eval``, by name.
    """

    name: str
    path: Path
    problems: Tree
    others: Mapping[str, Tree]


def open_suite(name: str, language: str) -> Suite:
    """A suite by its name or its path.

    Args:
        name: of the suite.
        language: that is to be measured, by its name.

    Raises:
        UsageError: there is none, it is not valid, or it is not for this language.
    """
    path = find_suite(name)
    table = read_suite(path)
    if table.languages is not None and language not in table.languages:
        raise UsageError(f"the suite {name!r} is for {', '.join(sorted(table.languages))}; not for {language}")
    own = (table.languages or {}).get(language, {})
    problems = {**table.data.eval.model_dump(exclude_none=True), **own}
    return Suite(name, path, problems, {"limits": table.limits, "eval": table.eval})


def read_suite(path: Path) -> SuiteTable:
    """What the file of a suite says.

    Raises:
        UsageError: it cannot be read, or is not valid, with everything that is wrong, a line each.
    """
    try:
        return SuiteTable.model_validate(parse_toml(read_text(path, "suite"), str(path), "suite"))
    except ValidationError as error:
        errors = validation_errors(error, SuiteTable)
        raise UsageError("\n  ".join([f"{path} is not a valid suite:", *errors])) from error


def suites() -> dict[str, SuiteTable | UsageError]:
    """All suites that can be named; of those that are not valid, what is wrong."""
    found: dict[str, SuiteTable | UsageError] = {}
    for name, path in suite_names().items():
        try:
            found[name] = read_suite(path)
        except UsageError as error:  # noqa: PERF203 - one may be somebody else's, and the others are there all the same
            found[name] = error
    return found
