"""``lowres-code recipe``."""

from __future__ import annotations

from pathlib import Path

import click
import tomli_w
from rich.table import Table

from lowres_code.cli.options import console, find_language, json_option, language_option, print_json, set_option
from lowres_code.errors import UsageError
from lowres_code.recipe import Recipe, find_recipe, load_recipe, recipe_names


@click.group("recipe")
def command() -> None:
    """Recipes: list, show, check."""


@command.command("list")
@json_option
def list_recipes(as_json: bool) -> None:
    """All recipes that can be named."""
    recipes = {name: recipe for name, path in recipe_names().items() if (recipe := _loaded(name, path))}
    if as_json:
        print_json([{**recipe.recipe.model_dump(), "name": name} for name, recipe in recipes.items()])
        return
    table = Table()
    table.add_column("recipe", no_wrap=True, min_width=max(map(len, recipes), default=0))  # it is what one types
    for column in ("model", "what it does", "expected"):
        table.add_column(column, overflow="fold")
    for name, recipe in recipes.items():
        table.add_row(name, recipe.model.name, recipe.recipe.description, recipe.recipe.expected)
    console().print(table)


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


@command.command("check")
@click.argument("name", metavar="NAME|PATH")
@language_option
@set_option
def check(name: str, language: str, overrides: tuple[str, ...]) -> None:
    """Try what a run would begin with: problems, prompts, judge and rewards; tell what a step takes."""
    recipe, backend = load_recipe(find_recipe(name), overrides), find_language(language)
    from lowres_code._util.quiet import quiet_libraries

    quiet_libraries()
    from lowres_code.train.preflight import check_recipe

    check_recipe(recipe, backend, console())
    console().print(f"A run of {name} with {backend.title} can begin.")
