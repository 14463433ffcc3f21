"""A recipe as it was written, and what it extends: read once, whole, before anything is made of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lowres_code._util.toml_errors import Tree, parse_toml, read_text
from lowres_code.errors import UsageError
from lowres_code.recipe.locate import find_recipe, recipe_names
from lowres_code.recipe.remote import Address, fetch, is_address

BUILDING = ("extends", "remove")  # keys of a file that nothing remains of once it is read
_MAX_INHERITANCE = 8


@dataclass(frozen=True, slots=True)
class RecipeFile:
    """One file of a recipe.

    Attributes:
        name: its path, or where it is elsewhere; for people and records.
        text: all of it.
        path: ``None`` if it is not of this machine.
        tables: what is in it, but for ``extends`` and ``remove``; not to be changed.
        extends: the recipe that it builds on, as it names it.
        remove: the keys that it takes away from that one, as they stand there.
        base: that recipe.
    """

    name: str
    text: str
    path: Path | None
    tables: Tree
    extends: str | None = None
    remove: object = None
    base: RecipeFile | None = None

    @property
    def stem(self) -> str:
        """The name of the file, without folder and ending."""
        return PurePosixPath(self.name.rpartition("@")[0] or self.name).stem if self.path is None else self.path.stem

    @property
    def called(self) -> str:
        """Its name for records: one that `recipe list` knows if it has one, so that it means the same elsewhere."""
        return next((name for name, path in recipe_names().items() if path == self.path), self.name)

    @property
    def sha256(self) -> str:
        """Of the text, in hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def chain(self) -> Iterator[RecipeFile]:
        """The file itself, what it extends, what that extends, and so on."""
        file: RecipeFile | None = self
        while file:
            yield file
            file = file.base

    def foreign(self) -> list[RecipeFile]:
        """Those of `chain` that are not of this machine."""
        return [file for file in self.chain() if file.path is None]

    def provenance(self) -> list[dict[str, str]]:
        """Name and hash of each file, for records."""
        return [{"name": file.called, "sha256": file.sha256} for file in self.chain()]


def open_recipe(name: str) -> RecipeFile:
    """A recipe by its name, its path, or its address (``https://``, ``hf://``), with all that it extends.

    Raises:
        UsageError: there is none, or it cannot be read, or its hash is not the one that ``name`` asks for.
    """
    if isinstance(name, str) and is_address(name):
        return _from_elsewhere(Address.parse(name), 0)
    return open_file(find_recipe(name))


def open_file(path: Path, depth: int = 0) -> RecipeFile:
    """The recipe in a file of this machine.

    Raises:
        UsageError: as `open_recipe`.
    """
    return as_if_at(path, read_text(path, "recipe"), depth)


def as_if_at(path: Path, text: str, depth: int = 0) -> RecipeFile:
    """The recipe that a text would be if it stood at that path.

    Raises:
        UsageError: as `open_recipe`.
    """
    tables = parse_toml(text, str(path), "recipe")
    extends, remove = _building(tables, str(path), depth)
    base = None
    if extends and is_address(extends):
        base = _from_elsewhere(Address.parse(extends), depth + 1)
    elif extends:
        base = open_file(find_recipe(extends, beside=path), depth + 1)
    return RecipeFile(str(path), text, path, tables, extends, remove, base)


def _from_elsewhere(address: Address, depth: int) -> RecipeFile:
    """A recipe that somebody else has: it builds on recipes that have a name here, or are where it is itself."""
    found = fetch(address)
    tables = parse_toml(found.text, found.address.shown, "recipe")
    extends, remove = _building(tables, found.address.shown, depth)
    base = None
    if extends and (is_address(extends) or extends.partition("#")[0].endswith(".toml")):
        base = _from_elsewhere(found.address.beside(extends), depth + 1)
    elif extends:
        base = open_file(find_recipe(extends), depth + 1)
    return RecipeFile(found.address.shown, found.text, None, tables, extends, remove, base)


def _building(tables: Tree, name: str, depth: int) -> tuple[str | None, object]:
    """Take ``extends`` and ``remove`` out of the tables."""
    extends, remove = tables.pop("extends", None), tables.pop("remove", None)
    if extends is not None and (not isinstance(extends, str) or not extends or depth >= _MAX_INHERITANCE):
        raise UsageError(f"{name}: 'extends' must name one recipe, and not go in a circle; got {extends!r}")
    return extends, remove
