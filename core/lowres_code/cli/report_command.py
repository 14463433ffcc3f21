"""``lowres-code report``."""

from __future__ import annotations

from pathlib import Path

import click

from lowres_code.cli.options import console


@click.command("report")
@click.argument("run", type=click.Path(path_type=Path))
def command(run: Path) -> None:
    """How far the run in directory RUN came, and what it gained."""
    from lowres_code.report.terminal import print_run
    from lowres_code.runs.directory import RunDirectory

    print_run(RunDirectory.open(run), console())
