"""What a line asks: its programs, their tests and limits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lowres_code.completion import Completion
from lowres_code.errors import UsageError
from lowres_code.language.base import Language
from lowres_code.problem import Test
from lowres_code.remote.wire import read_object
from lowres_code.scoring.rows import Columns, row_of

_COLUMNS = Columns()
_MOST_SAMPLES, _MOST_TESTS, _LONGEST_ID = 64, 1_000, 200  # of a line


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a line asks. Its JSON, which may be thirty times as large in memory, is gone."""

    samples: list[Completion]
    tests: tuple[Test, ...]
    limits: Mapping[str, object]
    name: Mapping[str, object]


def parse(asked: bytes | dict[str, Any], number: int, language: Language) -> Parsed:
    """What is asked.

    Args:
        asked: a line, or an object.
        number: of the line.
        language: of the programs.

    Raises:
        UsageError: it cannot be judged, or is too much for a line.
    """
    record = asked if isinstance(asked, dict) else read_object(asked, f"line {number}")
    limits, name = _limits(record, number), _name(record, number)
    row = row_of(number, f"line {number}", record, _COLUMNS, language)
    for most, what, many in ((_MOST_SAMPLES, "samples", row.texts), (_MOST_TESTS, "tests", row.tests)):
        if len(many) > most:
            raise UsageError(f"line {number}: {len(many)} {what}; a line may have {most}")
    samples = [row.completion(sample, language.fences) for sample in range(len(row.texts))]
    return Parsed(samples, row.tests, limits, name)


def _name(record: Mapping[str, Any], number: int) -> dict[str, object]:
    """Its id as it is, for each answer; a number that is none could not be read again."""
    if "id" not in record:
        return {}
    if len(str(record["id"])) > _LONGEST_ID or record["id"] in (math.inf, -math.inf) or record["id"] != record["id"]:
        raise UsageError(f"line {number}: 'id' must be text of at most {_LONGEST_ID} characters, or a number")
    return {"id": record["id"]}


def _limits(record: dict[str, Any], number: int) -> dict[str, Any]:
    """Taken out of a record: they may be higher than usual, where a problem's own may not."""
    limits = record.pop("limits", {})
    if not isinstance(limits, dict):
        raise UsageError(f"line {number}: 'limits' must be an object")
    return limits
