"""``lowres-code lang``."""

from __future__ import annotations

import click
from rich.table import Table

from lowres_code.cli.options import console, json_option, print_json
from lowres_code.errors import UsageError, near_match
from lowres_code.plugins.manager import plugin_manager


@click.group("lang")
def command() -> None:
    """Languages: list, show."""


@command.command("list")
@json_option
def list_languages(as_json: bool) -> None:
    """All languages, where each came from, and whether it can run here."""
    manager = plugin_manager()
    rows = [
        {"name": name, "title": r.thing.title, "origin": r.origin, "missing": m.install if m else None}
        for name, r in manager.languages.items()
        for m in [r.thing.missing()]
    ]
    failures = [{"plugin": failure.plugin, "error": failure.error} for failure in manager.failures]
    if as_json:
        print_json({"languages": rows, "failures": failures})
        return
    table = Table("language", "from", "here")
    for row in rows:
        table.add_row(row["name"], row["origin"], f"missing; {row['missing']}" if row["missing"] else "ready")
    console().print(table)
    for failure in failures:
        click.echo(f"plugin {failure['plugin']!r} could not be loaded: {failure['error']}", err=True)


@command.command("show")
@click.argument("name")
def show(name: str) -> None:
    """What a model is told about a language, and its worked example."""
    known = plugin_manager().languages
    if name not in known:
        raise UsageError(f"there is no language {name!r}; {near_match(name, known)} (lowres-code lang list)")
    language = known[name].thing
    example = language.example
    click.echo(
        f"{language.title} ({known[name].origin}), files {language.suffix}, fences {', '.join(language.fences)}\n"
    )
    click.echo(language.guidance)
    if example:
        click.echo(f"\n{example.question}\n\n{example.program}\n\nanswer: {example.answer}")
