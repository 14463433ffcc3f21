"""Options and look-ups that several commands share."""

from __future__ import annotations

import json
import sys
from typing import Any

import click
from rich.console import Console

from lowres_code.errors import UsageError
from lowres_code.language import Language
from lowres_code.plugins.manager import find_language as find_registered
from lowres_code.sandbox.isolation import LAYERS

language_option = click.option(
    "--lang", "language", required=True, metavar="L", help="The language: a name, or a TOML file."
)
isolation_option = click.option(
    "--isolation",
    type=click.Choice(["auto", *LAYERS]),
    default="auto",
    show_default=True,
    help="The sandbox layer; auto is the strongest that works here, never `limits`.",
)
workers_option = click.option(
    "--workers", type=click.IntRange(min=1), metavar="N", help="Programs at a time; by default one for each core."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


def find_language(name: str) -> Language:
    """The language backend of that name or in that file, if its tools are installed.

    Raises:
        UsageError: there is none, or something it needs is missing.
    """
    language = find_registered(name).thing
    missing = language.missing()
    if missing:
        raise UsageError(missing.complaint(language.name))
    return language


def console() -> Console:
    """Where people read: standard output, wide enough for the tables when piped."""
    return Console(width=None if sys.stdout.isatty() else 120, soft_wrap=not sys.stdout.isatty())


def print_json(value: Any) -> None:
    """One JSON object on standard output."""
    click.echo(json.dumps(value, ensure_ascii=False))
