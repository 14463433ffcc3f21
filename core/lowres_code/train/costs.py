"""What a step costs: seconds and tokens by part, and memory."""

from __future__ import annotations

import resource
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from transformers import TrainerCallback


class Costs:
    """Seconds and tokens by part, since they were last taken; a part that is timed inside another counts only there."""

    def __init__(self) -> None:
        self._totals: dict[str, float] = defaultdict(float)
        self._open: list[str] = []
        self._since = 0.0

    @contextmanager
    def timed(self, part: str) -> Iterator[None]:
        """Count the block's seconds as ``part``'s, less those of the parts inside it."""
        self.begin(part)
        try:
            yield
        finally:
            self.end()

    def begin(self, part: str) -> None:
        """Begin a part; the one around it waits until `end`."""
        self._charge()
        self._open.append(part)

    def end(self) -> None:
        """End the part that was begun last."""
        self._charge()
        self._open.pop()

    def add(self, name: str, amount: float) -> None:
        """Add to a count, for instance of tokens."""
        self._totals[name] += amount

    def take(self) -> dict[str, float]:
        """The totals by ``cost/NAME``, which begin anew, and as ``cost/peak_gib`` the most memory that was held.

        That is the GPU's, as torch reserved it since costs were last taken; without one, the process's since it began.
        """
        totals = {f"cost/{name}": amount for name, amount in sorted(self._totals.items())}
        self._totals.clear()
        return totals | {"cost/peak_gib": _peak_gib()}

    def _charge(self) -> None:
        now = _now()
        if self._open:
            self.add(f"{self._open[-1]}_s", now - self._since)
        self._since = now


class OptimizerCost(TrainerCallback):  # type: ignore[misc]
    """Times the optimizer's steps."""

    def __init__(self, costs: Costs) -> None:
        self._costs = costs

    def on_pre_optimizer_step(self, *_: Any, **__: Any) -> None:
        """The gradient is whole."""
        self._costs.begin("optimizer")

    def on_optimizer_step(self, *_: Any, **__: Any) -> None:
        """The weights are new."""
        self._costs.end()


def _on_gpu() -> bool:
    return bool(torch.cuda.is_available() and torch.cuda.is_initialized())


def _now() -> float:
    """The time; a GPU has done by then what it was asked to."""
    if _on_gpu():
        torch.cuda.synchronize()
    return time.perf_counter()


def _peak_gib() -> float:
    if not _on_gpu():
        return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)
    peak = float(torch.cuda.max_memory_reserved())
    torch.cuda.reset_peak_memory_stats()
    return round(peak / 2**30, 2)
