"""Judging completions that somebody already has, in memory that does not grow with their number."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from lowres_code._util.ordering import InOrder
from lowres_code._util.progress import Progress, progress_line, say
from lowres_code._util.tables import STANDARD_INPUT, name_of
from lowres_code.completion import Completion
from lowres_code.errors import UsageError
from lowres_code.evaluation.record import judged_fields
from lowres_code.judge import Judge
from lowres_code.judgement import INFRA_ERROR, FailureWindow, Judgement
from lowres_code.language.base import Language
from lowres_code.language.fingerprint import language_data
from lowres_code.problem import Test
from lowres_code.recipe.build import started_judge
from lowres_code.recipe.schema import LimitsTable
from lowres_code.scoring.rows import BadRows, Columns, Row, open_rows
from lowres_code.scoring.tally import Tally
from lowres_code.scoring.verdict_file import Census, VerdictFile

if TYPE_CHECKING:
    from rich.console import Console

# Characters of texts that are being judged, and of verdicts that wait for a slow row before them. A verdict mostly
# has a few hundred: that is as many rows as several cores judge in the minute that the slowest may take.
MOST_WAITING = 32 * 2**20
_OVERHEAD = 200  # bytes of whatever waits, besides its text


def score(
    file: Path,
    language: Language,
    limits: LimitsTable,
    screen: Console,
    out: Path | None = None,
    columns: Columns | None = None,
    skip_bad: bool = False,
    every_test: bool = False,
    ray: str | None = None,
) -> Tally:
    """Judge all rows of a file.

    All rows are looked at before the first is judged, unless they come from standard input.

    Args:
        file: JSON Lines, CSV or Parquet, by its suffix; or `STANDARD_INPUT`.
        language: of the programs.
        limits: of each program; the isolation; how many workers.
        screen: for progress.
        out: receives a line for each sample, in the order of the rows. What it holds already of the same rows, judged
            with the same options, is not judged again, but for what the judge itself has failed on.
        columns: what the file calls what is read.
        skip_bad: leave out rows that cannot be judged, and count them.
        every_test: run the tests behind a failed one too, and tell the share that was passed.
        ray: the address of a Ray cluster that is to run the programs; see `Judge`.

    Raises:
        UsageError: the file cannot be read, or has no rows or bad ones; or ``out`` holds something else. What was
            judged before a bad row of standard input is written.
        JudgeError: the judge does not start, or is broken (`FailureWindow`).
    """
    columns = columns or Columns()
    with ExitStack() as stack:
        options = {"columns": columns.renamed, "skip_bad": skip_bad}
        options |= {"language": language.name, "limits": asdict(limits.limits())}
        options |= {"language_data": language_data(language), **({"every_test": True} if every_test else {})}
        verdicts = stack.enter_context(VerdictFile(out, file, options)) if out else None
        census = _census(file, columns, language, skip_bad, verdicts, screen)
        tally = Tally(census.skipped if census and skip_bad else None)
        window = FailureWindow()
        failed = _failed(verdicts) if verdicts else frozenset()
        judge = stack.enter_context(started_judge(limits, language, screen, ray)) if failed else None
        if judge and verdicts:
            say(screen, f"judging {len(failed):,} samples again, on which the judge itself has failed")
            with open_rows(file, columns, language) as rows:
                window.add(_judge_again(judge, verdicts, failed, _Samples(rows, 0, skip_bad), every_test))
        for row, verdict, listed, fraction in verdicts.judged() if verdicts else ():
            tally.add(row, verdict, listed, fraction if every_test else None)
        done = tally.verdicts.total()
        if done and census:
            rest = f"of {census.samples:,}" if done < census.samples else "which is all"
            say(screen, f"{out} has {done:,} verdicts already, {rest}")
        if census is None or done < census.samples:
            judge = judge or stack.enter_context(started_judge(limits, language, screen, ray))
            samples = _Samples(stack.enter_context(open_rows(file, columns, language)), done, skip_bad)
            progress = stack.enter_context(progress_line(screen, f"judging {name_of(file)}"))
            total = census.samples if census else None
            _Scoring(judge, tally, verdicts, window, progress, total, every_test).run(samples)
            samples.report(file, tally, None if census else screen)
    return tally


def _census(
    file: Path, columns: Columns, language: Language, skip_bad: bool, verdicts: VerdictFile | None, screen: Console
) -> Census | None:
    """What is to be judged; unknown of standard input, which can be read only once."""
    if file == STANDARD_INPUT:
        return None
    if verdicts and verdicts.census:
        return verdicts.census
    census = _counted(file, columns, language, skip_bad, screen)
    if verdicts:
        verdicts.begin(census)
    return census


def _counted(file: Path, columns: Columns, language: Language, skip_bad: bool, screen: Console) -> Census:
    """Look at all rows.

    Raises:
        UsageError: there are none, or bad ones; the first are named.
    """
    rows = samples = 0
    bad = BadRows()
    with open_rows(file, columns, language) as read, progress_line(screen, f"reading {file}") as progress:
        for row in read:
            if isinstance(row, UsageError):
                bad.add(row)
            else:
                rows, samples = rows + 1, samples + len(row.texts)
            if (rows + bad.count) % 1000 == 0:
                progress(rows + bad.count, None)
    if bad.count and not (skip_bad and rows):
        raise UsageError(f"{bad.message()}\n{rows:,} other rows can be judged: --skip-bad leaves out those that cannot")
    if not rows:
        raise UsageError(f"{str(file)!r} holds no rows")
    if bad.count:
        say(screen, f"left out:\n{bad.message()}")
    return Census(rows, samples, bad.count)


def _failed(verdicts: VerdictFile) -> frozenset[int]:
    """The numbers of the lines that hold a failure of the judge. They are few: more than 2 % would have ended it."""
    return frozenset(number for number, (_, verdict, *_) in enumerate(verdicts.judged()) if verdict == INFRA_ERROR)


def _judge_again(
    judge: Judge,
    verdicts: VerdictFile,
    failed: Collection[int],
    samples: Iterable[tuple[int, Row, int]],
    every_test: bool,
) -> list[Judgement]:
    """Judge some samples again, by their numbers, and write what is said of them now in the place of their lines."""
    fences = judge.language.fences
    wanted = (
        ((number, row, sample), row.completion(sample, fences), row.tests)
        for number, row, sample in islice(samples, max(failed) + 1)
        if number in failed
    )
    judged = list(judge.stream(wanted, every_test=every_test))
    verdicts.replace({number: _line(row, sample, judgement) for (number, row, sample), judgement in judged})
    return [judgement for _, judgement in judged]


class _Samples:
    """The samples of a file from a certain one on, until its end or a row that must not be left out."""

    def __init__(self, rows: Iterator[Row | UsageError], first: int, skip_bad: bool) -> None:
        self._rows, self._first, self._skip_bad = rows, first, skip_bad
        self._bad = BadRows()
        self._error: UsageError | None = None

    def __iter__(self) -> Iterator[tuple[int, Row, int]]:
        """The number of each among all samples, its row, and its number in the row; all from 0."""
        numbered = ((number, row, sample) for number, (row, sample) in enumerate(self._each()))
        return islice(numbered, self._first, None)

    def report(self, file: Path, tally: Tally, screen: Console | None) -> None:
        """When all are judged: raise what ended them too early, count what was left out and, on a screen, name it."""
        if self._error:
            raise self._error
        if not tally.verdicts:
            raise UsageError(self._bad.message() or f"{name_of(file)} holds no rows")
        if self._skip_bad:
            tally.skipped = self._bad.count
        if self._bad.count and screen:
            say(screen, f"left out:\n{self._bad.message()}")

    def _each(self) -> Iterator[tuple[Row, int]]:
        try:
            for row in self._rows:
                if isinstance(row, Row):
                    yield from ((row, sample) for sample in range(len(row.texts)))
                elif self._skip_bad:
                    self._bad.add(row)
                else:
                    raise row
        except UsageError as error:  # what came before it is judged to the end
            self._error = error


@dataclass(frozen=True, slots=True)
class _Key:
    """What a judgement is of. ``size``: characters that are kept until it is judged."""

    number: int
    row: Row
    sample: int
    size: int


@dataclass(frozen=True, slots=True)
class _Line:
    """A verdict that is to be counted and written. It does not hold the row, whose texts may be long."""

    row: int
    listed: bool
    verdict: str
    fraction: float | None
    text: str

    @property
    def size(self) -> int:
        return len(self.text) + _OVERHEAD


class _Scoring:
    """Judges samples side by side, and counts and writes their verdicts in order."""

    def __init__(
        self,
        judge: Judge,
        tally: Tally,
        verdicts: VerdictFile | None,
        window: FailureWindow,
        progress: Progress,
        total: int | None,
        every_test: bool,
    ) -> None:
        self._every_test = every_test
        self._judge, self._tally, self._verdicts = judge, tally, verdicts
        self._progress, self._total = progress, total
        self._judged = tally.verdicts.total()
        self._in_order: InOrder[_Line] = InOrder(self._judged)
        self._waiting = 0
        self._window = window

    def run(self, samples: _Samples) -> None:
        self._progress(self._judged, self._total)
        for key, judgement in self._judged_samples(samples):
            self._judged += 1
            self._finish(key, judgement)
            self._window.add([judgement])
            self._progress(self._judged, self._total)

    def _judged_samples(self, samples: _Samples) -> Iterator[tuple[_Key, Judgement]]:
        return self._judge.stream(self._items(samples), room=self._has_room, every_test=self._every_test)

    def _has_room(self) -> bool:
        return self._waiting < MOST_WAITING

    def _items(self, samples: _Samples) -> Iterator[tuple[_Key, Completion, Sequence[Test]]]:
        fences = self._judge.language.fences
        for number, row, sample in samples:
            given = sum(map(_size, row.tests))
            key = _Key(number, row, sample, len(row.texts[sample]) + given + _OVERHEAD)
            self._waiting += key.size
            yield key, row.completion(sample, fences), row.tests

    def _finish(self, key: _Key, judgement: Judgement) -> None:
        text = _line(key.row, key.sample, judgement) if self._verdicts else ""
        fraction = judgement.fraction if self._every_test else None
        line = _Line(key.row.number, key.row.listed, judgement.verdict, fraction, text)
        self._waiting += line.size - key.size
        ready = list(self._in_order.put(key.number, line))
        if self._verdicts and ready:
            self._verdicts.write("".join(line.text for line in ready))
        for line in ready:
            self._waiting -= line.size
            self._tally.add(line.row, line.verdict, line.listed, line.fraction)


def _size(test: Test) -> int:
    """Characters that are kept for a test. What is appended stands in a program of its own for each test."""
    appended = len(test.appended.code) + len(test.appended.prefix) if test.appended else 0
    return len(test.stdin) + len(test.expected or "") + appended


def _line(row: Row, sample: int, judgement: Judgement) -> str:
    result = {
        "id": row.id,
        "row": row.number,
        **({"task": row.task} if row.task else {}),
        **({"sample": sample} if row.listed else {}),
        **judged_fields(judgement),
        "isolation": judgement.execution.isolation if judgement.execution else None,
    }
    return json.dumps(result, ensure_ascii=False) + "\n"
