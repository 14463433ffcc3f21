"""Rows to be judged: what was written, what it must answer, and under which names a file has them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from lowres_code._util.tables import Record, Table, open_table, value_at, what_is_null
from lowres_code.completion import Completion, parse_completion
from lowres_code.errors import UsageError, near_match
from lowres_code.language.base import Language
from lowres_code.language.demands import check_tests
from lowres_code.problem import RIGHT, Test, tests_of

COLUMNS = ("program", "completion", *RIGHT, "prefix", "query", "form", "checker", "limits", "id", "task")
_EITHER = (("program", "completion"), RIGHT)  # one of each is needed, and one is enough
_NAMED = 5  # bad rows; what is wrong with one is mostly wrong with all
_SHOWN = 30  # columns in a message
_LONGEST = 500  # characters of a message, which may quote what is in a row


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file.

    Attributes:
        number: counts the rows from 1.
        id: the row's own, or its number.
        task: the group it belongs to (``""``: none).
        texts: what is to be judged; several samples if the row has a list.
        are_programs: whether they are programs, and not completions with programs in them.
        listed: whether the row has a list.
        tests: that each of the programs must pass.
    """

    number: int
    id: str
    task: str
    texts: tuple[str, ...]
    are_programs: bool
    listed: bool
    tests: tuple[Test, ...]

    def completion(self, sample: int, fences: Collection[str]) -> Completion:
        """One of the texts, taken apart; ``fences`` as for `parse_completion`."""
        text = self.texts[sample]
        if not self.are_programs:
            return parse_completion(text, fences)
        return Completion(text=text, reasoning=None, program=text if text.strip() else None, well_formed=False)


class Columns:
    """Which column of a file holds what.

    Attributes:
        renamed: the file's names of those of `COLUMNS` that it calls otherwise.
        names: ours and theirs of all that is read. One that is renamed puts those aside that say the same.
    """

    def __init__(self, renamed: Mapping[str, str] | None = None) -> None:
        self.renamed = dict(renamed or {})
        pairs = [pair for pair in _EITHER if self.renamed.keys() & set(pair)]
        aside = {ours for pair in pairs for ours in pair if ours not in self.renamed}
        self.names = {ours: self.renamed.get(ours, ours) for ours in COLUMNS if ours not in aside}

    @classmethod
    def parse(cls, pairs: Iterable[str]) -> Columns:
        """Read ``OURS=THEIRS`` pairs. A dot in ``THEIRS`` leads into an object, as in ``answer=doc.target``.

        Raises:
            UsageError: not such a pair, no such column, or one of them twice.
        """
        renamed: dict[str, str] = {}
        for pair in pairs:
            ours, _, theirs = pair.partition("=")
            if not theirs:
                raise UsageError(f"--column {pair}: must be OURS=THEIRS, as in program=output")
            if ours not in COLUMNS:
                raise UsageError(f"--column {pair}: there is no {ours!r}; {near_match(ours, COLUMNS)}")
            if ours in renamed:
                raise UsageError(f"--column {pair}: {ours!r} is named twice")
            renamed[ours] = theirs
        return cls(renamed)

    def uses(self, column: str) -> bool:
        """Whether anything of a file's column is read."""
        return any(theirs == column or theirs.startswith(f"{column}.") for theirs in self.names.values())

    def read(self, record: Record) -> dict[str, object]:
        """What the record holds, under our names; without what is null."""
        values = {ours: value_at(record, theirs) for ours, theirs in self.names.items()}
        return {ours: value for ours, value in values.items() if value is not None}

    def check(self, table: Table, file: str) -> None:
        """See that the table has the columns that it must have.

        Raises:
            UsageError: it has not; the message lists those it has.
        """
        if not table.columns:
            return
        for ours, theirs in self.renamed.items():
            if theirs not in table.columns and theirs.partition(".")[0] not in table.columns:
                raise UsageError(f"{file}: has no column {theirs!r} (--column {ours}={theirs}); {_has(table.columns)}")
        for pair in _EITHER if table.uniform else ():
            if not any(self.names.get(ours) in table.columns or ours in self.renamed for ours in pair):
                raise UsageError(f"{file}: needs a column {_needs(pair, table.columns)}")


def _needs(pair: Sequence[str], columns: Collection[str]) -> str:
    """What one of a pair is called, what is there instead, and what helps."""
    strange = [column[:60] for column in sorted(set(columns).difference(COLUMNS))[:_SHOWN]]
    near = [(column, match[0]) for column in strange if (match := get_close_matches(column, pair, 1))]
    misspelt = "".join(f"; for {column!r} did you mean {ours!r}?" for column, ours in near)
    return f"{' or '.join(map(repr, pair))}; {_has(columns)}{misspelt}; name yours with --column {pair[0]}=COLUMN"


def _has(columns: Collection[str]) -> str:
    shown = ", ".join(repr(column[:60]) for column in sorted(columns)[:_SHOWN])
    return f"it has {shown or 'no columns'}{', ...' if len(columns) > _SHOWN else ''}"


class BadRows:
    """Counts rows that cannot be judged, and keeps what is wrong with the first."""

    def __init__(self) -> None:
        self.count = 0
        self.first: list[str] = []

    def add(self, error: UsageError) -> None:
        """One more."""
        self.count += 1
        if len(self.first) < _NAMED:
            message = str(error)
            self.first.append(message if len(message) <= _LONGEST else f"{message[:_LONGEST]}...")

    def message(self) -> str:
        """The first in a line each, and how many more there are."""
        more = self.count - len(self.first)
        return "\n".join([*self.first, *([f"and {more:,} more rows"] if more else [])])


@contextmanager
def open_rows(file: Path, columns: Columns, language: Language) -> Iterator[Iterator[Row | UsageError]]:
    """The rows of a file, read as they are asked for; a row that cannot be judged is the error that names it.

    Args:
        file: JSON Lines, CSV or Parquet.
        columns: what the file calls what is read.
        language: of the programs.

    Raises:
        UsageError: the file cannot be read, or lacks a column; also while its rows are read.
    """
    with open_table(file, columns.uses) as table:
        columns.check(table, str(file))
        yield (
            entry.record
            if isinstance(entry.record, UsageError)
            else _row_or_error(entry.number, entry.where, entry.record, columns, language)
            for entry in table.entries
        )


def _row_or_error(number: int, where: str, record: Record, columns: Columns, language: Language) -> Row | UsageError:
    try:
        return row_of(number, where, record, columns, language)
    except UsageError as error:
        renamed = ", ".join(f"{ours!r} is column {theirs!r}" for ours, theirs in columns.renamed.items())
        return UsageError(f"{error} ({renamed})") if renamed else error


def row_of(number: int, where: str, record: Record, columns: Columns, language: Language) -> Row:
    """What is to be judged in one record.

    Args:
        number: of the row, from 1.
        where: names it in errors.
        record: what it holds.
        columns: what it calls what is read.
        language: of the programs.

    Raises:
        UsageError: it cannot be judged.
    """
    values = columns.read(record)
    written = _written(values, where, record, columns)
    given = {name: value for name, value in values.items() if value != ""}  # as in an empty cell
    if not given.keys() & set(_EITHER[1]):
        raise UsageError(_lacks(_EITHER[1], where, record, columns))
    tests = tests_of(given, where)
    check_tests(language, tests, where)
    return Row(
        number=number,
        id=_label(given, "id", where) or str(number),
        task=_label(given, "task", where),
        texts=_texts(values[written], written, where),
        are_programs=written == "program",
        listed=isinstance(values[written], list),
        tests=tests,
    )


def _lacks(pair: Sequence[str], where: str, record: Record, columns: Columns) -> str:
    """What is to be said of a row that has none of a pair: that it is null, or that there is no such column."""
    null = what_is_null(record, (columns.names[ours] for ours in pair if ours in columns.names))
    return f"{where}: {null or 'needs ' + _needs(pair, record)}"


def _written(values: Mapping[str, object], where: str, record: Record, columns: Columns) -> str:
    """``program`` or ``completion``, whichever the row has. Empty text is a sample too: one without a program."""
    there = [name for name in _EITHER[0] if name in values]
    filled = [name for name in there if values[name] != ""]
    if len(filled) > 1:
        raise UsageError(f"{where}: has both 'program' and 'completion'; one of them is to be judged")
    if not there:
        raise UsageError(_lacks(_EITHER[0], where, record, columns))
    return (filled or there)[0]


def _texts(value: object, name: str, where: str) -> tuple[str, ...]:
    texts = value if isinstance(value, list) else [value]
    if not texts:
        raise UsageError(f"{where}: {name!r} is an empty list; it needs at least one sample")
    for text in texts:
        if not isinstance(text, str):
            raise UsageError(f"{where}: {name!r} must be text, or a list of texts, not {str(text)[:60]!r}")
    return tuple(texts)


def _label(given: Mapping[str, object], name: str, where: str) -> str:
    value = given.get(name, "")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise UsageError(f"{where}: {name!r} must be text or a number, not {str(value)[:60]!r}")
    return str(value)
