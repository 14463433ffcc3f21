"""``lowres-code report``."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import click

from lowres_code._util.files import must_be_writable
from lowres_code.cli.options import NewPath, console, json_option


@click.command("report")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")
@click.option("--out", type=NewPath(), metavar="FILE", help="The page; by default RUN/report.html.")
@click.option("--open", "opens", is_flag=True, help="Open the page in a browser.")
@json_option
def command(paths: tuple[Path, ...], out: Path | None, opens: bool, as_json: bool) -> None:
    """What runs and evaluations came to, here and as a page with every sample.

    RUN is the directory of a run or the folder of an evaluation; several are compared. The page is one
    file that opens anywhere, without a network.
    """
    from lowres_code.report.html import write_page
    from lowres_code.report.page_data import page_of
    from lowres_code.report.terminal import print_evaluation, print_run
    from lowres_code.runs.directory import RunDirectory
    from lowres_code.runs.loaded import load_evaluation

    target = out or (paths[0] / "report.html" if len(paths) == 1 else Path("report.html"))
    if out and not as_json:  # else the figures are worth having without the page
        must_be_writable(out)
    page = page_of(paths)
    if as_json:
        click.echo(page.as_json())
        return
    screen = console()
    for path in paths:
        if RunDirectory(path).exists():
            print_run(RunDirectory(path), screen)
        else:
            print_evaluation(load_evaluation(path), screen)
    write_page(page, target)
    screen.print(f"page: {target}", soft_wrap=True)
    if opens:
        webbrowser.open(target.absolute().as_uri())
