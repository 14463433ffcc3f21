"""``lowres-code score``."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table

from lowres_code._util.progress import say
from lowres_code._util.screen import screen
from lowres_code._util.tables import STANDARD_INPUT
from lowres_code.cli.options import (
    NewPath,
    console,
    find_language,
    json_option,
    language_option,
    limits_of,
    limits_options,
    must_run,
    print_json,
    workers_option,
)
from lowres_code.errors import STOPPED, JudgeError, UsageError
from lowres_code.judgement import INFRA_ERROR
from lowres_code.remote.ray_cluster import LOCAL, check_address
from lowres_code.scoring.rows import Columns
from lowres_code.scoring.score import score
from lowres_code.scoring.tally import Tally


def ray_address(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """An address that is one; asked before FILE is missed, which may have been taken for it."""
    try:
        return value and check_address(value)
    except UsageError as error:
        raise click.BadParameter(f"{error}; FILE comes before --ray", context, option) from error


@click.command("score")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True, allow_dash=True))
@language_option
@click.option(
    "--column",
    "pairs",
    multiple=True,
    metavar="OURS=THEIRS",
    help="What FILE calls program, completion, answer, tests, append, prefix, query, form, checker, limits, id or "
    "task; as in program=output.",
)
@click.option("--skip-bad", is_flag=True, help="Leave out rows that cannot be judged, and count them.")
@click.option("--fraction", is_flag=True, help="Run the tests behind a failed one too: the share that is passed.")
@click.option(
    "--out",
    type=NewPath(dir_okay=False),
    help="Write a JSON line for each verdict there. The same command goes on with it after a stop.",
)
@limits_options
@click.option(
    "--ray",
    is_flag=False,
    flag_value=LOCAL,
    callback=ray_address,
    metavar="[ADDRESS]",
    help="Run the programs at all nodes of a Ray cluster, --workers at each: auto, HOST:PORT or ray://HOST:PORT; "
    "without ADDRESS in a Ray of this machine alone.",
)
@workers_option
@json_option
def command(
    file: Path,
    language: str,
    pairs: tuple[str, ...],
    skip_bad: bool,
    fraction: bool,
    out: Path | None,
    recipe: str | None,
    overrides: tuple[str, ...],
    isolation: str,
    judges: tuple[str, ...],
    ray: str | None,
    workers: int | None,
    as_json: bool,
) -> None:
    """Judge the completions in FILE: `program` or `completion`, and `answer`, `tests` or `append`.

    FILE is JSON Lines, CSV or Parquet by its suffix (`.jsonl`, `.csv`, `.parquet`, the first two also with `.gz`); `-`
    is JSON Lines from standard input. A row whose program or completion is a list has several samples, and the
    summary has pass@k.

    Exit code 0: all rows have a verdict; 3: the judge itself failed on some; 130: stopped by Ctrl-C.
    """
    backend = find_language(language, elsewhere=True)
    table = limits_of(recipe, overrides, isolation, workers, judges)
    must_run(backend, table, elsewhere=bool(ray))
    if ray and table.judge:
        asked = ", ".join(table.judge)
        raise UsageError(f"--ray with --judge {asked} (or LOWRES_CODE_JUDGE, or limits.judge): leave one of them out")
    errors = screen(stderr=True)
    try:
        tally = score(file, backend, table, errors, out, Columns.parse(pairs), skip_bad, fraction, ray)
    except KeyboardInterrupt as stop:
        say(errors, f"stopped; {_kept(file, out)}")
        raise SystemExit(STOPPED) from stop
    if as_json:
        print_json(tally.summary())
    else:
        _show(tally)
    if INFRA_ERROR in tally.verdicts:
        raise SystemExit(JudgeError.exit_code)


def _kept(file: Path, out: Path | None) -> str:
    if out is None:
        return "without --out nothing is kept"
    return f"{out} keeps the verdicts so far{'' if file == STANDARD_INPUT else '; the same command goes on with it'}"


def _show(tally: Tally) -> None:
    table = Table("verdict", "times", "share")
    total = tally.verdicts.total()
    for verdict, count in tally.verdicts.most_common():
        table.add_row(verdict, f"{count:,}", f"{count / total:.1%}")
    console().print(table)
    rates = tally.pass_at_k()
    lines = [f"{total:,} {'samples' if rates else 'rows'}", *(f"pass@{k} {rate}" for k, rate in rates.items())]
    lines += [f"{fraction:.1%} of the tests passed (mean)"] if (fraction := tally.fraction()) is not None else []
    lines += [f"{tally.skipped:,} bad rows left out"] if tally.skipped else []
    console().print("\n".join(lines), highlight=False, markup=False)
