"""The reference of all that a recipe may say, in Markdown: printed from the JSON Schema, so that both are right."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from lowres_code._util.toml_errors import Tree
from lowres_code.plugins.manager import plugin_manager
from lowres_code.recipe.json_schema import known, options_schema, recipe_json_schema
from lowres_code.recipe.schema import DataTable
from lowres_code.recipe.trl_options import REFUSED, REFUSED_VALUES

_NUMBERS = {"minimum": "at least", "exclusiveMinimum": "over", "maximum": "at most", "exclusiveMaximum": "under"}
_TYPES = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}


def reference(with_plugins: bool = False) -> str:
    """Every table, key, source, option, reward term and default.

    Args:
        with_plugins: whether what plugins bring is in it.
    """
    schema = recipe_json_schema(with_plugins)
    lines = [*_rows({name: schema["properties"].pop(name) for name in ("extends", "remove")}, schema)]
    for name, table in schema["properties"].items():
        special = {"data": _data, "reward": _reward, "train": _train}.get(name)
        lines += special(schema, with_plugins) if special else _table(name, table, schema)
    return "\n".join(lines) + "\n"


def _table(name: str, table: Tree, schema: Tree) -> Iterator[str]:
    """A table by itself, or one of which there may be several."""
    several = table.get("type") == "array"
    resolved = _resolved(table["items"] if several else table, schema)
    yield from ("", f"## `[[{name}]]`" if several else f"## `[{name}]`", "", *_intro(resolved), "")
    if resolved.get("properties"):
        yield from _rows(resolved["properties"], schema, resolved.get("required", ()))


def _intro(table: Tree) -> Iterator[str]:
    """What a docstring says of a table, without the name that it begins with."""
    said = table.get("description", "")
    head, colon, rest = said.partition(": ")
    text = rest if colon and head.startswith("`[") and ". " not in head else said
    yield text[:1].upper() + text[1:]


def _data(schema: Tree, with_plugins: bool) -> Iterator[str]:
    table = schema["$defs"][DataTable.__name__]
    yield from ("", "## `[data.train]`, `[data.eval]`", "", *_intro(table), "")
    own = {name: table["properties"][name] for name in DataTable.model_fields}
    yield from _rows(own, schema, table["required"])
    for name, source in known(plugin_manager().problem_sources, with_plugins).items():
        yield from ("", f"### `source = {json.dumps(name)}`", "", *_intro(options_schema(source.options)), "")
        yield from _options(source.options)


def _reward(schema: Tree, with_plugins: bool) -> Iterator[str]:
    table = schema["properties"]["reward"]
    yield from ("", "## `[reward]`", "", "The weight of each term in a completion's reward.")
    yield from (f"Default: `{json.dumps(table['default'])}`.", "", "| term | meaning |", "|---|---|")
    terms = known(plugin_manager().rewards, with_plugins)
    yield from (f"| `{name}` | {_said(term.meaning)} |" for name, term in terms.items())
    for name, term in terms.items():
        options = getattr(term, "options", None)
        if isinstance(options, type) and issubclass(options, BaseModel) and options.model_fields:
            yield from ("", f"### `[reward.{name}]`", "", *_intro(options_schema(options)), "")
            yield from _options(options)


def _options(options: type[BaseModel]) -> Iterator[str]:
    schema = options_schema(options)
    return _rows(schema["properties"], schema, schema.get("required", ()))


def _train(_: Tree, __: bool) -> Iterator[str]:
    yield from ("", "## `[train]`", "")
    yield "Every option of the installed TRL's `GRPOConfig`, by its own name and with TRL's default, but for these:"
    yield from ("", "| option | why not |", "|---|---|")
    reasons: dict[str, list[str]] = {}
    for name, reason in REFUSED.items():
        reasons.setdefault(reason, []).append(f"`{name}`")
    yield from (f"| {' '.join(names)} | {_said(reason)} |" for reason, names in reasons.items())
    for name, values in REFUSED_VALUES.items():
        yield from (f"| `{name} = {json.dumps(value)}` | {_said(reason)} |" for value, reason in values.items())


def _rows(options: Tree, schema: Tree, required: Any = ()) -> Iterator[str]:
    yield from ("| key | value | default | meaning |", "|---|---|---|---|")
    for name, option in options.items():
        value, default = _cell(_kind(option, schema)), _cell(_default(name, option, required))
        yield f"| `{name}` | {value} | {default} | {_said(option.get('description', ''))} |"


def _default(name: str, option: Tree, required: Any) -> str:
    if "default" not in option:
        return "must be given" if name in required else ""
    return "" if option["default"] is None else f"`{json.dumps(option['default'], ensure_ascii=False)}`"


def _kind(option: Tree, schema: Tree) -> str:
    """What a value may be, in words."""
    option = _resolved(option, schema)
    if kinds := option.get("anyOf"):
        return " or ".join(_kind(kind, schema) for kind in kinds if kind.get("type") != "null")
    if "enum" in option:
        return ", ".join(f"`{json.dumps(value)}`" for value in option["enum"])
    if "const" in option:
        return f"`{json.dumps(option['const'])}`"
    if option.get("type") == "array":
        return f"list of {_kind(option.get('items', {}), schema)}"
    if option.get("type") == "object":
        inner = option.get("additionalProperties")
        return f"table of {_kind(inner, schema)}" if isinstance(inner, dict) else "table"
    bounds = [f"{word} {option[bound]:,}" for bound, word in _NUMBERS.items() if bound in option]
    return ", ".join([_TYPES.get(str(option.get("type")), "any value"), *bounds])


def _resolved(option: Tree, schema: Tree) -> Tree:
    """A table where it is defined; what stands at the reference comes first. An optional one is itself."""
    kinds = [kind for kind in option.get("anyOf", ()) if kind.get("type") != "null"]
    if len(kinds) == 1 and "$ref" in kinds[0]:
        option = kinds[0]
    if "$ref" not in option:
        return option
    found: Tree = schema["$defs"][option["$ref"].rpartition("/")[2]]
    return {**found, **{key: value for key, value in option.items() if key == "description"}}


def _said(text: str) -> str:
    """Words as a cell: Markdown takes what stands in angle brackets for HTML."""
    return _cell(text).replace("<", "&lt;")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
