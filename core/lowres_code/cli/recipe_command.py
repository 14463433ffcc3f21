"""``lowres-code recipe``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import tomli_w
from rich.table import Table

from lowres_code.cli.options import console, json_option, print_json, set_option
from lowres_code.errors import UsageError
from lowres_code.recipe import Recipe, find_recipe, load_recipe, recipe_names


@click.group("recipe")
def command() -> None:
    """Recipes: list, show."""


@command.command("list")
@json_option
def list_recipes(as_json: bool) -> None:
    """All recipes that can be named."""
    recipes = {name: recipe for name, path in recipe_names().items() if (recipe := _loaded(name, path))}
    if as_json:
        listed = recipes.items()
        print_json([{**r.recipe.model_dump(), "name": name, "expected": results_of(r)} for name, r in listed])
        return
    table = Table()
    table.add_column("recipe", no_wrap=True, min_width=max(map(len, recipes), default=0))  # it is what one types
    for column in ("model", "what it does", "expected"):
        table.add_column(column, overflow="fold")
    for name, recipe in recipes.items():
        table.add_row(name, recipe.model.name, recipe.recipe.description, "\n".join(map(str, recipe.expected)))
    console().print(table)


def results_of(recipe: Recipe) -> list[dict[str, Any]]:
    """The results that are expected of a recipe, as data."""
    return [result.model_dump(exclude_none=True) for result in recipe.expected]


def _loaded(name: str, path: Path) -> Recipe | None:
    """The recipe; one that is broken is somebody else's, perhaps, and the others are there all the same."""
    try:
        return load_recipe(path)
    except UsageError as error:
        click.echo(f"recipe {name!r} cannot be used: {error}", err=True)
        return None


@command.command("show")
@click.argument("name", metavar="NAME|PATH")
@set_option
def show(name: str, overrides: tuple[str, ...]) -> None:
    """A recipe as it will be used: with all that it extends, and every default."""
    path = find_recipe(name)
    recipe = load_recipe(path, overrides, seen_from=path.parent)
    click.echo(tomli_w.dumps(recipe.model_dump(exclude_none=True)), nl=False)
