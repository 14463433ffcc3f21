"""``lowres-code recipe``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import tomli_w
from rich.table import Table

from lowres_code._util.files import write_atomically
from lowres_code.cli.options import console, find_language, json_option, must_run, opened_recipe, print_json, set_option
from lowres_code.errors import UsageError
from lowres_code.language.base import Language
from lowres_code.recipe import Recipe, load_recipe, recipe_names
from lowres_code.recipe.suite import SuiteTable, suites


@click.group("recipe")
def command() -> None:
    """Recipes: list, show, check, copy, diff, schema.

    A recipe is named by its name, its path, or its address (https://, hf://owner/repo/path.toml[@revision]), which may
    end in #sha256=HEX.
    """


@command.command("list")
@click.option("--suites", "of_suites", is_flag=True, help="Instead the suites, sets of problems for eval --suite.")
@json_option
def list_recipes(of_suites: bool, as_json: bool) -> None:
    """All recipes that can be named."""
    if of_suites:
        _list_suites(as_json)
        return
    recipes = {name: recipe for name, path in recipe_names().items() if (recipe := _loaded(name, path))}
    if as_json:
        print_json([{**_about(recipe), "name": name} for name, recipe in recipes.items()])
        return
    table = Table()
    table.add_column("recipe", no_wrap=True, min_width=max(map(len, recipes), default=0))  # it is what one types
    for column in ("model", "what it does", "expected"):
        table.add_column(column, overflow="fold")
    for name, recipe in recipes.items():
        expected = "\n".join(map(str, recipe.expected))
        table.add_row(name, recipe.model.name, recipe.recipe.description, expected)
    console().print(table)
    click.echo("standard sets of problems, for eval --suite: lowres-code recipe list --suites")


def _list_suites(as_json: bool) -> None:
    found = suites()
    for name, broken in found.items():
        if isinstance(broken, UsageError):
            click.echo(f"suite {name!r} cannot be used: {broken}", err=True)
    tables = {name: suite for name, suite in found.items() if isinstance(suite, SuiteTable)}
    if as_json:
        print_json([_about_suite(name, suite) for name, suite in tables.items()])
        return
    table = Table()
    table.add_column("suite", no_wrap=True, min_width=max(map(len, tables), default=0))
    for column in ("problems", "what it asks", "languages"):
        table.add_column(column, overflow="fold")
    for about in (_about_suite(name, suite) for name, suite in tables.items()):
        languages = ", ".join(about["languages"]) if about["languages"] else "all"
        table.add_row(about["name"], str(about["problems"]), about["description"], languages)
    console().print(table)


def _about_suite(name: str, suite: SuiteTable) -> dict[str, Any]:
    languages = None if suite.languages is None else sorted(suite.languages)
    size, description = suite.data.eval.size, suite.recipe.description
    return {"name": name, "description": description, "problems": size, "languages": languages}


def _loaded(name: str, path: Path) -> Recipe | None:
    """The recipe; one that is broken is somebody else's, perhaps, and the others are there all the same."""
    try:
        return load_recipe(path)
    except UsageError as error:
        click.echo(f"recipe {name!r} cannot be used: {error}", err=True)
        return None


def _about(recipe: Recipe) -> dict[str, Any]:
    expected = [result.model_dump(exclude_none=True) for result in recipe.expected]
    return {**recipe.recipe.model_dump(), "expected": expected}


@command.command("show")
@click.argument("name", metavar="NAME|PATH|URL")
@click.option("--prompt", is_flag=True, help="Show instead how the first held-out problem is asked; needs --lang.")
@click.option("--lang", "language", metavar="L", help="The language of the prompt.")
@set_option
def show(name: str, prompt: bool, language: str | None, overrides: tuple[str, ...]) -> None:
    """A recipe as it will be used: with all that it extends, and every default.

    With --prompt, a prompt as the model gets it, in its own chat template.
    """
    if prompt != (language is not None):
        raise UsageError("--prompt and --lang go together: lowres-code recipe show NAME --prompt --lang L")
    file = opened_recipe(name)
    if language is not None:
        click.echo(_prompt(load_recipe(file, overrides), find_language(language)), nl=False)
        return
    recipe = load_recipe(file, overrides, seen_from=file.path.parent if file.path else None)
    click.echo(tomli_w.dumps(recipe.model_dump(exclude_none=True)), nl=False)


def _prompt(recipe: Recipe, language: Language) -> str:
    from lowres_code._util.quiet import quiet_libraries
    from lowres_code.generation.models import load_tokenizer, prompt_text
    from lowres_code.recipe.build import load_problems

    quiet_libraries()
    question = load_problems(recipe.data.eval, "eval")[0].question
    return prompt_text(load_tokenizer(recipe.model), recipe.prompt.prompt().messages(language, question))


@command.command("check")
@click.argument("name", metavar="NAME|PATH|URL")
@click.option("--lang", "language", metavar="L", help="Also try what a run in this language would begin with.")
@set_option
@json_option
def check(name: str, language: str | None, overrides: tuple[str, ...], as_json: bool) -> None:
    """Whether a recipe is valid here; all that is wrong is said at once.

    If nothing is, the TRL that is installed tries the options of training together, in a small step; those that need a
    package or a GPU, which the machine of the run may have, are named.

    With --lang also what a run begins with: the problems, the lengths of prompts, what a right, a wrong, an empty and a
    hostile completion would earn, and what a step will take.
    """
    file = opened_recipe(name)
    recipe = load_recipe(file, overrides)
    untried = _must_suit_trl(recipe)
    if as_json:
        print_json(
            {
                **_about(recipe),
                "valid": True,
                "not_tried": untried,
                "files": file.provenance(),
                "model": recipe.model.name,
            }
        )
        return
    click.echo(f"{name} is a valid recipe: {recipe.recipe.description or recipe.model.name}")
    for one in file.provenance():
        click.echo(f"  {one['name']}#sha256={one['sha256']}")
    for result in recipe.expected:
        click.echo(f"  expected: {result}")
    if untried and language is None:
        click.echo(f"  not tried, as it depends on the machine of the run: {', '.join(untried)}")
    if language is not None:
        backend = find_language(language, elsewhere=True)
        must_run(backend, recipe.limits)
        _try(recipe, backend)


def _must_suit_trl(recipe: Recipe) -> list[str]:
    from lowres_code._util.quiet import quiet_libraries

    quiet_libraries()
    from lowres_code.train.arguments import check_options

    return check_options(recipe)


def _try(recipe: Recipe, language: Language) -> None:
    from lowres_code._util.quiet import quiet_libraries

    quiet_libraries()
    from lowres_code.train.preflight import check_recipe

    check_recipe(recipe, language, console())
    click.echo(f"a run with {language.title} can begin")


@command.command("copy")
@click.argument("name", metavar="NAME|PATH|URL")
@click.argument("target", required=False, type=click.Path(path_type=Path), metavar="[PATH]")
@click.option("--whole", "way", flag_value="whole", help="With all that it extends, and every default.")
@click.option("--extend", "way", flag_value="extending", help="A file that extends it; its own lines are comments.")
def copy(name: str, target: Path | None, way: str | None) -> None:
    """Copy a recipe to PATH, to edit it; by default word for word, comments and all, into the working directory.

    [[expected]] is left out: results hold for the recipe as its author has it.
    """
    from lowres_code.recipe.copying import Way, copied

    file = opened_recipe(name)
    target = target or Path(f"{file.stem}.toml")
    chosen: Way = "whole" if way == "whole" else "extending" if way == "extending" else "verbatim"
    if target.suffix != ".toml":
        raise UsageError(f"a recipe's file ends in .toml, not as {str(target)!r}")
    if target.exists():
        raise UsageError(f"{str(target)!r} is there already; name another: lowres-code recipe copy {name} PATH")
    write_atomically(target, copied(file, name, target, chosen))
    click.echo(f"{target}: edit it, then: lowres-code train --lang NAME --recipe {target}")


@command.command("diff")
@click.argument("one", metavar="A")
@click.argument("other", metavar="B")
@json_option
def diff(one: str, other: str, as_json: bool) -> None:
    """What recipe B says other than recipe A, key by key, with all that they extend and every default."""
    from lowres_code.recipe.diff import recipe_differences

    recipes = [load_recipe(opened_recipe(name), training=False) for name in (one, other)]
    found = recipe_differences(*recipes)
    if as_json:
        print_json({key: {"a": before, "b": after} for key, (before, after) in found.items()})
        return
    for key, values in found.items():
        before, after = ("not set" if value is None else json.dumps(value, ensure_ascii=False) for value in values)
        click.echo(f"{key}: {before} -> {after}")
    if not found:
        click.echo("the same, but for names and expected results")


@command.command("schema")
def schema() -> None:
    """The JSON Schema of recipes, for editors; with what plugins bring and the options of the installed TRL."""
    from lowres_code.recipe.json_schema import editor_schema

    click.echo(json.dumps(editor_schema(), indent=2))
