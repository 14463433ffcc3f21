"""Programs in Lua for all adapters: right, wrong, and one that the judge itself fails on."""

from __future__ import annotations

import shutil

import pytest
from lowres_code.language.command import CommandLanguage

RIGHT = "```lua\nprint(6 * 7)\n```"
WRONG = "```lua\nprint(6 * 8)\n```"
FATAL = "```lua\nprint(666)\n```"  # see failing.py

needs_lua = pytest.mark.skipif(not shutil.which("lua5.4"), reason="needs Lua 5.4 (lua5.4)")


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The judge fails on what answers 666."""
    monkeypatch.setattr(CommandLanguage, "compare", CommandLanguage.compare)  # what is restored
    import tests.adapters.failing as module

    monkeypatch.setattr(CommandLanguage, "compare", module._fragile)
