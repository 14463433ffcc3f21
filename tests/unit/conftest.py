"""Unit tests are for all day: none may import torch, which takes seconds, or need an interpreter or bubblewrap."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.recipe_server import Server


@pytest.fixture(autouse=True)
def without_torch() -> Iterator[None]:
    before = "torch" in sys.modules
    yield
    assert before or "torch" not in sys.modules, "this test imports torch: it belongs to tests/core"


@pytest.fixture(autouse=True)
def without_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()
