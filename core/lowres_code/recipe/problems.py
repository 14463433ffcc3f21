"""The problems that a recipe's data tables name."""

from __future__ import annotations

from lowres_code.errors import UsageError
from lowres_code.plugins.manager import plugin_manager
from lowres_code.problem import Problem
from lowres_code.recipe.schema import DataTable
from lowres_code.sources import Part


def load_problems(table: DataTable, part: Part, seed: int) -> list[Problem]:
    """The problems of a data table; its own seed, if it has one, comes before the run's.

    Raises:
        UsageError: there are none.
    """
    source = plugin_manager().problem_sources[table.source].thing
    problems = source.load(table.options, part, table.size, seed if table.seed is None else table.seed)
    if not problems:
        raise UsageError(f"data.{part}: source {table.source!r} gives no problems")
    return problems
