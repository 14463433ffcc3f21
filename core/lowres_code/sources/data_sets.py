"""Problems that somebody has written down: a file in this project's own form, or a data set."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lowres_code.errors import UsageError
from lowres_code.problem import Problem, make_each, problem_of, read_each, shown, unique
from lowres_code.sources import Part, ProblemSource, SourceOptions, log
from lowres_code.sources.choice import choose

Row = Mapping[str, object]

# Values of ``path`` for which ``data_files`` are files of one's own; with others they are inside the data set.
BUILDERS = ("arrow", "csv", "json", "pandas", "parquet", "sql", "text", "webdataset", "xml")


class FileOptions(SourceOptions):
    """``path``: a JSON Lines file of problems in this project's own form.

    With ``skip_bad`` bad lines are left out, and it is told how many; without it they are refused.
    """

    files = ("path",)

    path: str
    skip_bad: bool = False


class File(ProblemSource[FileOptions]):
    """Problems from a JSON Lines file: ``{"id", "question", "answer"}`` or ``{"id", "question", "tests": [...]}``."""

    name = "file"
    options = FileOptions

    def problems(self, options: FileOptions, part: Part, size: int, seed: int) -> list[Problem]:
        """A random choice, if there are more than ``size``; each ``task`` has its share."""
        left_out = _teller(options.path) if options.skip_bad else None
        return choose(unique(read_each(Path(options.path), problem_of, left_out)), size, seed)


class DatasetOptions(SourceOptions):
    """What ``datasets.load_dataset`` takes, and which columns hold what.

    ``path`` is a data set on the Hugging Face hub, a folder beside the recipe (``"./NAME"``), or a builder of the
    library (``"json"``, ``"csv"``, ``"parquet"``, ...). ``data_files`` is, with a builder, a file beside the recipe, a
    pattern such as ``"part-*.jsonl"``, or a URL (``https://``, ``hf://``); with others, a name inside the data set. The
    gold answer is what stands after the last ``answer_after``, if given. ``program`` and ``reasoning`` name the columns
    of programs that somebody has, for ``[sft]``. With ``skip_bad`` bad rows are left out, and
    it is told how many; without it they are refused.
    """

    files = ("path", "data_files")

    path: str
    config: str | None = None
    split: str = "train"
    revision: str | None = None
    data_files: str | None = None
    question: str = "question"
    answer: str = "answer"
    answer_after: str | None = None
    task: str | None = None
    difficulty: str | None = None
    program: str | None = None
    reasoning: str | None = None
    skip_bad: bool = False

    @classmethod
    def is_beside(cls, key: str, table: Mapping[str, Any]) -> bool:
        """``path`` if it begins so; ``data_files`` of a builder, unless they are a URL."""
        if not super().is_beside(key, table):
            return False
        if key == "path":
            return str(table[key]).startswith(("./", "../"))
        return table.get("path") in BUILDERS and "://" not in table[key]

    @property
    def columns(self) -> dict[str, str]:
        """For each key of a problem, the column that holds it."""
        return {
            key: column
            for key in ("question", "answer", "task", "difficulty", "program", "reasoning")
            if (column := getattr(self, key)) is not None
        }


class Dataset(ProblemSource[DatasetOptions]):
    """Questions and gold answers from a data set that the ``datasets`` library can load."""

    name = "dataset"
    options = DatasetOptions

    def problems(self, options: DatasetOptions, part: Part, size: int, seed: int) -> list[Problem]:
        """A random choice, if there are more than ``size``; each task has its share."""
        rows = _rows(options)
        _check_columns(options, rows.column_names, part)
        left_out = _teller(options.path) if options.skip_bad else None
        found = make_each(_numbered(rows, options), lambda row, where: _problem(row, where, options), left_out)
        return choose(unique(found), size, seed)


def _rows(options: DatasetOptions) -> Any:
    import datasets

    files = _data_files(options)
    try:
        return datasets.load_dataset(
            options.path, options.config, split=options.split, revision=options.revision, data_files=files
        )
    except Exception as error:  # the library raises dozens of kinds, for the network alone
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise UsageError(f"data set {options.path!r} cannot be loaded: {reason[0]}") from error


def _data_files(options: DatasetOptions) -> str | None:
    """As the library takes them, which is always as a pattern.

    Raises:
        UsageError: they should be here, and are not.
    """
    name = options.data_files
    if name is None or not options.is_beside("data_files", options.model_dump()):
        return name
    if Path(name).is_file():
        return glob.escape(name)
    if not glob.glob(name, recursive=True):
        raise UsageError(f"there is no data file {name!r}")
    return name


def _check_columns(options: DatasetOptions, there: list[str], part: Part) -> None:
    for key, column in options.columns.items():
        if column not in there:
            raise UsageError(
                f"data set {options.path!r} has no column {column!r}; its columns are {', '.join(there)}: name the one "
                f'that holds the {key} with data.{part}.{key} = "..."'
            )


def _numbered(rows: Any, options: DatasetOptions) -> Iterator[tuple[str, tuple[int, Row]]]:
    for number, row in enumerate(rows):
        yield f"data set {options.path!r}, split {options.split!r}, row {number + 1}", (number, row)


def _problem(numbered: tuple[int, Row], where: str, options: DatasetOptions) -> Problem:
    number, row = numbered
    record = {key: row[column] for key, column in options.columns.items()}
    if isinstance(question := record["question"], str):
        record["question"] = question.strip()
    record["answer"] = gold_answer(record["answer"], options.answer_after, where)
    name = Path(options.path).name if Path(options.path).is_absolute() else options.path
    return problem_of({"id": f"{name}-{options.split}-{number}", **record}, where)


def gold_answer(answer: object, after: str | None, where: str) -> object:
    """The gold answer in what a column holds: if that is a text, what follows the last ``after``.

    Raises:
        UsageError: there is none, or no ``after`` in it.
    """
    if answer is None:
        raise UsageError(f"{where}: the answer is null")
    if after and not (isinstance(answer, str) and after in answer):
        raise UsageError(f"{where}: there is no {after!r} (answer_after) in the answer {shown(answer)}")
    if not isinstance(answer, str):
        return answer
    return (answer.rsplit(after, 1)[-1] if after else answer).strip()


def _teller(name: str) -> Callable[[str], None]:
    return lambda said: log.warning("%s: %s", name, said)
