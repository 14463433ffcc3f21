"""Find, read, merge and check recipes. All that is wrong with one is said at once."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tomli
from pydantic import ValidationError

from lowres_code._util.toml_errors import Tree, read_toml, validation_errors
from lowres_code.errors import UsageError, near_match
from lowres_code.plugins.manager import BUILT_IN, plugin_manager
from lowres_code.recipe.schema import DataTable, LimitsTable, Recipe

_MAX_INHERITANCE = 8


def recipe_names() -> dict[str, Path]:
    """All recipes that can be named, with their files; a built-in name stays what it is, whatever plugins bring."""
    registered = sorted(plugin_manager().recipe_folders.values(), key=lambda folder: folder.origin == BUILT_IN)
    files = [(file.relative_to(r.thing), file) for r in registered for file in r.thing.rglob("*.toml")]
    found = {relative.as_posix().removesuffix(".toml"): file for relative, file in files}
    return dict(sorted(found.items()))


def find_recipe(name: str, beside: Path | None = None) -> Path:
    """The file of a recipe: a path that ends in ``.toml`` (as seen from ``beside``, if given), or a known name.

    Raises:
        UsageError: there is no such recipe.
    """
    if name.endswith(".toml"):
        path = (beside.parent / name) if beside and not Path(name).is_absolute() else Path(name)
        if not path.is_file():
            raise UsageError(f"there is no recipe file {str(path)!r}")
        return path
    known = recipe_names()
    if name not in known:
        raise UsageError(f"there is no recipe {name!r}; {near_match(name, known)} (lowres-code recipe list)")
    return known[name]


def load_recipe(path: Path, overrides: Sequence[str] = (), seen_from: Path | None = None) -> Recipe:
    """The recipe in a file, with what it extends, and with ``table.key=value`` overrides on top.

    Files of problems that a recipe names are seen from the recipe, those of an override from the working directory.

    Args:
        path: of the file.
        overrides: as in ``--set``.
        seen_from: a folder that the names of these files are to be relative to, as in a recipe that is to be shared;
            by default they become absolute.

    Raises:
        UsageError: with everything that is wrong, a line each.
    """
    tree = _read(path, seen_from)
    before = copy.deepcopy(tree)
    for override in overrides:
        _override(tree, override)
    changed = _changed(tree, before)
    _locate(changed, tree, Path.cwd(), seen_from)
    for part, keys in changed["data"].items():
        _data_table(tree, part).update(keys)
    return _validate(
        tree, f"{path} with {' '.join(f'--set {override}' for override in overrides)}" if overrides else str(path)
    )


def load_limits(path: Path | None, overrides: Sequence[str] = ()) -> LimitsTable:
    """The limits of the recipe in a file, or the defaults, with ``limits.key=value`` overrides on top.

    Raises:
        UsageError: with everything that is wrong, a line each.
    """
    others = [override for override in overrides if not override.strip().startswith("limits.")]
    if others:
        raise UsageError(f"--set {others[0]}: here it changes limits only, as in --set limits.cpu_s=20")
    if path is not None:
        return load_recipe(path, overrides).limits
    tree: Tree = {"limits": {}}
    for override in overrides:
        _override(tree, override)
    try:
        return LimitsTable.model_validate(tree["limits"])
    except ValidationError as error:
        raise UsageError("\n".join(validation_errors(error, LimitsTable, ("limits",)))) from error


def _read(path: Path, seen_from: Path | None = None, depth: int = 0) -> Tree:
    tree = read_toml(path, "recipe")
    name = tree.pop("extends", None)
    if name is not None and (not isinstance(name, str) or depth >= _MAX_INHERITANCE):
        raise UsageError(f"{path}: 'extends' must name one recipe, and not go in a circle; got {name!r}")
    base = {} if name is None else _read(find_recipe(name, beside=path), seen_from, depth + 1)
    _locate(tree, _merge(base, tree), path.parent.absolute(), seen_from)
    return _merge(base, tree)


def _locate(given: Tree, whole: Tree, folder: Path, seen_from: Path | None) -> None:
    """Put the files that the data tables of ``given`` name in their place; ``whole`` says what else these hold."""
    sources = plugin_manager().problem_sources
    train = _data_table(whole, "train")
    for part in ("train", "eval"):
        table = _data_table(whole, part)
        table = table if "source" in table else {**train, **table}
        known = sources.get(str(table.get("source")))
        if known:
            keys = _data_table(given, part)
            keys.update(known.thing.options.located(keys, table, lambda name: _place(name, folder, seen_from)))


def _place(name: str, folder: Path, seen_from: Path | None) -> str:
    """A name as seen from ``folder``, made absolute or as seen from elsewhere."""
    if seen_from is None or Path(name).is_absolute():
        return str(folder / name)
    relative = os.path.relpath(folder / name, seen_from)
    return f"./{relative}" if name.startswith(".") and not relative.startswith(".") else relative


def _changed(tree: Tree, before: Tree) -> Tree:
    """The data tables of ``tree``, with the keys that ``before`` does not hold in the same way."""
    return {
        "data": {
            part: {key: v for key, v in _data_table(tree, part).items() if _data_table(before, part).get(key) != v}
            for part in ("train", "eval")
        }
    }


def _data_table(tree: Tree, part: str) -> Tree:
    data = tree.get("data")
    table = data.get(part) if isinstance(data, dict) else None
    return table if isinstance(table, dict) else {}


def _merge(base: Tree, above: Mapping[str, Any]) -> Tree:
    """``above`` laid over ``base``, table by table; a data table with another source replaces the whole table."""
    merged = dict(base)
    for key, value in above.items():
        below = merged.get(key)
        both = isinstance(below, dict) and isinstance(value, dict)
        same_source = both and value.get("source", below.get("source")) == below.get("source")  # type: ignore[union-attr]
        merged[key] = _merge(below, value) if both and same_source else value  # type: ignore[arg-type]
    return merged


def _override(tree: Tree, override: str) -> None:
    place, equals, text = override.partition("=")
    *tables, key = place.strip().split(".")
    if not equals or not key:
        raise UsageError(f"--set takes table.key=value, not {override!r}")
    for table in tables:
        tree = tree.setdefault(table, {})
        if not isinstance(tree, dict):
            raise UsageError(f"--set {override!r}: {table!r} is no table")
    tree[key] = _value(text.strip())


def _value(text: str) -> object:
    """A TOML value; what is none is taken as text, so that names need no quotes in a shell."""
    try:
        return tomli.loads(f"value = {text}")["value"]
    except tomli.TOMLDecodeError:
        return text


def _validate(tree: Tree, where: str) -> Recipe:
    problems: list[str] = []
    recipe: Recipe | None = None
    _inherit_source(tree.get("data"))
    try:
        recipe = Recipe.model_validate(tree)
    except ValidationError as error:
        problems += validation_errors(error, Recipe)
    if recipe is not None:
        problems += [*_source_errors(recipe), *_reward_errors(recipe)]
    if recipe is None or problems:
        raise UsageError("\n  ".join([f"{where} is not a valid recipe:", *problems]))
    return recipe


def _inherit_source(data: object) -> None:
    """An evaluation table without a source of its own takes the training table's, options included."""
    tables = [data.get(name) for name in ("train", "eval")] if isinstance(data, dict) else [None, None]
    train, held_out = tables
    if isinstance(train, dict) and isinstance(held_out, dict) and "source" not in held_out:
        shared = {key: value for key, value in train.items() if key not in ("size", "seed")}
        held_out.update({**shared, **held_out})


def _source_errors(recipe: Recipe) -> list[str]:
    problems: list[str] = []
    for name, table in (("train", recipe.data.train), ("eval", recipe.data.eval)):
        problems += _table_errors(("data", name), table)
    return problems


def _table_errors(place: tuple[str, str], table: DataTable) -> list[str]:
    sources = plugin_manager().problem_sources
    if table.source not in sources:
        return [f"{'.'.join(place)}.source: no source {table.source!r}; {near_match(table.source, sources)}"]
    options = sources[table.source].thing.options
    try:
        options.model_validate(table.options)
    except ValidationError as error:
        return validation_errors(error, options, place)
    return []


def _reward_errors(recipe: Recipe) -> list[str]:
    known = plugin_manager().rewards
    return [
        f"reward.{name}: no such reward term; {near_match(name, known)}" for name in recipe.reward if name not in known
    ]
