"""``lowres-code export``."""

from __future__ import annotations

from pathlib import Path

import click

from lowres_code.cli.options import NewPath, console
from lowres_code.errors import UsageError


@click.command("export")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--merged", is_flag=True, help="A whole model: the adapter merged into its base.")
@click.option("--adapter", is_flag=True, help="The adapter alone.")
@click.option("--out", type=NewPath(), metavar="DIR", help="The new folder; by default RUN/export.")
@click.option("--push", "hub_name", metavar="OWNER/NAME", help="Also upload it to the Hugging Face hub.")
def command(run: Path, merged: bool, adapter: bool, out: Path | None, hub_name: str | None) -> None:
    """Write the model that the run in directory RUN has trained, with a model card.

    The card says how it was trained and measured, from the run's own record.
    """
    from lowres_code._util.quiet import quiet_libraries
    from lowres_code.runs.directory import RunDirectory
    from lowres_code.runs.export import Form, check_hub_name, export, push

    if merged and adapter:
        raise UsageError("--merged and --adapter do not go together")
    if hub_name:
        check_hub_name(hub_name)
    quiet_libraries()
    opened = RunDirectory.open(run)
    form: Form | None = "merged" if merged else "adapter" if adapter else None
    folder = export(opened, out or run / "export", form)
    console().print(f"exported to {folder}", highlight=False, markup=False, soft_wrap=True)
    if hub_name:
        console().print(f"pushed: {push(folder, hub_name)}", highlight=False, markup=False, soft_wrap=True)
