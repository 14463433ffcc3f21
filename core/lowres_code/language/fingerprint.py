"""What a language says and does, as data: a language that has changed since is another one, whatever its name."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from lowres_code.language.base import Language

_SHOWN = 80  # characters of what is kept as it is; longer is kept as a hash
_UNUSED = {"name", "file", "install", "self_tests", "snippets", "plain"}  # nothing that is measured depends on these


def language_data(language: Language) -> dict[str, str]:
    """What a language says and does: for each of its attributes the value as JSON, or a hash where that is long.

    Empty attributes are left out. ``code`` is a hash of the modules that its class comes from: of the file, or of all
    files of the package; a language that is data alone has none.
    """
    kind = type(language)
    names = {*Language.__annotations__, *(field.name for field in _fields(kind))} - _UNUSED
    given = sorted(name for name in names if not isinstance(getattr(kind, name, None), property))  # others follow
    values = {name: value for name in given if (value := getattr(language, name))}
    code = list(_code(kind))
    return {name: _short(value) for name, value in {**values, **({"code": code} if code else {})}.items()}


def _fields(kind: type) -> tuple[dataclasses.Field[object], ...]:
    return dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else ()


def _short(value: object) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=_plain)
    return text if len(text) <= _SHOWN else f"sha256:{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return dict(value) if isinstance(value, Mapping) else str(value)


def _code(kind: type) -> Iterator[tuple[str, str]]:
    """Name and hash of each file that the classes come from, but for the base classes of this package."""
    for module in sorted({base.__module__ for base in kind.__mro__ if _is_a_backends(base)}):
        file = getattr(sys.modules.get(module), "__file__", None)
        if file is not None:
            path = Path(file)
            whole = path.stem == "__init__" or "." in module  # as much as a worker sees of it
            for found in sorted(path.parent.rglob("*")) if whole else [path]:
                if found.is_file() and "__pycache__" not in found.parts:
                    yield f"{module}/{found.name}", hashlib.sha256(found.read_bytes()).hexdigest()


def _is_a_backends(kind: type) -> bool:
    return kind.__module__ not in ("abc", "builtins") and not kind.__module__.startswith("lowres_code.language.")
