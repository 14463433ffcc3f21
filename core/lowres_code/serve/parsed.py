"""What a line asks: its programs, their tests and limits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from typing import Any

from lowres_code._util.records import shown
from lowres_code.completion import Completion
from lowres_code.errors import UsageError
from lowres_code.language.base import Language
from lowres_code.problem import RIGHT, Test
from lowres_code.remote.wire import read_object
from lowres_code.scoring.rows import Columns, row_of
from lowres_code.serve.messages import Asked

_COLUMNS = Columns()
_WRITTEN = ("program", "completion")
_TEST = ("stdin", "stdout")
_SHOWN = 10  # keys in a message
_COMPARED = 60  # characters of a key that are compared with those that are known
_MOST_SAMPLES, _MOST_TESTS, _LONGEST_ID = 64, 1_000, 200  # of a line


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a line asks. Its JSON, which may be thirty times as large in memory, is gone."""

    samples: list[Completion]
    tests: tuple[Test, ...]
    limits: Mapping[str, object]
    name: Mapping[str, object]


def parse(asked: bytes | dict[str, Any], where: str, language: Language) -> Parsed:
    """What is asked.

    Args:
        asked: a line, or an object.
        where: names it in errors.
        language: of the programs; what a line itself calls ``lang`` means nothing, as in rows of a data set.

    Raises:
        UsageError: it cannot be judged, or is too much for a line.
    """
    record = asked if isinstance(asked, dict) else read_object(asked, where)
    limits, name = _limits(record, where), _name(record, where)
    _must_have_both(record, where)
    row = row_of(1, where, record, _COLUMNS, language)
    for most, what, many in ((_MOST_SAMPLES, "samples", row.texts), (_MOST_TESTS, "tests", row.tests)):
        if len(many) > most:
            raise UsageError(f"{where}: {len(many)} {what}; a line may have {most}")
    samples = [row.completion(sample, language.fences) for sample in range(len(row.texts))]
    return Parsed(samples, row.tests, limits, name)


def parse_asked(asked: Asked, language: Language) -> Parsed:
    """What a request of one program asks, but for its limits.

    Raises:
        UsageError: it cannot be judged.
    """
    _must_know(asked.tests or [])
    given = {name: getattr(asked, name) for name in asked.model_fields_set - {"lang", "limits"}}  # not copied
    return parse(given, "the request", language)


def name_in(line: bytes) -> dict[str, object]:
    """The id of a line that cannot be judged, as far as it can be read."""
    try:
        return _name(read_object(line, ""), "")
    except UsageError:
        return {}


def _name(record: Mapping[str, Any], where: str) -> dict[str, object]:
    """Its id as it is, for each answer; a number that is none could not be read again."""
    if "id" not in record:
        return {}
    name = record["id"]
    is_one = name is None or isinstance(name, str | int) or (isinstance(name, float) and math.isfinite(name))
    if not is_one or len(str(name)) > _LONGEST_ID:
        raise UsageError(f"{where}: 'id' must be text of at most {_LONGEST_ID} characters, or a number")
    return {"id": name}


def _limits(record: dict[str, Any], where: str) -> dict[str, Any]:
    """Taken out of a record: they may be higher than usual, where a problem's own may not."""
    limits = record.pop("limits", {})
    if not isinstance(limits, dict):
        raise UsageError(f"{where}: 'limits' must be an object, as {{\"cpu_s\": 20}}, not {shown(limits)}")
    return limits


def _must_know(tests: list[Any]) -> None:
    """See that no test has a key that looks like a misspelt one of its own; what else it has means nothing."""
    for test in tests[:_MOST_TESTS]:
        lacking = [key for key in _TEST if key not in test] if isinstance(test, dict) else []
        for key in islice(test, _SHOWN) if lacking else ():
            if key not in _TEST and (near := get_close_matches(key[:_COMPARED].lower(), lacking, 1)):
                raise UsageError(f"the request: unknown key {shown(key)} in 'tests'; did you mean {near[0]!r}?")


def _must_have_both(record: Mapping[str, Any], where: str) -> None:
    """See that there is something to be judged, and something that is right; an empty program is one."""
    for keys, nothing in ((_WRITTEN, (None,)), (RIGHT, (None, ""))):
        if all(record.get(key) in nothing for key in keys):
            raise UsageError(f"{where}: needs {' or '.join(map(repr, keys))}; {_there(record, keys)}")


def _there(record: Mapping[str, Any], keys: Sequence[str]) -> str:
    """What a record has instead of one of some keys."""
    if empty := [key for key in keys if key in record]:
        return f"{empty[0]!r} is {'null' if record[empty[0]] is None else 'empty'}"
    names = sorted(shown(key) for key in islice(record, _SHOWN))
    near = [(key, match[0]) for key in islice(record, _SHOWN) if (match := get_close_matches(key[:_COMPARED], keys, 1))]
    misspelt = "".join(f"; for {shown(key)} did you mean {ours!r}?" for key, ours in near)
    more = ", ..." if len(record) > _SHOWN else ""
    return f"it has {', '.join(names) or 'nothing'}{more}{misspelt}"
