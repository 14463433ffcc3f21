"""Options and look-ups that several commands share."""

from __future__ import annotations

import codecs
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console

from lowres_code._util.screen import screen
from lowres_code._util.text import argument_text, text_of
from lowres_code.api import find_language as find_language  # noqa: PLC0414
from lowres_code.api import must_be_installed
from lowres_code.asked import MOST_WORKERS
from lowres_code.errors import UsageError
from lowres_code.language.base import Language
from lowres_code.recipe import LimitsTable, RecipeFile, load_limits, open_recipe
from lowres_code.sandbox.isolation import ISOLATIONS


class WholeNumber(click.IntRange):
    """A whole number; what is typed instead is told with what is allowed."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """As click does, in other words."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as error:
            raise click.BadParameter(f"{value!r} is not a whole number {self._allowed()}", ctx, param) from error

    def _allowed(self) -> str:
        return f"from {self.min} up" if self.max is None else f"from {self.min} to {self.max}"


class NewPath(click.Path):
    """Where something is to be written: a path, and never ``-``, which other tools take for standard output."""

    def __init__(self, **options: Any) -> None:
        super().__init__(path_type=Path, **options)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """As click does."""
        if value == "-":
            said = "'-' would be standard output, which has the figures: name a place (./- for one that is called so)"
            raise click.BadParameter(said, ctx, param)
        return super().convert(value, param, ctx)


F = TypeVar("F", bound=Callable[..., Any])

language_option = click.option(
    "--lang", "language", required=True, metavar="L", help="The language: a name, or a TOML file."
)
isolation_option = click.option(
    "--isolation",
    type=click.Choice(["auto", *ISOLATIONS]),
    default="auto",
    show_default=True,
    help="The isolation; auto is the strongest that works here, never `limits`.",
)
workers_option = click.option(
    "--workers",
    type=WholeNumber(1, MOST_WORKERS),
    metavar="N",
    help="Programs at a time; by default one for each core.",
)
set_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    type=argument_text,
    metavar="TABLE.KEY=VALUE",
    help="Change one value of the recipe.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


judge_option = click.option(
    "--judge",
    "judges",
    multiple=True,
    envvar="LOWRES_CODE_JUDGE",
    metavar="URL",
    help="A served judge that runs the programs (`lowres-code serve`); may be repeated.",
)


def served_by(judges: Sequence[str]) -> list[str]:
    """``--judge`` as a change of the recipe."""
    return [f"limits.judge={json.dumps([*judges])}"] if judges else []


def must_run(language: Language, limits: LimitsTable, elsewhere: bool = False) -> None:
    """See that programs of a language can be run: its tools are needed here, unless they run elsewhere.

    Raises:
        UsageError: they are missing.
    """
    if not (limits.judge or elsewhere):
        must_be_installed(language)


def limits_options(command: F) -> F:
    """``--recipe``, ``--set``, ``--isolation`` and ``--judge`` of commands that judge programs; for `limits_of`."""
    recipe = click.option(
        "--recipe", metavar="R", help="The recipe whose [limits] programs have; without one, the default limits."
    )
    single = click.option(
        "--set",
        "overrides",
        multiple=True,
        type=argument_text,
        metavar="limits.KEY=VALUE",
        help="Change one limit, as in limits.cpu_s=20.",
    )
    return recipe(single(isolation_option(judge_option(command))))


def limits_of(
    recipe: str | None, overrides: Sequence[str], isolation: str, workers: int | None, judges: Sequence[str]
) -> LimitsTable:
    """The limits that a user has chosen, a recipe's or the defaults.

    Raises:
        UsageError: there is no such recipe, or something is wrong with it or an override.
    """
    table = load_limits(opened_recipe(recipe) if recipe else None, [*overrides, *served_by(judges)])
    chosen = {} if isolation == "auto" else {"isolation": isolation}
    return table.model_copy(update=chosen | ({"workers": workers} if workers else {}))


def opened_recipe(name: str) -> RecipeFile:
    """The recipe of a name, a path or an address; what comes from elsewhere is shown, on standard error.

    Raises:
        UsageError: there is none, or it cannot be read.
    """
    file = open_recipe(name)
    for foreign in file.foreign():
        lines = "".join(f"    {line}\n" for line in foreign.text.splitlines())
        click.echo(f"Recipe from {foreign.name}#sha256={foreign.sha256}:\n{lines}", err=True, nl=False)
    return file


def console() -> Console:
    """Where people read: standard output."""
    return screen()


def read_program(path: Path) -> str:
    """The program in a file, whatever its encoding.

    Raises:
        UsageError: the file cannot be read.
    """
    try:
        return text_of(path.read_bytes())
    except OSError as error:
        raise UsageError(f"cannot read {str(path)!r}: {error.strerror}") from error


def print_json(value: Any) -> None:
    """One JSON object on standard output; in ASCII alone where that is not UTF-8."""
    utf8 = codecs.lookup(sys.stdout.encoding or "ascii").name == "utf-8"
    click.echo(json.dumps(value, ensure_ascii=not utf8))
