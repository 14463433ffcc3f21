"""The order of the training problems."""

from __future__ import annotations

import random
from collections.abc import Sequence

WINDOW = 16  # batches that are ordered together


def order_by_length(lengths: Sequence[int], batch: int, seed: int) -> list[int]:
    """The rows in the order of training: by chance, but those of like length share a batch.

    A batch is generated in step until its longest completion ends, so that one long problem makes all others wait.

    Args:
        lengths: of each row's prompt, in any unit.
        batch: rows that are generated together.
        seed: of the order.
    """
    rng = random.Random(seed)
    rows = rng.sample(range(len(lengths)), len(lengths))
    ordered: list[int] = []
    for start in range(0, len(rows), WINDOW * batch):
        window = sorted(rows[start : start + WINDOW * batch], key=lambda row: lengths[row])
        whole = len(window) // batch
        batches = [window[first * batch : (first + 1) * batch] for first in rng.sample(range(whole), whole)]
        ordered += [row for some in batches for row in some] + window[whole * batch :]
    return ordered
