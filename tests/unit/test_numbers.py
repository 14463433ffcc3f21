"""Numbers that pages give by hand are those that can be counted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.languages.hostile_programs import ALL

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SAID = re.compile(
    r"(\d+) hostile programs|hostile programs\W+(\d+) \(`tests/languages/hostile/`|hostile/`\W*\((\d+) of them",
    re.IGNORECASE,
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_say_how_many_hostile_programs_there_are(page: Path) -> None:
    found = SAID.finditer(page.read_text())
    assert {int(number) for said in found for number in said.groups() if number} <= {len(ALL)}


def test_the_number_is_found_where_it_stands() -> None:
    said = ("468 hostile programs", "**Hostile programs.** 468 (`tests/languages/hostile/`)", "hostile/` (468 of them)")
    assert all(SAID.search(text) for text in said)
