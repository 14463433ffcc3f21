"""What is measured of samples."""

from __future__ import annotations

import math


def pass_at_k(n: int, c: int, k: int) -> float:
    """The chance that one of ``k`` samples is right, from ``n`` samples of which ``c`` are.

    The unbiased estimator of Chen et al. 2021, arXiv 2107.03374: ``1 - C(n - c, k) / C(n, k)``.
    """
    return 1.0 - math.comb(n - c, k) / math.comb(n, k)
