"""The names and types of the options of TRL's configurations, from their source: importing it takes seconds."""

from __future__ import annotations

import ast
import functools
import importlib.util
import types
import typing
from pathlib import Path
from typing import Any

_SOURCES = {  # the classes and their bases: their packages and files
    "GRPOConfig": ("trl", "trainer/grpo_config.py"),
    "SFTConfig": ("trl", "trainer/sft_config.py"),
    "_BaseConfig": ("trl", "trainer/base_config.py"),
    "TrainingArguments": ("transformers", "training_args.py"),
}
_UNIONS = (typing.Union, types.UnionType)
_PLAIN = {kind.__name__: kind for kind in (bool, int, float, str, list, dict)}
_WORDS = {int: "a whole number", float: "a number", bool: "true or false", dict: "a table", list: "a list"}


@functools.cache
def trl_fields(config: str = "GRPOConfig") -> dict[str, Any]:
    """The type of each option of a configuration class of the installed TRL, by its name."""
    try:
        fields = _read(config)
    except (OSError, LookupError, ValueError, SyntaxError, TypeError):  # a TRL that is built otherwise
        fields = _imported(config)
    return {name: _in_toml(hint) for name, hint in fields.items()}


def in_words(hint: Any) -> str:
    """A type in the words of TOML; all but the plain types, such as names of schedules, are written as text."""
    if typing.get_origin(hint) in _UNIONS:
        return " or ".join(
            dict.fromkeys(in_words(kind) for kind in typing.get_args(hint) if kind is not types.NoneType)
        )
    kind = typing.get_origin(hint) or hint
    *_, inner = typing.get_args(hint) if kind in (dict, list) and kind is not hint else (Any,)
    return _WORDS.get(kind, "text") + ("" if inner is Any else f" of {in_words(inner)}")


def _read(name: str) -> dict[str, Any]:
    """The options of a class and its bases."""
    package, file = _SOURCES[name]
    spec = importlib.util.find_spec(package)
    folder = spec.submodule_search_locations if spec else None
    tree = ast.parse(Path((folder or [""])[0], file).read_text(encoding="utf-8"))
    [definition] = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    fields: dict[str, Any] = {}
    for base in definition.bases:
        fields |= _read(ast.unparse(base))
    for node in definition.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id[0] != "_":
            fields[node.target.id] = _type(ast.unparse(node.annotation))
    return fields


def _in_toml(hint: Any) -> Any:
    """A type less what TOML needs no text for: a table that is written as JSON, "none" beside a number."""
    kinds = typing.get_args(hint) if typing.get_origin(hint) in _UNIONS else (hint,)
    plain = {typing.get_origin(kind) or kind for kind in kinds}
    return typing.Union[tuple(kind for kind in kinds if kind is not str or not plain & {dict, int})]  # noqa: UP007


class _Other:
    """Stands for every class that TOML has no values of."""


class _Names(dict[str, Any]):
    def __missing__(self, name: str) -> type[_Other]:
        return _Other


def _type(annotation: str) -> Any:
    evaluated = eval(annotation, {"__builtins__": {}}, _Names(vars(typing) | _PLAIN))
    return _type(evaluated) if isinstance(evaluated, str) else evaluated


def _imported(config: str) -> dict[str, Any]:
    """The same, seconds later."""
    import trl

    return typing.get_type_hints(getattr(trl, config))
