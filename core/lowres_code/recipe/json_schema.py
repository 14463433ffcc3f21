"""The JSON Schema of recipes: for editors, and what the reference of all keys is printed from."""

from __future__ import annotations

import functools
import importlib.metadata
import inspect
import re
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, TypeAdapter

from lowres_code._util.toml_errors import Tree
from lowres_code.language.base import Limits
from lowres_code.plugins.manager import BUILT_IN, Registered, plugin_manager
from lowres_code.recipe.schema import DataTable, LimitsTable, Recipe
from lowres_code.recipe.table import Expected
from lowres_code.recipe.trl_fields import in_words, trl_fields
from lowres_code.recipe.trl_options import BOUNDS, REFUSED

_ATTRIBUTES = re.compile(r"^Attributes:\n((?: .*\n|\n)*)", re.MULTILINE)
_ENTRY = re.compile(r"^    ([\w, ]+): ((?:.*)(?:\n {6,}.*)*)", re.MULTILINE)
_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", dict: "object", list: "array"}
_BUILDING: Tree = {
    "extends": {"type": "string", "description": "The recipe that this one builds on: a name, a path, an address."},
    "remove": {
        "type": "array",
        "items": {"type": "string"},
        "description": "Keys that are taken away from it first, as in `data.train.weights`.",
    },
}


def recipe_json_schema(with_plugins: bool = True) -> Tree:
    """The JSON Schema (draft 2020-12) of a whole recipe.

    Args:
        with_plugins: whether sources and reward terms of plugins are in it, or only those of this package.
    """
    schema = _schema_of(Recipe)
    tables = schema["$defs"]
    schema["title"] = "lowres-code recipe"
    schema["properties"] = {**_BUILDING, **schema["properties"]}
    tables["DataTable"] = _data_table(tables["DataTable"], with_plugins)
    _name_rewards(schema["properties"]["reward"], with_plugins)
    schema["properties"]["train"] = _train_table(schema["properties"]["train"])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def editor_schema(with_plugins: bool = True) -> Tree:
    """The same for an editor of recipe files, in which nothing is required: a recipe may extend another."""
    schema = recipe_json_schema(with_plugins)
    for name, table in (("", schema), *schema["$defs"].items()):
        if name != Expected.__name__:
            table.pop("required", None)
    return schema


def known(things: Mapping[str, Registered[Any]], with_plugins: bool) -> dict[str, Any]:
    """What is registered, by name."""
    return {name: one.thing for name, one in things.items() if with_plugins or one.origin == BUILT_IN}


def options_schema(options: type[BaseModel]) -> Tree:
    """The schema of the options of a source or a term."""
    return _schema_of(options)


def _schema_of(model: type[BaseModel]) -> Tree:
    """The schema that pydantic makes, with what the docstrings say of each key."""
    schema = model.model_json_schema(ref_template="#/$defs/{model}")
    tables = {**schema.get("$defs", {}), model.__name__: schema}
    for kind in _models(model):
        for said in (one for one in kind.__mro__ if issubclass(one, BaseModel) and one is not BaseModel):
            _describe(tables[kind.__name__], said.__doc__ or "", own=said is kind)
    if limits := schema.get("$defs", {}).get(LimitsTable.__name__):
        _describe(limits, Limits.__doc__ or "", own=False)
    return schema


def _models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """A model, and those that its fields hold."""
    yield model
    hints: list[Any] = [field.annotation for field in model.model_fields.values()]
    while hints:
        hint = hints.pop()
        hints += typing.get_args(hint)
        if isinstance(hint, type) and issubclass(hint, BaseModel):
            yield from _models(hint)


def _describe(table: Tree, docstring: str, own: bool = True) -> None:
    """Move what a docstring says of attributes to these; ``own`` is false for that of a base."""
    for names, said in _ENTRY.findall(_attributes(docstring)):
        for name in names.split(", "):
            if name in table.get("properties", {}):
                table["properties"][name].setdefault("description", " ".join(said.replace("``", "`").split()))
    for option in table.get("properties", {}).values():
        option.pop("title", None)
    if docstring and own:
        table["description"] = _ATTRIBUTES.sub("", inspect.cleandoc(docstring) + "\n").replace("``", "`").strip()


def _attributes(docstring: str) -> str:
    found = _ATTRIBUTES.search("\n".join(_dedented(docstring)) + "\n")
    return found[0] if found else ""


def _dedented(docstring: str) -> list[str]:
    return inspect.cleandoc(docstring).splitlines()


def _data_table(table: Tree, with_plugins: bool) -> Tree:
    """Every option of every source; which of them belong together, only `recipe check` says."""
    sources = known(plugin_manager().problem_sources, with_plugins)
    found: dict[str, list[Tree]] = {}
    for source in sources.values():
        for name, option in options_schema(source.options)["properties"].items():
            kinds = found.setdefault(name, [])
            kinds += [] if option in kinds else [option]
    options = {name: kinds[0] if len(kinds) == 1 else {"anyOf": kinds} for name, kinds in found.items()}
    own = {name: table["properties"][name] for name in DataTable.model_fields}
    own["source"] = {**own["source"], "enum": sorted(sources)}
    return {**table, "properties": {**own, **options}, "additionalProperties": False}


def _name_rewards(table: Tree, with_plugins: bool) -> None:
    each = table["additionalProperties"]
    terms = known(plugin_manager().rewards, with_plugins)
    table["properties"] = {name: {**each, "description": term.meaning} for name, term in terms.items()}
    table["additionalProperties"] = False


def _train_table(table: Tree) -> Tree:
    """The options of the installed TRL that a recipe may set."""
    options = {name: _option(name, hint) for name, hint in sorted(trl_fields().items()) if name not in REFUSED}
    comment = f"TRL {importlib.metadata.version('trl')}"
    return {**table, "$comment": comment, "properties": options, "additionalProperties": False}


def _option(name: str, hint: Any) -> Tree:
    kinds = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    plain = [typing.get_origin(kind) or kind for kind in kinds if kind is not types.NoneType]
    names = sorted({_TYPES.get(kind, "string") for kind in plain})
    bounds = _bounds(name) if {"integer", "number"} & set(names) else {}
    return {"type": names[0] if len(names) == 1 else names, **bounds, "description": in_words(hint)}


@functools.cache
def _bounds(name: str) -> Tree:
    if name not in BOUNDS:
        return {}
    schema = TypeAdapter(typing.Annotated[float, BOUNDS[name]]).json_schema()
    return {key: value for key, value in schema.items() if key != "type"}
