"""Tables in files, read row by row in constant memory: JSON Lines, CSV and Parquet."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TextIO, cast

from lowres_code.errors import UsageError

if TYPE_CHECKING:
    from pyarrow import RecordBatch

Record = Mapping[str, object]

STANDARD_INPUT = Path("-")
_STANDARD = "standard input"
FORMATS = (
    ".jsonl, .ndjson and .json (one JSON object a line), .csv and .tsv, each also with .gz; .parquet; "
    "and - for JSON Lines from standard input"
)
_JSON_LINES = (".jsonl", ".ndjson", ".json")
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_PARQUET = ".parquet"

LONGEST_LINE = 2**28  # bytes; the longest program, each of its characters escaped, is shorter
_BATCH = 64  # rows of a Parquet file that are in memory at a time, each perhaps of many megabytes
_JSON_ALL_THE_SAME = re.compile(rb'\{.*|"[^"]*"', re.DOTALL)  # a broken object, or one text
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Entry:
    """One row.

    Attributes:
        number: counts the rows of the file from 1.
        where: names the row in messages.
        record: its columns, or why it cannot be read.
    """

    number: int
    where: str
    record: Record | UsageError


@dataclass(frozen=True, slots=True)
class Table:
    """An open file.

    Attributes:
        columns: of the first row.
        uniform: whether all other rows have just these.
        entries: the rows.
    """

    columns: tuple[str, ...]
    uniform: bool
    entries: Iterator[Entry]


def name_of(path: Path) -> str:
    """What people call the file."""
    return _STANDARD if path == STANDARD_INPUT else str(path)


def value_at(record: object, name: str) -> object:
    """What a record holds under a name, or under its parts one within the other, as in ``doc.target``."""
    if not isinstance(record, dict):
        return None
    if name in record:
        return record[name]
    first, dot, rest = name.partition(".")
    return value_at(record.get(first), rest) if dot else None


def what_is_null(record: Record, names: Iterable[str]) -> str:
    """Which of the names, read as by `value_at`, a record has as null, as in ``'answer' is null``; ``""`` if none."""
    nulls = [name for name in names if _is_null(record, name)]
    return f"{' and '.join(map(repr, nulls))} {'is' if len(nulls) == 1 else 'are'} null" if nulls else ""


def _is_null(record: object, name: str) -> bool:
    if not isinstance(record, dict):
        return record is None
    first, dot, rest = name.partition(".")
    if name in record or not dot:
        return name in record and record[name] is None
    return first in record and _is_null(record[first], rest)


@contextmanager
def open_table(path: Path, keep: Callable[[str], bool] = lambda column: True) -> Iterator[Table]:
    """Open a table; its rows are read as they are asked for.

    Args:
        path: the file; its suffix says what it is. ``-`` is standard input, as JSON Lines.
        keep: of CSV and Parquet, which columns are wanted.

    Raises:
        UsageError: of another format, or not to be read; also while its rows are read.
    """
    with ExitStack() as stack:
        with _reading(path):
            table = _open(path, keep, stack)
        yield replace(table, entries=_guarded(path, table.entries))


def _open(path: Path, keep: Callable[[str], bool], stack: ExitStack) -> Table:
    if path == STANDARD_INPUT:
        return _json_table(sys.stdin.buffer, name_of(path))
    packed = path.suffix.lower() == ".gz"
    suffix = (path.with_suffix("") if packed else path).suffix.lower()
    if suffix == _PARQUET and not packed:
        return _parquet_table(path, keep, stack)
    if suffix not in (*_JSON_LINES, *_DELIMITERS):
        raise UsageError(f"{str(path)!r} is of no format that can be read; those are {FORMATS}")
    opened = gzip.open(path) if packed else path.open("rb")  # noqa: SIM115 - the stack closes it
    stream = cast("BinaryIO", stack.enter_context(opened))
    if suffix in _JSON_LINES:
        return _json_table(stream, str(path))
    text = stack.enter_context(io.TextIOWrapper(stream, encoding="utf-8-sig", newline=""))
    return _csv_table(text, str(path), _DELIMITERS[suffix], keep)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """What goes wrong with the file becomes a `UsageError`."""
    try:
        yield
    except UsageError:
        raise
    except UnicodeDecodeError as error:
        raise UsageError(f"{str(path)!r} is not UTF-8 text: {error}") from error
    except (OSError, EOFError, zlib.error, ValueError, NotImplementedError) as error:  # the last two: pyarrow's
        raise UsageError(f"cannot read {str(path)!r}: {getattr(error, 'strerror', None) or error}") from error


def _guarded(path: Path, entries: Iterator[Entry]) -> Iterator[Entry]:
    with _reading(path):
        yield from entries


def _json_table(stream: BinaryIO, name: str) -> Table:
    entries = _json_entries(stream, name)
    first = next(entries, None)
    if first is None:
        return Table((), False, iter(()))
    columns = () if isinstance(first.record, UsageError) else tuple(first.record)
    return Table(columns, False, chain([first], entries))


def _json_entries(stream: BinaryIO, name: str) -> Iterator[Entry]:
    number = 0
    for line_number, line in enumerate(_lines(stream), 1):
        if not line.strip():
            continue
        if not number and line.lstrip().startswith(b"["):
            raise UsageError(f"{name}: a JSON array, not an object a line; jq -c '.[]' makes JSON Lines of it")
        number += 1
        where = f"{name}:{line_number}"
        record = _object_of(line, where)
        if number == 1 and isinstance(record, UsageError):
            _must_not_be_cells(line, name)
        yield Entry(number, where, record)


def _must_not_be_cells(line: bytes, name: str) -> None:
    """Raises `UsageError` if a first line that is not JSON looks like the header of a CSV or TSV file."""
    if _JSON_ALL_THE_SAME.fullmatch(line.strip()):
        return
    for suffix, delimiter in _DELIMITERS.items():
        if delimiter.encode() in line:
            given = name == _STANDARD
            said = "is read as" if given else "its suffix says"
            command = f": lowres-code score rows{suffix} --lang NAME" if given else ""
            looks = f"{name} looks like {suffix[1:].upper()}, and {said} JSON Lines"
            raise UsageError(f"{looks}: save it as a file that ends in {suffix}, and name that{command}")


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """The lines; of one that is too long no more than the beginning."""
    line = stream.readline(LONGEST_LINE + 1).removeprefix(_BOM)
    while line:
        yield line
        while len(line) > LONGEST_LINE and not line.endswith(b"\n"):
            line = stream.readline(LONGEST_LINE + 1)
        line = stream.readline(LONGEST_LINE + 1)


def _object_of(line: bytes, where: str) -> Record | UsageError:
    if len(line) > LONGEST_LINE:
        return UsageError(f"{where}: longer than {LONGEST_LINE >> 20} MiB")
    try:
        text = line.decode().strip()
        record = json.loads(text)
    except UnicodeDecodeError as error:
        return UsageError(f"{where}: not UTF-8 text ({error.reason}, byte {error.start + 1})")
    except json.JSONDecodeError as error:
        return UsageError(f"{where}: not JSON ({error.msg}, column {error.colno})")
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits, lists a thousand deep
        return UsageError(f"{where}: JSON that cannot be read ({error})")
    if not isinstance(record, dict):
        return UsageError(f"{where}: expected a JSON object, got {text[:60]!r}")
    return record


def _csv_table(text: TextIO, name: str, delimiter: str, keep: Callable[[str], bool]) -> Table:
    csv.field_size_limit(LONGEST_LINE)  # of this process: the module knows no other way
    rows = _cells(csv.reader(text, delimiter=delimiter, strict=True), name)
    header = next(rows, None)
    if header is None:
        return Table((), True, iter(()))
    if twice := sorted({column for column in header if header.count(column) > 1}):
        raise UsageError(f"{name}: has two columns {twice[0]!r}")
    return Table(tuple(header), True, _csv_entries(rows, header, name, keep))


def _cells(reader: Iterator[list[str]], name: str) -> Iterator[list[str]]:
    """The rows that are not empty."""
    number = 0
    try:
        for cells in reader:
            if cells:
                yield cells
                number += 1
    except csv.Error as error:
        raise UsageError(f"{name}: not CSV after row {max(0, number - 1)}: {error}") from error


def _csv_entries(
    rows: Iterator[list[str]], header: list[str], name: str, keep: Callable[[str], bool]
) -> Iterator[Entry]:
    kept = [(column, place) for place, column in enumerate(header) if keep(column)]
    for number, cells in enumerate(rows, 1):
        where = f"{name}: row {number}"
        if len(cells) == len(header):
            yield Entry(number, where, {column: cells[place] for column, place in kept})
        else:
            yield Entry(number, where, UsageError(f"{where}: has {len(cells)} cells, the header {len(header)}"))


def _parquet_table(path: Path, keep: Callable[[str], bool], stack: ExitStack) -> Table:
    from pyarrow.parquet import ParquetFile

    # Buffered: else all of a row group, often all of the file, is read at once.
    file = stack.enter_context(ParquetFile(path, buffer_size=2**20, pre_buffer=False))
    columns = tuple(file.schema_arrow.names)
    batches = file.iter_batches(_BATCH, columns=[column for column in columns if keep(column)], use_threads=False)
    return Table(columns, True, _parquet_entries(batches, str(path)))


def _parquet_entries(batches: Iterator[RecordBatch], name: str) -> Iterator[Entry]:
    number = 0
    for batch in batches:
        names, columns = batch.schema.names, batch.columns
        for place in range(batch.num_rows):
            number += 1
            where = f"{name}: row {number}"
            try:
                record = {key: column[place].as_py() for key, column in zip(names, columns, strict=True)}
            except UnicodeDecodeError as error:  # what writes Parquet does not look into its texts
                yield Entry(number, where, UsageError(f"{where}: not UTF-8 text ({error.reason})"))
            else:
                yield Entry(number, where, record)
