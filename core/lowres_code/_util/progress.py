"""Progress of anything that takes longer than two seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.console import Console

EVERY_S = 10.0  # so often there is a line where there is no terminal


class Progress(Protocol):
    """Whoever is told how far something is."""

    def __call__(self, done: int, total: int | None, now: str = "", /) -> None:
        """Args:
        done: how many are done.
        total: of how many, if that is known.
        now: what is being done, for people, where the next one takes long.
        """


def no_progress(_done: int, _total: int | None, _now: str = "", /) -> None:
    """For callers who do not want to know."""


@contextmanager
def progress_line(
    console: Console, what: str, every_s: float = EVERY_S, clock: Callable[[], float] = time.monotonic
) -> Iterator[Progress]:
    """Show how far something is, and about how long it still takes.

    On a terminal as a bar. Elsewhere as a line at the start and then at most every ``every_s`` seconds. What was done
    before the first call that says so (work that goes on after a stop) does not count for the rate.

    Args:
        console: where to.
        what: is going on, as in ``judging rows.jsonl``.
        every_s: seconds between two lines where there is no terminal.
        clock: seconds that have passed.
    """
    if not console.is_terminal:
        say(console, f"{what} ...")
        yield _Lines(console, what, every_s, clock)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=console) as bar:
        task = bar.add_task(what, total=None)

        def update(done: int, total: int | None, now: str = "", /) -> None:
            bar.update(task, completed=done, total=total, description=f"{what}, {now}" if now else what)

        yield update


def say(console: Console, text: str) -> None:
    """Print a text as it is: not wrapped, and nothing in it is markup."""
    console.print(text, highlight=False, markup=False, soft_wrap=True)


class _Lines:
    """A line now and then."""

    def __init__(self, console: Console, what: str, every_s: float, clock: Callable[[], float]) -> None:
        self._console, self._what, self._every_s, self._clock = console, what, every_s, clock
        self._started = self._told = clock()
        self._before: int | None = None  # what was done when this began

    def __call__(self, done: int, total: int | None, now: str = "", /) -> None:
        time_now = self._clock()
        if self._before is None:
            self._before, self._started = done, time_now
        if time_now - self._told < self._every_s:
            return
        self._told = time_now
        rate = (done - self._before) / max(time_now - self._started, 1e-9)
        parts = [_of(done, total)]
        if done > self._before:
            parts.append(f"{rate:,.0f} a second" if rate >= 10 else f"{rate:.2g} a second")
            if total is not None:
                parts.append(f"{duration((total - done) / rate)} left")
        parts += [now] if now else []
        say(self._console, f"{self._what}: {', '.join(parts)}")


def _of(done: int, total: int | None) -> str:
    return f"{done:,}" if not total else f"{done:,} of {total:,} ({done / total:.0%})"


def duration(seconds: float) -> str:
    """Seconds for people: ``"45 s"``, ``"12 min"``, ``"3 h 20 min"``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
