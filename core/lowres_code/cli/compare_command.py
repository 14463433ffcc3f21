"""``lowres-code compare``."""

from __future__ import annotations

from pathlib import Path

import click

from lowres_code.cli.options import console, json_option, print_json
from lowres_code.errors import UsageError


@click.command("compare")
@click.argument("evaluations", nargs=-1, type=click.Path(path_type=Path), metavar="A B [C...]")
@click.option("--anyway", is_flag=True, help="Also what was not asked the same, on the problems that both have.")
@json_option
def command(evaluations: tuple[Path, ...], anyway: bool, as_json: bool) -> None:
    """Compare evaluations with the first one, problem by problem.

    Each is the folder of an evaluation (as `lowres-code eval` makes it, or RUN/eval/base and RUN/eval/trained of a
    run); a single run is compared before and after training.
    """
    from lowres_code.evaluation.compare import compare
    from lowres_code.evaluation.folder import EvaluationFolder
    from lowres_code.report.terminal import comparison_table
    from lowres_code.runs.directory import RunDirectory

    if len(evaluations) == 1 and RunDirectory(evaluations[0]).exists():
        run = RunDirectory(evaluations[0])
        evaluations = (run.evaluation_folder("base").path, run.evaluation_folder("trained").path)
    if len(evaluations) < 2:
        raise UsageError("compare needs two evaluations or more: lowres-code compare RUN/eval/base RUN/eval/trained")
    for path in evaluations:
        if RunDirectory(path).exists():
            raise UsageError(f"{str(path)!r} is a run, not an evaluation: name {path}/eval/base or {path}/eval/trained")
    first, *others = map(EvaluationFolder, evaluations)
    comparisons = compare(first, others, anyway)
    if as_json:
        print_json([comparison.model_dump(mode="json") for comparison in comparisons])
        return
    for comparison in comparisons:
        console().print(comparison_table(comparison))
        for note in comparison.notes():
            click.echo(note)
