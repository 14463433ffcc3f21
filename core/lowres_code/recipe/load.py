"""Find, read, merge and check recipes. All that is wrong with one is said at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import tomli
from pydantic import BaseModel, ValidationError

from lowres_code.errors import UsageError, near_match
from lowres_code.plugins.manager import plugin_manager
from lowres_code.recipe.schema import DataTable, Recipe

Tree = dict[str, Any]

_MAX_INHERITANCE = 8


def recipe_names() -> dict[str, Path]:
    """All recipes that can be named, with their files."""
    folders = [registered.thing for registered in plugin_manager().recipe_folders.values()]
    files = [(file.relative_to(folder), file) for folder in folders for file in sorted(folder.rglob("*.toml"))]
    return {relative.as_posix().removesuffix(".toml"): file for relative, file in files}


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


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe in a file, with what it extends, and with ``table.key=value`` overrides on top.

    Raises:
        UsageError: with everything that is wrong, a line each.
    """
    tree = _read(path)
    for override in overrides:
        _override(tree, override)
    return _validate(
        tree, f"{path} with {' '.join(f'--set {override}' for override in overrides)}" if overrides else str(path)
    )


def _read(path: Path, depth: int = 0) -> Tree:
    try:
        tree: Tree = tomli.loads(path.read_text(encoding="utf-8"))
    except tomli.TOMLDecodeError as error:
        raise UsageError(f"{path}: not TOML: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read recipe {str(path)!r}: {error}") from error
    base = tree.pop("extends", None)
    if base is None:
        return tree
    if not isinstance(base, str) or depth >= _MAX_INHERITANCE:
        raise UsageError(f"{path}: 'extends' must name one recipe, and not go in a circle; got {base!r}")
    return _merge(_read(find_recipe(base, beside=path), depth + 1), tree)


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
        problems += _complaints(error, Recipe)
    if recipe is not None:
        problems += [*_source_complaints(recipe), *_reward_complaints(recipe)]
    if recipe is None or problems:
        raise UsageError("\n  ".join([f"{where} is no valid recipe:", *problems]))
    return recipe


def _inherit_source(data: object) -> None:
    """An evaluation table without a source of its own takes the training table's, options included."""
    tables = [data.get(name) for name in ("train", "eval")] if isinstance(data, dict) else [None, None]
    train, held_out = tables
    if isinstance(train, dict) and isinstance(held_out, dict) and "source" not in held_out:
        shared = {key: value for key, value in train.items() if key not in ("size", "seed")}
        held_out.update({**shared, **held_out})


def _complaints(error: ValidationError, model: type[BaseModel], prefix: tuple[str, ...] = ()) -> list[str]:
    return [_complaint(detail, model, prefix) for detail in error.errors()]


def _complaint(detail: Any, model: type[BaseModel], prefix: tuple[str, ...]) -> str:
    *tables, key = location = tuple(str(part) for part in detail["loc"])
    place = ".".join((*prefix, *location))
    if detail["type"] == "extra_forbidden":
        return f"{place}: unknown key; {near_match(key, _keys(model, tables))}"
    if detail["type"] == "missing":
        return f"{place}: missing"
    return f"{place}: {detail['msg'][0].lower()}{detail['msg'][1:]}, got {detail['input']!r}"


def _keys(model: type[BaseModel], tables: Iterable[str]) -> list[str]:
    """The keys that the table at a place may have."""
    for table in tables:
        annotation = model.model_fields[table].annotation
        options = [annotation, *getattr(annotation, "__args__", ())]
        model = next(kind for kind in options if isinstance(kind, type) and issubclass(kind, BaseModel))
    return list(model.model_fields)


def _source_complaints(recipe: Recipe) -> list[str]:
    problems: list[str] = []
    for name, table in (("train", recipe.data.train), ("eval", recipe.data.eval)):
        problems += _table_complaints(("data", name), table)
    return problems


def _table_complaints(place: tuple[str, str], table: DataTable) -> list[str]:
    sources = plugin_manager().problem_sources
    if table.source not in sources:
        return [f"{'.'.join(place)}.source: no source {table.source!r}; {near_match(table.source, sources)}"]
    options = sources[table.source].thing.options
    try:
        options.model_validate(table.options)
    except ValidationError as error:
        return _complaints(error, options, place)
    return []


def _reward_complaints(recipe: Recipe) -> list[str]:
    known = plugin_manager().rewards
    return [
        f"reward.{name}: no such reward term; {near_match(name, known)}" for name in recipe.reward if name not in known
    ]
