"""Imported, it makes the judge fail on every Lua program that answers 666, as on an answer nobody was prepared for."""

from __future__ import annotations

from lowres_code.language.command import CommandLanguage

_compare = CommandLanguage.compare


def _fragile(self: CommandLanguage, expected: str, actual: str) -> bool:
    if actual.strip() == "666":
        raise RecursionError("too deep")
    return _compare(self, expected, actual)


CommandLanguage.compare = _fragile  # type: ignore[method-assign]
