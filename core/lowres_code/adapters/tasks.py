"""The problems of a file, as tools that ask a model themselves want them: prompts, and rows that say what is right."""

from __future__ import annotations

from pathlib import Path

from lowres_code._util.tables import open_table
from lowres_code.language.base import Language
from lowres_code.problem import make_each, problem_of
from lowres_code.prompt import Message, Prompt
from lowres_code.recipe.stages import DEFAULT_SYSTEM


def read_rows(file: str) -> list[dict[str, object]]:
    """The rows of a file (JSON Lines, CSV, Parquet), each with a question, what is right, and an id.

    Raises:
        UsageError: there is no such file, or a row is no problem; the first bad rows are named.
    """
    with open_table(Path(file)) as table:
        entries = [(entry.where, entry.record) for entry in table.entries]
    return make_each(entries, _row)


def _row(record: object, where: str) -> dict[str, object]:
    if isinstance(record, Exception):
        raise record
    assert isinstance(record, dict)
    return {**record, "id": problem_of(record, where).id}


def asked(language: Language, question: str, shots: int = 0) -> list[Message]:
    """The chat messages of one question, in the words of a recipe that says nothing else.

    Raises:
        UsageError: the language has too few worked examples to show.
    """
    return Prompt(DEFAULT_SYSTEM, shots=shots).messages(language, question)
