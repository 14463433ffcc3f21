"""What is wrong with a TOML file, told for people: each mistake in a line, with its place and the nearest right key."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import tomli
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from lowres_code.errors import UsageError, near_match

Tree = dict[str, Any]
MOST_LEVELS = 32

# pydantic's kinds of mistakes in the words of TOML; others keep pydantic's.
_MESSAGES = {
    **dict.fromkeys(("tuple_type", "list_type"), "must be a list"),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), "must be a table"),
    **dict.fromkeys(("literal_error", "enum"), "must be {expected}"),
    "string_type": "must be text",
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "must be a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "must be a number"),
    "bool_type": "must be true or false",
    "too_short": "must not be empty",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "finite_number": "must be a finite number",
    "string_pattern_mismatch": "must match {pattern}",
}


def read_toml(path: Path, what: str) -> Tree:
    """The tables of a TOML file.

    Raises:
        UsageError: it cannot be read, or is not TOML; ``what`` names the kind of file.
    """
    return parse_toml(read_text(path, what), str(path), what)


def read_text(path: Path, what: str) -> str:
    """The text of a TOML file.

    Raises:
        UsageError: it cannot be read; ``what`` names the kind of file.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"cannot read {what} {str(path)!r}: {error.strerror}") from error
    except ValueError as error:  # no UTF-8
        raise UsageError(f"cannot read {what} {str(path)!r}: {error}") from error


def parse_toml(text: str, name: str, what: str) -> Tree:
    """The tables in a text; ``name`` and ``what`` say in messages what it is.

    Raises:
        UsageError: it is not TOML, or tables stand in tables ``MOST_LEVELS`` deep.
    """
    try:
        tree: Tree = tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        raise UsageError(f"{name}: not TOML: {error}") from error
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits, a key of a thousand parts
        raise UsageError(f"cannot read {what} {name!r}: {error}") from error
    if _is_deep(tree):
        raise UsageError(f"cannot read {what} {name!r}: over {MOST_LEVELS} tables and lists stand in each other")
    return tree


def _is_deep(tree: Tree) -> bool:
    """Whether it is too deep for whoever walks through it, one call a level."""
    level: list[Any] = [tree]
    for _ in range(MOST_LEVELS):
        values = (thing.values() if isinstance(thing, dict) else thing for thing in level)
        level = [value for several in values for value in several if isinstance(value, (dict, list))]
    return bool(level)


def table_of(tree: object, *keys: str) -> Tree:
    """The table at a place; empty if there is none, or something else."""
    for key in keys:
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree if isinstance(tree, dict) else {}


def validation_errors(
    error: ValidationError, model: type[BaseModel], prefix: tuple[str, ...] = (), beside: Iterable[str] = ()
) -> list[str]:
    """A line for each mistake that pydantic has found.

    Args:
        error: as it was raised.
        model: of the table.
        prefix: its place in the file.
        beside: keys that this table may have and that are not the model's, to be suggested too.
    """
    return [_validation_error(detail, model, prefix, beside) for detail in error.errors()]


def _validation_error(
    detail: ErrorDetails, model: type[BaseModel], prefix: tuple[str, ...], beside: Iterable[str]
) -> str:
    location = tuple(str(part) for part in detail["loc"])
    place = ".".join((*prefix, *location))
    if detail["type"] == "value_error":  # a validator of ours, of a key or of the table as a whole
        return f"{place}: {detail['ctx']['error']}"
    if not location:
        return f"{place}: must be a table, got {detail['input']!r}"
    *tables, key = location
    if detail["type"] == "extra_forbidden":
        return f"{place}: unknown key; {near_match(key, [*_keys(model, tables), *(() if tables else beside)])}"
    if detail["type"] == "missing":
        return f"{place}: missing"
    return f"{place}: {error_message(detail)}"


def error_message(detail: ErrorDetails) -> str:
    """One of pydantic's mistakes in the words of TOML, with the value."""
    numbers = {
        name: f"{value:g}" if isinstance(value, float) else value for name, value in detail.get("ctx", {}).items()
    }
    message = _MESSAGES.get(detail["type"], "").format_map(numbers)
    return f"{message or detail['msg'][0].lower() + detail['msg'][1:]}, got {detail['input']!r}"


def _keys(model: type[BaseModel], tables: Iterable[str]) -> list[str]:
    """The keys that the table at a place may have."""
    for table in tables:
        if table.isdigit():  # a place in an array of tables
            continue
        model = next(kind for kind in _kinds(model.model_fields[table].annotation))
    return list(model.model_fields)


def _kinds(annotation: Any) -> Iterable[type[BaseModel]]:
    """The tables that an annotation speaks of, through unions and tuples."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in getattr(annotation, "__args__", ()):
        yield from _kinds(part)
