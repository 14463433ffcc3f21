"""The problems of a file, as tools that ask a model themselves want them: prompts, and rows that say what is right."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from lowres_code._util.records import label, make_each
from lowres_code._util.tables import Record, open_table
from lowres_code.errors import UsageError
from lowres_code.language.base import Language
from lowres_code.language.demands import check_tests
from lowres_code.problem import problem_of
from lowres_code.prompt import Message, Prompt
from lowres_code.recipe.stages import DEFAULT_SYSTEM


def read_rows(file: str, language: Language) -> list[dict[str, object]]:
    """The rows of a file (JSON Lines, CSV, Parquet), each with a question, what is right, and an id; no empty cells.

    Raises:
        UsageError: there is no such file, it has no rows, or a row is no problem, or asks what the language cannot do;
            the first bad rows are named.
    """
    name = Path(file).name.partition(".")[0]
    with open_table(Path(file)) as table:
        entries = [(entry.where, (f"{name}-{entry.number}", entry.record)) for entry in table.entries]
    if not entries:
        raise UsageError(f"{file!r} has no rows; it needs a question and an answer in each")
    return make_each(entries, partial(_row, language))


def _row(language: Language, named: tuple[str, Record | UsageError], where: str) -> dict[str, object]:
    name, record = named
    if isinstance(record, UsageError):
        raise record
    row = {key: value for key, value in record.items() if value != ""}
    problem = problem_of({**row, "id": label(row, "id", where) or name}, where)
    check_tests(language, problem.tests, where)
    return {**row, "id": problem.id}


def answer_of(row: Mapping[str, object]) -> str:
    """The right answer, for people to see; empty where tests say what is right."""
    return "" if row.get("answer") is None else str(row["answer"])


def asked(language: Language, question: str, shots: int = 0) -> list[Message]:
    """The chat messages of one question, in the words of a recipe that says nothing else.

    Raises:
        UsageError: the language has too few worked examples to show.
    """
    return Prompt(DEFAULT_SYSTEM, shots=shots).messages(language, question)
