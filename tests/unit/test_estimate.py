"""What a step takes, worked out by hand."""

from __future__ import annotations

import pytest
from lowres_code.train.estimate import Sizes, Step, memory_bytes, step_seconds

SMALL = Sizes(parameters=1000, trainable=10, layers=16, hidden=8, vocabulary=100, cache=64)


def test_seconds_are_close_to_what_was_measured() -> None:
    """Qwen2.5-Coder-0.5B on two CPU cores: 190 tokens a second are read, 50 written and 51 trained on."""
    qwen = Sizes(494_000_000, 8_800_000, 24, 896, 151_936, 2 * 24 * 2 * 64)
    step = Step(completions=32, batch=32, prompt=64, completion=64, weight_bytes=4, bytes=4)
    measured = 32 * 64 / 190 + 32 * 64 / 50 + 32 * 128 / 51
    assert step_seconds(qwen, step, 166e9) == pytest.approx(measured, rel=0.1)


def test_seconds_by_hand() -> None:
    step = Step(completions=3, batch=3, prompt=10, completion=20, weight_bytes=4, bytes=4)
    assert step_seconds(SMALL, step, 1000) == pytest.approx(2 * 30 + 2 * 60 / 0.3 + 6 * 90)


def test_memory_by_hand() -> None:
    step = Step(completions=4, batch=2, prompt=10, completion=20, weight_bytes=2, bytes=2, checkpointing=False)
    training = 2 * 30 * 8 * 34 * 16 + 2 * 2 * 20 * 100 * 4
    assert memory_bytes(SMALL, step) == 1000 * 2 + 10 * (2 + 8) + training
    checkpointed = Step(4, 2, 10, 20, 2, 2, checkpointing=True)
    assert memory_bytes(SMALL, checkpointed) == 1000 * 2 + 10 * (2 + 8) + 2 * 30 * 8 * 34 * 2 + 2 * 2 * 20 * 100 * 4
    many = Step(1000, 2, 10, 20, 2, 2, optimizer_bytes=2, reference=True)  # the cache is the larger part
    assert memory_bytes(SMALL, many) == 1000 * 2 * 2 + 10 * (2 + 2) + 1000 * 30 * 64 * 2
