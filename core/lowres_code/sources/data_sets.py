"""Problems that somebody has written down: files of one's own, and data sets that the ``datasets`` library can load."""

from __future__ import annotations

import glob
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lowres_code._util.hub import look_for_hub
from lowres_code._util.tables import open_table
from lowres_code.errors import UsageError
from lowres_code.problem import Problem
from lowres_code.sources import Part, ProblemSource
from lowres_code.sources.choice import choose
from lowres_code.sources.columns import ColumnOptions, Rows

# Values of ``path`` for which ``data_files`` are files of one's own; with others they are inside the data set.
BUILDERS = ("arrow", "csv", "json", "pandas", "parquet", "sql", "text", "webdataset", "xml")


class FileOptions(ColumnOptions):
    """Files: JSON Lines, CSV, TSV (each also with ``.gz``) and Parquet, by the suffix. Cells of a CSV file are texts.

    A column that no key names is found by the key's own name, if there is one.

    Attributes:
        path: a file of problems, or a pattern such as ``"part-*.jsonl"``.
    """

    files = ("path",)

    path: str


class File(ProblemSource[FileOptions]):
    """Problems from files: ``{"id", "question", "answer"}`` or ``{"id", "question", "tests": [...]}`` in each row."""

    name = "file"
    options = FileOptions

    def problems(self, options: FileOptions, part: Part, size: int, seed: int) -> list[Problem]:
        """A random choice, if there are more than ``size``; each ``task`` has its share."""
        if "://" in options.path:
            raise UsageError(
                f'source "file" reads files of this machine, not {options.path!r}: a URL is data_files of source '
                '"dataset", with path = "json", "csv" or "parquet"'
            )
        return choose(options.problems(_file_rows(options, part), part, options.path), size, seed)


def _file_rows(options: FileOptions, part: Part) -> Rows:
    files = matching(options.path)
    folder = os.path.commonpath([file.parent for file in files])
    for file in files:
        name = str(Path(os.path.relpath(file, folder).removesuffix(".gz")).with_suffix(""))
        with open_table(file) as table:
            options.check(table.columns, table.uniform, str(file), part)
            for entry in table.entries:
                yield entry.where, (f"{name}-{entry.number}", entry.record)


def matching(pattern: str) -> list[Path]:
    """The file of that name, or else those that a pattern matches, in order.

    Raises:
        UsageError: there is none.
    """
    if Path(pattern).is_file():
        return [Path(pattern)]
    found = sorted(Path(name) for name in glob.glob(pattern, recursive=True))
    if not found:
        raise UsageError(f"there is no data file {pattern!r}")
    return found


class DatasetOptions(ColumnOptions):
    """What ``datasets.load_dataset`` takes, and which columns hold what.

    A column that no key names is found by the key's own name, if there is one.

    Attributes:
        path: a data set on the Hugging Face hub, a folder beside the recipe (``"./NAME"``), or a builder of the library
            (``"json"``, ``"csv"``, ``"parquet"``, ...).
        config: which configuration of the data set.
        split: which split of it.
        revision: a branch, a tag or a commit of the data set on the hub.
        data_files: with a builder, a file beside the recipe, a pattern such as ``"part-*.jsonl"``, or a URL
            (``https://``, ``hf://``); with others, a name or a pattern inside the data set.
    """

    files = ("path", "data_files")

    path: str
    config: str | None = None
    split: str = "train"
    revision: str | None = None
    data_files: str | None = None

    @classmethod
    def is_beside(cls, key: str, table: Mapping[str, Any]) -> bool:
        """``path`` if it begins so; ``data_files`` of a builder, unless they are a URL."""
        if not super().is_beside(key, table):
            return False
        if key == "path":
            return str(table[key]).startswith(("./", "../"))
        return table.get("path") in BUILDERS and "://" not in table[key]


class Dataset(ProblemSource[DatasetOptions]):
    """Problems from a data set that the ``datasets`` library can load."""

    name = "dataset"
    options = DatasetOptions

    def problems(self, options: DatasetOptions, part: Part, size: int, seed: int) -> list[Problem]:
        """A random choice, if there are more than ``size``; each task has its share."""
        return choose(options.problems(_dataset_rows(options, part), part, options.path), size, seed)


def _dataset_rows(options: DatasetOptions, part: Part) -> Rows:
    there = _loaded(options)
    whole = f"data set {options.path!r}"
    options.check(there.column_names, True, whole, part)
    name = Path(options.path).name if Path(options.path).is_absolute() else options.path
    for number, row in enumerate(there.select_columns([c for c in there.column_names if options.reads(c)])):
        yield f"{whole}, split {options.split!r}, row {number + 1}", (f"{name}-{options.split}-{number}", row)


def _loaded(options: DatasetOptions) -> Any:
    import datasets

    files = _data_files(options)
    if options.path not in BUILDERS and not Path(options.path).exists():
        look_for_hub()
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
    return glob.escape(name) if [Path(name)] == matching(name) else name
