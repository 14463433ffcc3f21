"""Counts of verdicts, in memory that does not grow with their number."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import asdict
from itertools import chain, repeat

from lowres_code.evaluation.intervals import Interval, mean_share
from lowres_code.evaluation.metrics import pass_at_k
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
        self._row, self._samples, self._judged, self._right = 0, 0, 0, 0  # the row that is being counted
        self._fewest: int | None = None  # samples in a row
        self._rows: Counter[tuple[int, int]] = Counter()  # by how many samples have a verdict, and how many are right

    def add(self, row: int, verdict: str, listed: bool) -> None:
        """Count one sample; those of one row come one after another. ``listed``: the row has a list of them."""
        if row != self._row:
            self._end_row()
            self._row = row
        self.verdicts[verdict] += 1
        self._listed = self._listed or listed
        self._samples += 1
        self._judged += verdict != INFRA_ERROR
        self._right += verdict == CORRECT

    def summary(self) -> dict[str, object]:
        """``{"n": samples, "verdicts": {verdict: samples, ...}}``, the most frequent verdict first.

        Where rows have lists of samples also ``rows``, and `pass_at_k` as ``pass@1``, ``pass@2`` and so on.
        """
        counts: dict[str, object] = {"n": self.verdicts.total(), "verdicts": dict(self.verdicts.most_common())}
        if self.skipped is not None:
            counts["skipped"] = self.skipped
        if rates := self.pass_at_k():
            counts |= {"rows": self._rows.total(), **{f"pass@{k}": asdict(rate) for k, rate in rates.items()}}
        return counts

    def pass_at_k(self) -> dict[int, Interval]:
        """pass@k with its 95 % interval for each power of two up to the fewest samples in a row.

        Samples that the judge failed on are left out, and so are rows that have fewer than ``k`` others. Empty where
        no row has a list of samples.
        """
        self._end_row()
        most = min(self._fewest or 0, max((judged for judged, _ in self._rows), default=0)) if self._listed else 0
        return {2**power: self._pass_at(2**power) for power in range(most.bit_length())}

    def _pass_at(self, k: int) -> Interval:
        rows = [(pass_at_k(judged, right, k), count) for (judged, right), count in self._rows.items() if judged >= k]
        draws = sum(judged // k * count for (judged, _), count in self._rows.items())  # that are independent
        return mean_share(array("d", chain.from_iterable(repeat(share, count) for share, count in rows)), draws)

    def _end_row(self) -> None:
        if self._samples:
            self._fewest = min(self._samples, self._fewest or self._samples)
            self._rows[self._judged, self._right] += 1
        self._samples = self._judged = self._right = 0
