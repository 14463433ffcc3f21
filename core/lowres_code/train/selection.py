"""Which problems GRPO trains on: those that the model gets right sometimes, but not always.

Of the others every group of completions has one and the same reward, and nothing is learned from it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.console import Console

from lowres_code._util.files import read_json_lines, write_records
from lowres_code._util.progress import say
from lowres_code.errors import UsageError
from lowres_code.evaluation.record import SampleRecord
from lowres_code.evaluation.run import Writer
from lowres_code.generation.base import Generator, seed_of
from lowres_code.generation.models import shown_name
from lowres_code.judge import Judge
from lowres_code.judgement import INFRA_ERROR
from lowres_code.problem import Problem
from lowres_code.recipe.schema import Recipe
from lowres_code.recipe.stages import SelectionTable
from lowres_code.runs.directory import RunDirectory
from lowres_code.train.sampling import sample_and_judge


def select_problems(
    table: SelectionTable,
    run: RunDirectory,
    recipe: Recipe,
    judge: Judge,
    problems: Sequence[Problem],
    opened: Callable[[], Generator],
    seed: int,
    console: Console,
) -> list[Problem]:
    """Sample the problems, keep those that are right sometimes but not always, and tell what share that is.

    ``selection.jsonl`` in the run has a line for each problem, ``selection/`` every judged sample. What is there is
    not made again.

    Args:
        table: ``[selection]``.
        run: keeps both.
        recipe: of the run; problems are asked as in training.
        judge: of the language.
        problems: to choose from.
        opened: loads the model that is to be trained.
        seed: of the run.
        console: for progress.

    Raises:
        UsageError: no problem is kept.
        JudgeError: the judge itself is broken.
    """
    problems = problems[: table.problems]
    if not run.selection_file.is_file():
        samples = sample_and_judge(
            run.path / "selection",
            Writer(f"{shown_name(recipe.model)}, before GRPO", opened),
            problems,
            judge,
            recipe,
            table,
            recipe.prompt,
            seed_of(seed, "selection"),
            console,
        )
        write_records(run.selection_file, selection_of(problems, samples))
    records = list(read_json_lines(run.selection_file))
    kept = {record["problem"] for record in records if 0 < record["right"] < record["samples"]}
    never = sum(record["right"] == 0 for record in records)
    said = (
        f"selection: {len(kept)} of {len(records)} problems are kept ({len(kept) / len(records):.0%}); "
        f"{never} were never right, {len(records) - len(kept) - never} always"
    )
    say(console, said)
    if not kept:
        raise UsageError(f"{said}: nothing is left to train on; try more selection.samples or other problems")
    return [problem for problem in problems if problem.id in kept]


def selection_of(problems: Sequence[Problem], samples: Sequence[SampleRecord]) -> list[dict[str, object]]:
    """How often each problem was right, of how many samples; the judge's own failures are no samples."""
    right, judged = dict.fromkeys((p.id for p in problems), 0), dict.fromkeys((p.id for p in problems), 0)
    for sample in samples:
        right[sample.problem] += sample.correct
        judged[sample.problem] += sample.verdict != INFRA_ERROR
    return [{"problem": p.id, "task": p.task, "right": right[p.id], "samples": judged[p.id]} for p in problems]
