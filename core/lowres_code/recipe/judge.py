"""The judge that a recipe's ``[limits]`` describe."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from lowres_code.judge import Judge
from lowres_code.language import Language
from lowres_code.recipe.schema import LimitsTable
from lowres_code.sandbox.isolation import NO_WALLS


@contextmanager
def started_judge(table: LimitsTable, language: Language, console: Console) -> Iterator[Judge]:
    """A judge whose workers have started; a weak isolation is told, for somebody else may have written the recipe.

    Raises:
        JudgeError: the language cannot run here, or the isolation cannot be had.
    """
    with Judge(language, table.limits(), table.isolation, table.workers) as judge:
        judge.start()
        if judge.isolation == "limits":
            console.print(NO_WALLS, highlight=False)
        yield judge
