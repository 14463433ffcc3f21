"""``lowres-code watch``."""

from __future__ import annotations

import threading
import time
import webbrowser
from pathlib import Path

import click

from lowres_code.cli.options import WholeNumber, console

EVERY_S = 2.0


@click.command("watch")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--port", type=WholeNumber(0, 65535), default=0, metavar="N", help="To serve the page on.")
@click.option("--open", "opens", is_flag=True, help="Open the page in a browser.")
def command(run: Path, port: int, opens: bool) -> None:
    """Watch the run in directory RUN while it trains: curves and samples as a page, the last steps here.

    The page is served to this machine alone, until Ctrl-C.
    """
    from lowres_code.report.terminal import steps_made
    from lowres_code.report.watch import PageServer
    from lowres_code.runs.directory import RunDirectory

    opened, screen = RunDirectory.open(run), console()
    with PageServer(opened, port) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        screen.print(f"page: {server.url}   (Ctrl-C ends this, and not the run)", soft_wrap=True)
        if opens:
            webbrowser.open(server.url)
        seen = ""
        try:
            while True:
                if (now := server.version()["version"]) != seen:
                    seen = now
                    screen.print(steps_made(opened))
                time.sleep(EVERY_S)
        except KeyboardInterrupt:
            server.shutdown()
