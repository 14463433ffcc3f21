"""``lowres-code serve``."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import click

from lowres_code.cli.options import WholeNumber, isolation_option, workers_option
from lowres_code.errors import UsageError

_EXTRA = ("fastapi", "uvicorn", "httptools", "prometheus_client")


@click.command("serve")
@click.option("--lang", "languages", required=True, multiple=True, metavar="L", help="A language; may be repeated.")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Where to listen.")
@click.option("--port", type=WholeNumber(0, 65535), default=8000, show_default=True, help="0: one that is free.")
@click.option(
    "--token-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Who asks must know the token in FILE; needed to listen to other machines.",
)
@click.option("--most", multiple=True, metavar="LIMIT=N", help="The highest limit that may be asked for, as cpu_s=20.")
@isolation_option
@workers_option
def command(
    languages: tuple[str, ...],
    host: str,
    port: int,
    token_file: Path | None,
    most: tuple[str, ...],
    isolation: str,
    workers: int | None,
) -> None:
    """Serve the judge to other programs and machines, until Ctrl-C or SIGTERM.

    Clients: --judge URL of train, eval, score and run; Judge(..., servers=URL) from Python; any HTTP client (/docs).
    """
    if missing := [name for name in _EXTRA if find_spec(name) is None]:
        raise UsageError(f"serve needs {', '.join(missing)}: pip install 'lowres-code[serve]'")
    from lowres_code.serve.host import most_of
    from lowres_code.serve.run import read_token, serve

    token = read_token(token_file) if token_file else None
    told = f"judging {', '.join(languages)}"
    serve(
        languages,
        host,
        port,
        token,
        isolation,
        workers,
        most_of(most),
        ready=lambda url: click.echo(f"{told} at {url}"),
    )
