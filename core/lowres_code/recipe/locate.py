"""Where recipes and suites are found: by a name that this package or a plugin brings, or by a path."""

from __future__ import annotations

from pathlib import Path

from lowres_code._util.given import must_be
from lowres_code.errors import UsageError, near_match
from lowres_code.plugins.manager import BUILT_IN, plugin_manager

_MOVED = {f"prolog/qwen2.5-coder-{size}": f"gsm8k/qwen2.5-coder-{size}" for size in ("0.5b", "1.5b", "3b", "7b")}


SUITES = "suites/"  # where suites stand among the recipes


def recipe_names() -> dict[str, Path]:
    """All recipes that can be named, with their files; a built-in name stays what it is, whatever plugins bring."""
    return {name: file for name, file in _names().items() if not name.startswith(SUITES)}


def suite_names() -> dict[str, Path]:
    """The same of suites, which stand in a folder ``suites`` among the recipes and are named without it."""
    return {name.removeprefix(SUITES): file for name, file in _names().items() if name.startswith(SUITES)}


def _names() -> dict[str, Path]:
    registered = sorted(plugin_manager().recipe_folders.values(), key=lambda folder: folder.origin == BUILT_IN)
    files = [(file.relative_to(r.thing), file) for r in registered for file in r.thing.rglob("*.toml")]
    found = {relative.as_posix().removesuffix(".toml"): file for relative, file in files}
    return dict(sorted(found.items()))


def find_recipe(name: str, beside: Path | None = None) -> Path:
    """The file of a recipe: a path that ends in ``.toml`` (as seen from ``beside``, if given), or a known name.

    Raises:
        UsageError: there is no such recipe.
    """
    must_be(name, str, 'a recipe is named by text, as "quickstart" or "mine.toml"')
    if name.endswith(".toml"):
        path = (beside.parent / name) if beside and not Path(name).is_absolute() else Path(name)
        if not path.is_file():
            raise UsageError(f"there is no recipe file {str(path)!r}")
        return path
    known = recipe_names()
    if name in _MOVED.keys() - known.keys():
        raise UsageError(f"recipe {name!r} is now {_MOVED[name]!r}: it is for every language")
    if name not in known and (suite := name.removeprefix(SUITES)) in suite_names():
        raise UsageError(f"{suite!r} is a suite, no recipe: lowres-code eval MODEL --lang NAME --suite {suite}")
    if name not in known:
        raise UsageError(f"there is no recipe {name!r}; {near_match(name, known)} (lowres-code recipe list)")
    return known[name]


def find_suite(name: str) -> Path:
    """The file of a suite: a path that ends in ``.toml``, or a known name.

    Raises:
        UsageError: there is no such suite.
    """
    must_be(name, str, 'a suite is named by text, as "mine.toml"')
    if name.endswith(".toml"):
        if not Path(name).is_file():
            raise UsageError(f"there is no suite file {name!r}")
        return Path(name)
    known = suite_names()
    if name not in known:
        raise UsageError(f"there is no suite {name!r}; {near_match(name, known)} (lowres-code recipe list --suites)")
    return known[name]
