"""Problems that somebody has written down: a file in this project's own form, or a data set."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from lowres_code.answers import clean_gold
from lowres_code.errors import UsageError, near_match
from lowres_code.problem import Problem, Test, problem_of, read_each, unique
from lowres_code.sources import Part, ProblemSource, SourceOptions


class FileOptions(SourceOptions):
    """``path``: a JSON Lines file of problems in this project's own form."""

    files = ("path",)

    path: str


class File(ProblemSource[FileOptions]):
    """Problems from a JSON Lines file: ``{"id", "question", "answer"}`` or ``{"id", "question", "tests": [...]}``."""

    name = "file"
    options = FileOptions

    def problems(self, options: FileOptions, part: Part, size: int, seed: int) -> list[Problem]:
        """A random choice, if there are more than ``size``."""
        found = read_each(Path(options.path), problem_of)
        return choose(unique(found), size, seed)


class DatasetOptions(SourceOptions):
    """What ``datasets.load_dataset`` takes, and which columns hold what.

    ``path`` is a data set on the Hugging Face hub, or ``"json"``, ``"csv"``, ``"parquet"`` with ``data_files``. The
    gold answer is what stands after the last ``answer_after``, if given.
    """

    files = ("data_files",)

    path: str
    config: str | None = None
    split: str = "train"
    revision: str | None = None
    data_files: str | None = None
    question: str = "question"
    answer: str = "answer"
    answer_after: str | None = None


class Dataset(ProblemSource[DatasetOptions]):
    """Questions and gold answers from a data set that the ``datasets`` library can load."""

    name = "dataset"
    options = DatasetOptions

    def problems(self, options: DatasetOptions, part: Part, size: int, seed: int) -> list[Problem]:
        """A random choice, if there are more than ``size``."""
        rows = _rows(options)
        for column in (options.question, options.answer):
            if column not in rows.column_names:
                raise UsageError(
                    f"data set {options.path!r} has no column {column!r}; {near_match(column, rows.column_names)}"
                )
        problems = [
            Problem(
                id=f"{options.path}-{options.split}-{number}",
                question=str(row[options.question]).strip(),
                tests=(Test(expected=gold_answer(str(row[options.answer]), options.answer_after)),),
            )
            for number, row in enumerate(rows)
        ]
        return choose(unique(problems), size, seed)


def _rows(options: DatasetOptions) -> Any:
    import datasets

    if options.data_files and not Path(options.data_files).is_file():
        raise UsageError(f"there is no data file {options.data_files!r}")
    try:
        return datasets.load_dataset(
            options.path,
            options.config,
            split=options.split,
            revision=options.revision,
            data_files=options.data_files,
        )
    except Exception as error:  # the library raises dozens of kinds, for the network alone
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise UsageError(f"data set {options.path!r} cannot be loaded: {reason[0]}") from error


def gold_answer(text: str, after: str | None) -> str:
    """The gold answer in a text: what follows the last ``after``, without separators and currency signs."""
    return clean_gold(text.rsplit(after, 1)[-1] if after else text)


def choose(problems: list[Problem], size: int, seed: int) -> list[Problem]:
    """``size`` of the problems in random order, or all of them."""
    return random.Random(seed).sample(problems, min(size, len(problems)))
