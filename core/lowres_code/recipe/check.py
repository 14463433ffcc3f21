"""Reads recipes and checks them. All that is wrong with one is said at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import ValidationError

from lowres_code._util.given import must_be, must_be_list
from lowres_code._util.records import shown
from lowres_code._util.toml_errors import Tree, table_of, validation_errors
from lowres_code.errors import UsageError, near_match
from lowres_code.plugins.manager import plugin_manager
from lowres_code.recipe.files import BUILDING, RecipeFile, open_file
from lowres_code.recipe.merge import apply_override, merged_tree
from lowres_code.recipe.schema import DataTable, LimitsTable, Recipe
from lowres_code.recipe.suite import Suite
from lowres_code.recipe.trl_options import option_errors

_OVERRIDES = 'overrides must be a list of texts, as ["train.max_steps=3"]'


def load_recipe(
    path: Path | RecipeFile,
    overrides: Sequence[str] = (),
    training: bool = True,
    seen_from: Path | None = None,
    suite: Suite | None = None,
) -> Recipe:
    """The recipe in a file, with what it extends, and with a suite and ``table.key=value`` overrides on top.

    Files of problems that a recipe names are seen from the recipe, those of an override from the working directory.

    Args:
        path: of the TOML file; or the recipe as `lowres_code.recipe.open_recipe` gives it, from wherever it is.
        overrides: in order; the last of a key counts.
        training: whether ``[train]`` must suit the installed TRL. Whoever only reads what was trained once, perhaps
            with another TRL, does not need that.
        seen_from: see `lowres_code.recipe.merge.merged_tree`.
        suite: whose problems take the place of the recipe's held-out ones.

    Raises:
        UsageError: with everything that is wrong, a line each.
    """
    file = _file(path)
    overrides = must_be_list(overrides, str, _OVERRIDES, _OVERRIDES)
    must_be(suite, Suite | None, 'load_recipe: the suite must be as open_suite("gsm8k", "prolog") gives it')
    tree = merged_tree(file, overrides, seen_from, suite)
    recipe, errors = _validated(tree, training)
    if recipe is None or errors:
        changes = [*([f"--suite {suite.name}"] if suite else []), *(f"--set {override}" for override in overrides)]
        where = f"{file.name} with {' '.join(changes)}" if changes else file.name
        raise UsageError("\n  ".join([f"{where} is not a valid recipe:", *errors]))
    return recipe


def load_limits(path: Path | RecipeFile | None, overrides: Sequence[str] = ()) -> LimitsTable:
    """The limits of the recipe in a file, or the defaults, with ``limits.key=value`` overrides on top.

    Raises:
        UsageError: with everything that is wrong, a line each.
    """
    overrides = must_be_list(overrides, str, _OVERRIDES, _OVERRIDES)
    others = [override for override in overrides if not override.strip().startswith("limits.")]
    if others:
        raise UsageError(f"--set {others[0]}: here it changes limits only, as in --set limits.cpu_s=20")
    if path is not None:
        return load_recipe(path, overrides).limits
    tree: Tree = {"limits": {}}
    for override in overrides:
        apply_override(tree, override)
    try:
        return LimitsTable.model_validate(tree["limits"])
    except ValidationError as error:
        raise UsageError("\n".join(validation_errors(error, LimitsTable, ("limits",)))) from error


def _file(path: Path | RecipeFile) -> RecipeFile:
    """The recipe as it was written.

    Raises:
        UsageError: a name, a text of TOML or tables were given.
    """
    if isinstance(path, RecipeFile):
        return path
    if isinstance(path, Path):
        return open_file(path)
    if isinstance(path, str) and ("\n" in path or "=" in path or path.lstrip().startswith("[")):
        instead = 'write the TOML to a file: load_recipe(Path("mine.toml"))'
    elif isinstance(path, str):
        instead = f"load_recipe(open_recipe({shown(path)})), with open_recipe from lowres_code.recipe"
    else:
        instead = 'load_recipe(Path("mine.toml")), or open_recipe("quickstart") from lowres_code.recipe for a name'
    raise UsageError(f"load_recipe takes the path of a recipe's file, not {shown(path)}: {instead}")


def _validated(tree: Tree, training: bool) -> tuple[Recipe | None, list[str]]:
    """The recipe, if its tables have the right form, and what is wrong all the same."""
    own = _inherit_source(tree)
    recipe, errors = None, []
    try:
        recipe = Recipe.model_validate(tree)
    except ValidationError as error:
        errors += validation_errors(error, Recipe, beside=BUILDING)
    errors += [*_source_errors(tree), *_reward_errors(tree)]
    if training:
        errors += option_errors(table_of(tree, "train"))
        errors += option_errors(table_of(tree, "sft", "train"), "sft.train")
    return recipe, _without_repetition(errors, own)


def _inherit_source(tree: Tree) -> set[str] | None:
    """An evaluation table without a source of its own takes the training table's, options included.

    Returns:
        The keys that are its own all the same; ``None`` if it takes nothing.
    """
    train, held_out = table_of(tree, "data", "train"), table_of(tree, "data", "eval")
    if "source" in held_out:
        return None
    own = {*held_out, "size", "seed"}
    held_out.update({key: value for key, value in train.items() if key not in own})
    return own


def _source_errors(tree: Tree) -> Iterator[str]:
    sources = plugin_manager().problem_sources
    for part in ("train", "eval"):
        table, place = table_of(tree, "data", part), ("data", part)
        source = table.get("source")
        if not isinstance(source, str):  # the schema says so
            continue
        if source not in sources:
            yield f"{'.'.join(place)}.source: no source {source!r}; {near_match(source, sources)}"
            continue
        options = sources[source].thing.options
        try:
            options.model_validate({key: value for key, value in table.items() if key not in DataTable.model_fields})
        except ValidationError as error:
            yield from validation_errors(error, options, place, DataTable.model_fields)


def _reward_errors(tree: Tree) -> Iterator[str]:
    known = plugin_manager().rewards
    for name, table in table_of(tree, "reward").items():
        if name not in known:
            yield f"reward.{name}: no such reward term; {near_match(name, known)}"
        elif isinstance(table, dict):
            term = known[name].thing
            try:
                term.with_options({key: value for key, value in table.items() if key != "weight"})
            except ValidationError as error:
                yield from validation_errors(error, type(term.options), ("reward", name))


def _without_repetition(errors: list[str], own: set[str] | None) -> list[str]:
    """The errors, without those that ``[data.eval]`` has only taken over from ``[data.train]``."""
    if own is None:
        return errors
    told = {error.removeprefix("data.train") for error in errors if error.startswith("data.train")}

    def is_repeated(error: str) -> bool:
        key = re.match(r"data\.eval\.?([^.:]*)", error)
        return key is not None and key[1] not in own and error.removeprefix("data.eval") in told

    return [error for error in errors if not is_repeated(error)]
