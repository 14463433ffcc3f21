"""Writes what stands in ``docs/`` about recipes and is printed from the code: ``python -m tests.reference``."""

from __future__ import annotations

import json

from lowres_code.recipe.json_schema import editor_schema
from lowres_code.recipe.reference import reference

from tests.conftest import ROOT

PAGE, SCHEMA = ROOT / "docs" / "recipes.md", ROOT / "docs" / "recipe.schema.json"
HEADING = "# Reference\n"


def page(text: str) -> str:
    """The page, with the reference as it is now."""
    before, heading, _ = text.partition(HEADING)
    return f"{before}{heading}\n{reference()}"


def schema() -> str:
    """The schema for editors, as it is now."""
    return json.dumps(editor_schema(with_plugins=False), indent=1) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
    SCHEMA.write_text(schema())
