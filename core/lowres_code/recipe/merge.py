"""From files and overrides to one tree of tables: what a recipe extends, takes away, adds and changes."""

from __future__ import annotations

import copy
import glob
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tomli

from lowres_code._util.toml_errors import Tree, table_of
from lowres_code.errors import UsageError, near_match
from lowres_code.plugins.manager import plugin_manager
from lowres_code.recipe.files import RecipeFile
from lowres_code.recipe.foreign import refuse_what_is_ours
from lowres_code.recipe.suite import Suite

_CHANGED = " (changed)"


def merged_tree(
    file: RecipeFile, overrides: Sequence[str] = (), seen_from: Path | None = None, suite: Suite | None = None
) -> Tree:
    """The tables of a recipe, with what it extends, and with a suite and ``table.key=value`` overrides on top.

    ``[recipe]`` and ``[[expected]]`` are not inherited: what is changed cannot claim the other's name, nor the results
    expected of it. Files of problems that a recipe names are seen from the recipe, those of an override from the
    working directory.

    Args:
        file: the recipe as it was written.
        overrides: in order; the last of a key counts.
        seen_from: a folder that the names of these files are to be relative to, as in a recipe that is to be shared;
            by default they become absolute.
        suite: whose problems take the place of the recipe's held-out ones.

    Raises:
        UsageError: a key that is to be taken away is not there, or a recipe from elsewhere says what it may not.
    """
    tree = _laid_over(file, seen_from)
    changes = [f"suite={suite.name}", *overrides] if suite else overrides
    if not changes:
        return tree
    tree["recipe"] = _described(table_of(tree, "recipe"), changes)
    tree.pop("expected", None)
    if suite:
        _lay_suite(tree, suite, seen_from)
    before = copy.deepcopy(tree)
    for override in overrides:
        apply_override(tree, override)
    changed = _overridden(tree, before)
    _locate(changed, tree, Path.cwd(), seen_from)
    for part in ("train", "eval"):
        table_of(tree, "data", part).update(table_of(changed, "data", part))
    return tree


def apply_override(tree: Tree, override: str) -> None:
    """Set ``table.key=value`` in a tree; what is not TOML is taken as text, so that names need no quotes in a shell.

    Raises:
        UsageError: the override is not of this form, or a table on the way is something else.
    """
    place, equals, text = override.partition("=")
    keys = _keys(place) if equals else None
    if not keys:
        raise UsageError(f"--set takes table.key=value, not {override!r}")
    for table in keys[:-1]:
        tree = tree.setdefault(table, {})
        if not isinstance(tree, dict):
            raise UsageError(f"--set {override}: {table!r} is not a table")
    tree[keys[-1]] = _value(text.strip())


def _laid_over(file: RecipeFile, seen_from: Path | None) -> Tree:
    """A recipe's tables over those of what it extends."""
    base = _laid_over(file.base, seen_from) if file.base else {}
    if file.remove is not None:
        _remove(base, file)
    base["recipe"] = {"name": file.stem, "description": f"extends {file.extends}" if file.extends else ""}
    base.pop("expected", None)
    own = copy.deepcopy(file.tables)
    if file.path is None:
        refuse_what_is_ours(file, _merge(base, own))
    else:
        _locate(own, _merge(base, own), file.path.parent.absolute(), seen_from)
    return _merge(base, own)


def _lay_suite(tree: Tree, suite: Suite, seen_from: Path | None) -> None:
    """Put a suite's problems in the place of the held-out ones, as a whole, and its other tables over the recipe's."""
    problems = {"data": {"eval": copy.deepcopy(suite.problems)}}
    _locate(problems, problems, suite.path.parent.absolute(), seen_from)
    tree["data"] = {**table_of(tree, "data"), **problems["data"]}
    for name, table in suite.others.items():
        tree[name] = _merge(table_of(tree, name), table)


def _described(about: Tree, overrides: Sequence[str]) -> Tree:
    """What a recipe can say of itself after changes."""
    name, changes = str(about.get("name", "")), " ".join(overrides)
    if name.endswith(_CHANGED):
        return {"name": name, "description": f"{about.get('description', '')} {changes}"}
    return {"name": name + _CHANGED, "description": f"{name} with {changes}"}


def _remove(base: Tree, file: RecipeFile) -> None:
    """Take keys away from what a recipe extends."""
    places = file.remove
    if file.extends is None:
        raise UsageError(
            f"{file.name}: 'remove' takes keys away from the recipe that 'extends' names; there is no 'extends'"
        )
    if not isinstance(places, list) or not all(isinstance(place, str) for place in places):
        raise UsageError(
            f"{file.name}: 'remove' must be a list of keys, as in [\"data.train.weights\"]; got {places!r}"
        )
    errors = [f"remove: {place!r}: {error}" for place in places if (error := _remove_one(base, place))]
    if errors:
        raise UsageError("\n  ".join([f"{file.name} is not a valid recipe:", *errors]))


def _remove_one(tree: Tree, place: str) -> str | None:
    """Take one key away; or what is wrong with it."""
    keys = _keys(place)
    if not keys:
        return "not a key"
    table = tree
    for key in keys:
        if not isinstance(tree, dict) or key not in tree:
            return f"no key {key!r}; {near_match(key, tree if isinstance(tree, dict) else ())}"
        table, tree = tree, tree[key]
    del table[keys[-1]]
    return None


def _keys(place: str) -> list[str]:
    """A dotted key, as TOML reads it; empty if it is not one."""
    try:
        tree: object = tomli.loads(f"{place.strip()} = 0")
    except (tomli.TOMLDecodeError, RecursionError):
        return []
    keys = []
    while isinstance(tree, dict) and len(tree) == 1:
        [(key, tree)] = tree.items()
        keys.append(key)
    return [] if isinstance(tree, dict) else keys


def _value(text: str) -> object:
    try:
        return tomli.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):  # not TOML, or as in `read_toml`
        return text


def _merge(base: Tree, above: Mapping[str, Any]) -> Tree:
    """``above`` laid over ``base``, table by table; a data table with another source replaces the whole table."""
    merged = dict(base)
    for key, value in above.items():
        below = merged.get(key)
        both = isinstance(below, dict) and isinstance(value, dict)
        same_source = both and value.get("source", below.get("source")) == below.get("source")  # type: ignore[union-attr]
        merged[key] = _merge(below, value) if both and same_source else value  # type: ignore[arg-type]
    return merged


def _locate(given: Tree, whole: Tree, folder: Path, seen_from: Path | None) -> None:
    """Put the files that the data tables of ``given`` name in their place; ``whole`` says what else these hold."""
    sources = plugin_manager().problem_sources
    train = table_of(whole, "data", "train")
    for part in ("train", "eval"):
        table = table_of(whole, "data", part)
        table = table if "source" in table else {**train, **table}
        known = sources.get(str(table.get("source")))
        if known:
            keys = table_of(given, "data", part)
            keys.update(known.thing.options.located(keys, table, lambda name: _place(name, folder, seen_from)))


def _place(name: str, folder: Path, seen_from: Path | None) -> str:
    """A name as seen from ``folder``, made absolute or as seen from elsewhere.

    In a pattern, what the folders are called is no part of it.
    """
    spelt = glob.escape if glob.has_magic(name) and not (folder / name).exists() else str
    if seen_from is None or Path(name).is_absolute():
        return str(Path(spelt(str(folder))) / name)
    relative = os.path.normpath(Path(spelt(os.path.relpath(folder, seen_from))) / name)
    return f"./{relative}" if name.startswith(".") and not relative.startswith(".") else relative


def _overridden(tree: Tree, before: Tree) -> Tree:
    """The data tables of ``tree``, with the keys that ``before`` does not hold in the same way."""
    pairs = {part: (table_of(tree, "data", part), table_of(before, "data", part)) for part in ("train", "eval")}
    return {"data": {part: {k: v for k, v in new.items() if old.get(k) != v} for part, (new, old) in pairs.items()}}
