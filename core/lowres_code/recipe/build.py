"""From a recipe's tables to what they describe: problems, and a judge."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, get_args

from rich.console import Console

from lowres_code._util.given import must_be
from lowres_code._util.records import shown
from lowres_code._util.replayed import Replayed
from lowres_code.errors import UsageError
from lowres_code.judge import Judge
from lowres_code.language.base import Language
from lowres_code.metamorphic import Others
from lowres_code.plugins.manager import plugin_manager
from lowres_code.problem import Problem
from lowres_code.recipe.schema import DataTable, LimitsTable, Recipe, RewardTable
from lowres_code.reward import RewardTerm
from lowres_code.sandbox.isolation import NO_ISOLATION
from lowres_code.sources import Part


def load_problems(table: DataTable, part: Part, run_seed: int = 0) -> list[Problem]:
    """The problems of a data table.

    The table's own seed chooses them. Without one, training problems are chosen by the run's seed, and held-out
    problems by 0: these are the same whatever the run's seed and that of the sampling, so that figures are comparable.

    Args:
        table: ``[data.train]`` or ``[data.eval]``.
        part: which of the two it is.
        run_seed: the seed of the whole run (``--seed``).

    Raises:
        UsageError: there are none.
    """
    must_be(table, DataTable, "load_problems takes a recipe's table, as recipe.data.eval")
    if part not in get_args(Part):
        raise UsageError(f'load_problems takes a table and "train" or "eval", not {shown(part)}')
    seed = table.seed if table.seed is not None else run_seed if part == "train" else 0
    problems = plugin_manager().problem_sources[table.source].thing.load(table.options, part, table.size, seed)
    if not problems:
        raise UsageError(f"data.{part}: source {table.source!r} gives no problems")
    return problems


def other_problems(table: DataTable) -> Others:
    """What gives problems that may differ from one of a data table's in their numbers alone; each task's are made once.

    They are training problems, whichever table it is: nothing that is held out is for a reward to see.
    """
    source = plugin_manager().problem_sources[table.source].thing
    made: dict[str, Replayed[Problem]] = {}

    def others(problem: Problem) -> Iterator[Problem]:
        if problem.task not in made:
            made[problem.task] = Replayed(source.load_others(table.options, problem.task))
        return iter(made[problem.task])

    return others


def reward_terms(recipe: Recipe, language: Language) -> list[RewardTerm[Any]]:
    """The reward terms of a recipe with their options, in its order.

    Raises:
        UsageError: a term needs an analysis of the program, and the language offers none.
    """
    terms = []
    for name, table in recipe.reward.items():
        term = plugin_manager().rewards[name].thing
        _must_tell(
            language, name, "analyses", term.needs_analysis or bool(term.needs_follows), "an analysis of the program"
        )
        _must_tell(language, name, "enumerates", term.needs_answers, "all answers of a program")
        terms.append(term.with_options(table.options if isinstance(table, RewardTable) else {}))
    return terms


def _must_tell(language: Language, name: str, attribute: str, needed: bool, what: str) -> None:
    if needed and not getattr(language, attribute):
        able = [name for name, known in plugin_manager().languages.items() if getattr(known.thing, attribute)]
        raise UsageError(
            f"reward.{name} needs {what}, which {language.title} does not offer (only: "
            f'{", ".join(able)}); leave the term out: remove = ["reward.{name}"] in a recipe that extends this one'
        )


@contextmanager
def started_judge(table: LimitsTable, language: Language, console: Console, ray: str | None = None) -> Iterator[Judge]:
    """A judge whose workers have started; a weak isolation is told, for somebody else may have written the recipe.

    ``ray``: the address of a Ray cluster that is to run the programs.

    Raises:
        JudgeError: the language cannot run here, the isolation cannot be had, or no served judge or cluster answers.
    """
    with Judge(language, table.limits(), table.isolation, table.workers, table.judge, ray) as judge:
        judge.start()
        if judge.isolation == "limits":
            console.print(NO_ISOLATION, highlight=False)
        yield judge
