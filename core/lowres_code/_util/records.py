"""What the keys of a record hold, read and quoted for people; and records made into other things, bad ones named."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from lowres_code.errors import UsageError

R = TypeVar("R")
T = TypeVar("T")

_NAMED = 5  # bad rows that are named; what is wrong with one is mostly wrong with all
_QUOTING = reprlib.Repr()
_QUOTING.maxstring = _QUOTING.maxother = 80


def label(record: Mapping[str, object], key: str, where: str) -> str:
    """The text or number at a key, as text; ``""`` if it is absent or null.

    Raises:
        UsageError: it is something else.
    """
    value = record.get(key)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise UsageError(f"{where}: {key!r} must be text or a number, not {shown(value)}")
    return str(value)


def difficulty_text(value: object) -> str:
    """A difficulty in one line, the same for the same value: ``{"terms": (2, 4)}`` is ``terms=2..4``."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={_range_text(value[key])}" for key in sorted(value, key=str))
    return "" if value is None else _range_text(value)


def _range_text(value: object) -> str:
    if isinstance(value, list | tuple):
        return ("..".join if len(value) == 2 else "/".join)(map(_item_text, value))
    return _item_text(value)


def _item_text(value: object) -> str:
    return shown(value) if isinstance(value, list | tuple | Mapping) else str(value)


def shown(value: object) -> str:
    """The value as Python writes it, no longer than a line, however long or deep it is."""
    return _QUOTING.repr(value)


def make_each(
    rows: Iterable[tuple[str, R]], make: Callable[[R, str], T], left_out: Callable[[str], None] | None = None
) -> list[T]:
    """What ``make`` makes of each row, and of its place.

    Args:
        rows: each with the place to name it by.
        make: raises `UsageError` for a bad row.
        left_out: if given, bad rows are left out, and it is told in a sentence how many and why.

    Raises:
        UsageError: there are bad rows; the first five are named and the others counted.
    """
    made: list[T] = []
    told: list[str] = []
    bad = 0
    for where, row in rows:
        try:
            made.append(make(row, where))
        except UsageError as error:  # noqa: PERF203 - each row has a message of its own
            bad += 1
            told += [str(error)] if bad <= _NAMED else []
    if bad and left_out is not None:
        left_out(f"{bad} of {len(made) + bad} rows are left out; the first: {told[0]}")
    elif bad:
        more = [f"and {bad - _NAMED} more of {len(made) + bad} rows"] if bad > _NAMED else []
        raise UsageError("\n".join([*told, *more]))
    return made


def parsed_cell(value: object, key: str, kind: str, where: str) -> object:
    """What a key holds; where that is text, as in one cell, what it says as JSON.

    Raises:
        UsageError: it is no JSON; ``kind`` says what it should be, as ``a list``.
    """
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where}: {key!r} must be {kind}, or JSON of one: {error}") from error
