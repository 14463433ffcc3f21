"""Counts of verdicts, in memory that does not grow with their number."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict

from lowres_code.evaluation.intervals import Interval
from lowres_code.evaluation.metrics import pass_at_each_k
from lowres_code.judgement import CORRECT, INFRA_ERROR


class Tally:
    """Counts the verdicts of rows, each with one sample or with several.

    Attributes:
        verdicts: how often there was each.
        skipped: bad rows that were left out; ``None`` if none may be.
    """

    def __init__(self, skipped: int | None = None) -> None:
        self.verdicts: Counter[str] = Counter()
        self.skipped = skipped
        self._listed = False
        self._fractions, self._with_fraction = 0.0, 0  # their sum, and how many samples have one
        self._row, self._samples, self._judged, self._right = 0, 0, 0, 0  # the row that is being counted
        self._fewest: int | None = None  # samples in a row
        self._rows: Counter[tuple[int, int]] = Counter()  # by how many samples have a verdict, and how many are right

    def add(self, row: int, verdict: str, listed: bool, fraction: float | None = None) -> None:
        """Count one sample; those of one row come one after another.

        Args:
            row: its number.
            verdict: of the sample.
            listed: whether the row has a list of samples.
            fraction: the share of the row's tests that it has passed, if that is asked for and known.
        """
        if row != self._row:
            self._end_row()
            self._row = row
        self.verdicts[verdict] += 1
        self._listed = self._listed or listed
        self._samples += 1
        self._judged += verdict != INFRA_ERROR
        self._right += verdict == CORRECT
        self._fractions += fraction or 0.0
        self._with_fraction += fraction is not None

    def summary(self) -> dict[str, object]:
        """``{"n": samples, "verdicts": {verdict: samples, ...}}``, the most frequent verdict first.

        Where it was asked for also ``fraction``, its mean; where rows have lists of samples also ``rows``, and
        `pass_at_k` as ``pass@1``, ``pass@2`` and so on.
        """
        counts: dict[str, object] = {"n": self.verdicts.total(), "verdicts": dict(self.verdicts.most_common())}
        if self.skipped is not None:
            counts["skipped"] = self.skipped
        if (fraction := self.fraction()) is not None:
            counts["fraction"] = fraction
        if rates := self.pass_at_k():
            counts |= {"rows": self._rows.total(), **{f"pass@{k}": asdict(rate) for k, rate in rates.items()}}
        return counts

    def fraction(self) -> float | None:
        """The mean share of tests that samples pass; ``None`` where it was not asked for."""
        return round(self._fractions / self._with_fraction, 4) if self._with_fraction else None

    def pass_at_k(self) -> dict[int, Interval]:
        """See `lowres_code.evaluation.metrics.pass_at_each_k`; empty where no row has a list of samples."""
        self._end_row()
        return pass_at_each_k(self._rows, self._fewest or 0) if self._listed else {}

    def _end_row(self) -> None:
        if self._samples:
            self._fewest = min(self._samples, self._fewest or self._samples)
            self._rows[self._judged, self._right] += 1
        self._samples = self._judged = self._right = 0
