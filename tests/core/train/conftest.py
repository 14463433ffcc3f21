"""Steps of TRL, each of which collects garbage in the whole process."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module", autouse=True)
def little_garbage() -> Iterator[None]:
    """Spare each step's collection what was there before: all modules of torch and TRL take half a second."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
