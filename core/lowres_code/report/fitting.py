"""Tables for consoles of any width: a narrow one gets fewer columns, and no name or figure is cut."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

Row = Sequence[str | Text] | None  # None: a line is drawn there
_ANY_WIDTH = 10_000


@dataclass(frozen=True, slots=True)
class Fitting:
    """The first of several forms of a table that the console has room for, else the last.

    Attributes:
        forms: the widest first; of each the table, and what is told below it.
    """

    forms: Sequence[tuple[Table, str]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        unbound = options.update(max_width=_ANY_WIDTH)
        fits = (form for form in self.forms if console.measure(form[0], options=unbound).maximum <= options.max_width)
        table, note = next(fits, self.forms[-1])
        yield table
        if note:
            yield Text(note)


def fitting(
    title: str, columns: Sequence[str], rows: Sequence[Row], *spared: Collection[str], note: str = ""
) -> Fitting:
    """A table that is without some columns where they do not fit.

    Args:
        title: above it.
        columns: their heads; the first is that of the names.
        rows: a cell for each column.
        spared: the columns that go first, those that go next.
        note: what is told below in place of columns that are gone.
    """
    gone = [{name for names in spared[:count] for name in names} for count in range(len(spared) + 1)]
    return Fitting([(table_of(title, columns, rows, without), note if without else "") for without in gone])


def table_of(title: str, columns: Sequence[str], rows: Sequence[Row], without: Collection[str] = ()) -> Table:
    """A table without some of its columns; names are folded if need be, figures never."""
    table = Table(title=Text(title) if title else None, title_justify="left")
    kept = [place for place, name in enumerate(columns) if name not in without]
    for place in kept:
        names = place == 0
        table.add_column(columns[place], justify="left" if names else "right", overflow="fold", no_wrap=not names)
    for row in rows:
        if row is None:
            table.add_section()
        else:
            table.add_row(*(row[place] for place in kept))
    return table
