"""Judging completions that somebody already has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import Any

from lowres_code.completion import Completion, parse_completion
from lowres_code.errors import UsageError
from lowres_code.judge import Judge, Judgement
from lowres_code.language.base import Language
from lowres_code.problem import Test, read_each, tests_of

NO_PROGRAM = "no program: neither <code>...</code> nor a fenced block of the language, each fence on a line of its own"
CHUNK = 256  # rows that are judged at a time


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file: what was written, and what it must answer."""

    id: str
    completion: Completion
    tests: tuple[Test, ...]


def read_rows(path: Path, language: Language) -> list[Row]:
    """The rows of a JSON Lines file: ``program`` or ``completion``, ``answer`` or ``tests``, perhaps ``id``.

    Raises:
        UsageError: the file cannot be read or is empty, or rows lack something; the rows are named.
    """
    rows = read_each(path, lambda record, where: _row(record, where, language))
    if not rows:
        raise UsageError(f"{str(path)!r} holds no rows")
    return rows


def _row(record: Mapping[str, object], where: str, language: Language) -> Row:
    program, text = record.get("program"), record.get("completion")
    if program is not None and text is not None:
        raise UsageError(f"{where}: has both 'program' and 'completion'; one of them is to be judged")
    if isinstance(program, str):
        completion = Completion(text=program, reasoning=None, program=program, well_formed=False)
    elif isinstance(text, str):
        completion = parse_completion(text, language.fences)
    else:
        has = f"{sorted(record)}{_misspelt(record)}"
        raise UsageError(f"{where}: needs 'program' or 'completion' with some text, has {has}")
    return Row(str(record.get("id", where.rpartition(":")[2])), completion, tests_of(record, where))


def _misspelt(record: Mapping[str, object]) -> str:
    known = ("program", "completion", "answer", "tests", "query", "id")
    near = [(key, match[0]) for key in record if key not in known if (match := get_close_matches(key, known, 1))]
    return "".join(f"; for {key!r} did you mean {match!r}?" for key, match in near)


def score(rows: Iterable[Row], judge: Judge, done: Callable[[list[dict[str, Any]]], None]) -> dict[str, Any]:
    """Judge all rows.

    Args:
        rows: what to judge.
        judge: of their language.
        done: receives the results of each chunk of rows, as they come.

    Returns:
        ``{"n": rows, "verdicts": {verdict: rows, ...}}``, the most frequent verdict first.
    """
    verdicts: Counter[str] = Counter()
    for chunk in _chunks(rows):
        judgements = judge.judge_parsed([row.completion for row in chunk], [row.tests for row in chunk])
        verdicts.update(judgement.verdict for judgement in judgements)
        done([_result(row, judgement) for row, judgement in zip(chunk, judgements, strict=True)])
    return {"n": verdicts.total(), "verdicts": dict(verdicts.most_common())}


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    remaining = iter(rows)
    while chunk := list(islice(remaining, CHUNK)):
        yield chunk


def _result(row: Row, judgement: Judgement) -> dict[str, Any]:
    execution = judgement.execution
    return {
        "id": row.id,
        "verdict": judgement.verdict,
        "answer": execution.answer if execution else None,
        "diagnostics": [note.message for note in execution.diagnostics] if execution else [NO_PROGRAM],
        "cpu_s": execution.cpu_s if execution else 0.0,
        "isolation": execution.isolation if execution else None,
    }
