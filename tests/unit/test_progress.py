"""Progress where there is no terminal: a line now and then, with the time left."""

from __future__ import annotations

import io

import pytest
from lowres_code._util.progress import duration, progress_line
from rich.console import Console


class Clock:
    """Seconds that pass only when a test says so."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def told(steps: list[tuple[float, int, int | None]], what: str = "judging") -> list[str]:
    """The lines that come of so many being done, of so many, at such times."""
    file, clock = io.StringIO(), Clock()
    with progress_line(Console(file=file, width=200), what, every_s=10, clock=clock) as progress:
        for seconds, done, total in steps:
            clock.now = 1000.0 + seconds
            progress(done, total)
    return file.getvalue().splitlines()


def test_lines_come_now_and_then_with_rate_and_time_left() -> None:
    steps = [(0, 0, 100_000), (5, 1_000, 100_000), (10, 2_000, 100_000), (15, 3_000, 100_000), (20, 4_000, 100_000)]
    assert told([*steps]) == [
        "judging ...",
        "judging: 2,000 of 100,000 (2%), 200 a second, 8 min left",  # 98,000 / 200 = 490 s
        "judging: 4,000 of 100,000 (4%), 200 a second, 8 min left",
    ]


def test_what_was_done_before_a_stop_does_not_count_for_the_rate() -> None:
    assert told([(0, 5_000, 6_000), (20, 5_100, 6_000)])[1] == "judging: 5,100 of 6,000 (85%), 5 a second, 3 min left"


def test_where_the_end_is_unknown_there_is_no_time_left() -> None:
    assert told([(0, 0, None), (10, 30, None)])[1] == "judging: 30, 3 a second"


def test_nothing_done_is_no_division_by_zero() -> None:
    assert told([(0, 0, 0), (10, 0, 0), (20, 0, 5)])[1:] == ["judging: 0", "judging: 0 of 5 (0%)"]


def test_what_is_being_done_is_told_with_it() -> None:
    file, clock = io.StringIO(), Clock()
    with progress_line(Console(file=file, width=200), "evaluating", every_s=10, clock=clock) as progress:
        clock.now += 10
        progress(0, 400, "3 of a batch of 64 not ended after 96 tokens")
    assert file.getvalue().splitlines()[1] == (
        "evaluating: 0 of 400 (0%), 3 of a batch of 64 not ended after 96 tokens"
    )


def test_names_are_no_markup() -> None:
    assert told([(0, 0, 9), (10, 1, 9)], "judging [a].jsonl") == [
        "judging [a].jsonl ...",
        "judging [a].jsonl: 1 of 9 (11%), 0.1 a second, 80 s left",
    ]


def test_on_a_terminal_names_are_no_markup_either() -> None:
    file = io.StringIO()
    with progress_line(Console(file=file, width=120, force_terminal=True), "judging [a].jsonl") as progress:
        progress(1, 2, "[b] goes on")
    assert "judging [a].jsonl, [b] goes on" in file.getvalue()
    assert "1/2" in file.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (89, "89 s"), (90, "2 min"), (3600, "60 min"), (12_000, "3 h 20 min")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
