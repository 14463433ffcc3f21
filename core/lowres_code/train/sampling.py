"""Samples of the training problems, judged and kept: what the supervised stage and the selection begin with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from lowres_code._util.progress import progress_line
from lowres_code.evaluation.folder import EvaluationFolder
from lowres_code.evaluation.record import SampleRecord
from lowres_code.evaluation.run import Writer, evaluate
from lowres_code.judge import Judge
from lowres_code.problem import Problem
from lowres_code.recipe.schema import Recipe
from lowres_code.recipe.stages import EvalTable, PromptTable, SamplingTable


def sample_and_judge(
    folder: Path,
    writer: Writer,
    problems: Sequence[Problem],
    judge: Judge,
    recipe: Recipe,
    table: SamplingTable,
    prompt: PromptTable,
    seed: int,
    console: Console,
) -> list[SampleRecord]:
    """Make what is missing of ``table.samples`` completions of each problem, judge them, and give all that are there.

    They are kept as those of an evaluation are, see `lowres_code.evaluation.run.evaluate`: what was drawn once is not
    drawn again.

    Args:
        folder: where.
        writer: writes the completions.
        problems: at least one.
        judge: of the language.
        recipe: of the run.
        table: how the problems are sampled.
        prompt: how the writer is asked.
        seed: of the draws.
        console: for progress.

    Raises:
        UsageError: the writer cannot be asked this way.
        JudgeError: the judge itself is broken.
    """
    drawn = EvalTable(
        samples=table.samples,
        temperature=table.temperature,
        top_p=table.top_p,
        max_new_tokens=table.max_new_tokens,
        batch_size=recipe.eval.batch_size,
        seed=seed,
    )
    asked = recipe.model_copy(update={"prompt": prompt, "eval": drawn})
    kept = EvaluationFolder(folder)
    with progress_line(console, f"sampling {len(problems)} problems") as progress:
        evaluate(kept, writer, problems, judge, asked, progress)
    return kept.samples()
