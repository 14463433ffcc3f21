"""``lowres-code score``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from lowres_code._util.files import JsonLines, must_be_writable
from lowres_code._util.progress import progress_line
from lowres_code.cli.options import (
    console,
    find_language,
    json_option,
    language_option,
    limits_of,
    limits_options,
    print_json,
    workers_option,
)
from lowres_code.errors import JudgeError, UsageError
from lowres_code.evaluation.score import read_rows, score
from lowres_code.judge import INFRA_ERROR
from lowres_code.recipe.build import started_judge


@click.command("score")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@language_option
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write one JSON line for each row there.")
@limits_options
@workers_option
@json_option
def command(
    file: Path,
    language: str,
    out: Path | None,
    recipe: str | None,
    overrides: tuple[str, ...],
    isolation: str,
    workers: int | None,
    as_json: bool,
) -> None:
    """Judge the completions in FILE (JSON Lines: `program` or `completion`, and `answer` or `tests`).

    Exit code 0: all rows have a verdict; 3: the judge itself failed on some.
    """
    backend = find_language(language)
    table = limits_of(recipe, overrides, isolation, workers)
    rows = read_rows(file, backend)
    if out:
        must_be_writable(out)
        if out.exists():
            raise UsageError(f"{str(out)!r} is already there: remove it, or name another file with --out")
    lines = JsonLines(out) if out else None
    counted, screen = 0, Console(stderr=True)
    judging, progressing = started_judge(table, backend, screen), progress_line(screen, f"judging {len(rows)} rows")
    with judging as judge, progressing as progress:

        def done(results: list[dict[str, Any]]) -> None:
            nonlocal counted
            counted += len(results)
            if lines:
                lines.append(*results)
            progress(counted, len(rows))

        summary = score(rows, judge, done)
    if as_json:
        print_json(summary)
    else:
        _show(summary)
    if INFRA_ERROR in summary["verdicts"]:
        raise SystemExit(JudgeError.exit_code)


def _show(summary: dict[str, Any]) -> None:
    table = Table("verdict", "rows", "share")
    for verdict, count in summary["verdicts"].items():
        table.add_row(verdict, str(count), f"{count / summary['n']:.1%}")
    console().print(table)
    console().print(f"{summary['n']} rows")
