"""What is wrong with a message, told for people: each mistake with its place, the value and the nearest right key."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from lowres_code._util.records import shown
from lowres_code.errors import near_match

_NAMED = 5  # mistakes of one message
_MOST_LISTED = 100  # of which pydantic makes objects
_LONGEST = 60  # characters of a key that is compared with those that are known
_AROUND = 20  # characters on either side of a mistake in JSON

# pydantic's kinds of mistakes in the words of JSON; others keep pydantic's.
_KINDS = {
    **dict.fromkeys(("list_type", "tuple_type"), "a list"),
    **dict.fromkeys(("dict_type", "model_type"), "an object"),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "a number"),
    "string_type": "text",
    "bool_type": "true or false",
}


def unknown_keys(record: Mapping[str, object], model: type[BaseModel]) -> str:
    """What is said of keys that a message may not have; nothing if there are none."""
    strange = [key for key in record if key not in model.model_fields]
    told = [f"unknown key {shown(key)}; {near_match(key[:_LONGEST], model.model_fields)}" for key in strange[:_NAMED]]
    return "; ".join([*told, *_more(len(strange))])


def mistakes(error: ValidationError, record: object) -> str:
    """What else pydantic has found, in a line.

    Args:
        error: as it was raised.
        record: the message.
    """
    if (count := error.error_count()) > _MOST_LISTED:
        return f"{count} mistakes"
    places: dict[str, list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False):
        places.setdefault(".".join(_followed(detail, record)), []).append(detail)
    told = [_mistake(place, details) for place, details in places.items()]
    return "; ".join([*told[:_NAMED], *_more(len(told))])


def _more(count: int) -> list[str]:
    return [f"and {count - _NAMED} more"] if count > _NAMED else []


def _followed(detail: ErrorDetails, record: object) -> Iterator[str]:
    """The keys that lead to a mistake, without pydantic's names for the kinds that a value may have."""
    value: Any = record
    for part in detail["loc"]:
        if isinstance(value, dict) and (part in value or detail["type"] == "missing"):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int):
            value = value[part]
        else:
            return
        yield str(part)


def _mistake(place: str, details: Sequence[ErrorDetails]) -> str:
    first = details[0]
    if first["type"] == "missing":
        return f"{shown(place)} is missing"
    if first["type"] == "extra_forbidden":
        return f"unknown key {shown(place)}"
    kinds = list(dict.fromkeys(_KINDS[one["type"]] for one in details if one["type"] in _KINDS))
    if {"a number", "a whole number"} <= {*kinds}:
        kinds.remove("a whole number")
    must = f"be {' or '.join(kinds)}" if kinds else first["msg"].removeprefix("Input should ")
    return f"{shown(place)} must {must}, not {written(first['input'])}"


def unreadable(error: ValueError | RecursionError) -> str:
    """Why a text is no JSON."""
    if isinstance(error, json.JSONDecodeError):
        near = error.doc[max(0, error.pos - _AROUND) : error.pos + _AROUND]
        return f"{error.msg[0].lower()}{error.msg[1:]} at character {error.pos + 1}, near {shown(near)}"
    return "it is too deep" if isinstance(error, RecursionError) else str(error).partition(";")[0]


def written(value: object) -> str:
    """A value, shortly; as in JSON where that is another word than in Python."""
    return json.dumps(value) if value is None or isinstance(value, bool) else shown(value)
