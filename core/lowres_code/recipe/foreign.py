"""What a recipe from elsewhere may not say: nothing of this machine, and nothing that makes it less safe.

Whoever wants it all the same says it with ``--set``, or makes the recipe their own (``lowres-code recipe copy``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from lowres_code._util.toml_errors import Tree, table_of
from lowres_code.errors import UsageError
from lowres_code.plugins.manager import plugin_manager
from lowres_code.recipe.files import RecipeFile
from lowres_code.recipe.remote import is_hidden
from lowres_code.sources import SourceOptions

_LONGEST_NAME = 200
_FOR_PEOPLE = ("recipe", "expected", "prompt", "rollout")
# Names that the hub gives: a model, a data set, a builder of the library, a file in a repository.
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.*-]+)*", re.ASCII)
_URL = re.compile(r"https://[^\s:@/]+(:\d+)?/[^\s:@]*|hf://[^\s:]+", re.ASCII)
_LIKE_A_PLACE = re.compile(r"[/~\\]|\.\.?[/\\]|[\w+.-]*://|[A-Za-z]:\\|.*::|.*[/\\]\.\.[/\\]", re.ASCII)
_NAMES_A_PLACE = re.compile(r"(.*_)?(path|file|folder|dir|url|host|port|endpoint|server|token|key)s?", re.ASCII)
_SENDS = re.compile(
    r"(hub|push_to|vllm_server|vllm_group|trackio)_.*|report_to|project|run_name|deepspeed|fsdp.*", re.ASCII
)

Place = tuple[str, ...]


def refuse_what_is_ours(file: RecipeFile, whole: Tree) -> None:
    """Look through a file from elsewhere.

    Args:
        file: as it came.
        whole: its tables with those of what it extends.

    Raises:
        UsageError: with all that it may not say, a line each.
    """
    errors = []
    for place, value in _leaves(file.tables):
        if any(map(is_hidden, "".join(place))) or (isinstance(value, str) and any(map(is_hidden, value))):
            errors.append(f"{'.'.join(place)!a}: holds a character that is not shown")
        elif error := _error(place, value, whole):
            errors.append(f"{'.'.join(place)}: {error}")
    if errors:
        advice = "to have it all the same, say it with --set, or make the recipe yours: lowres-code recipe copy"
        raise UsageError("\n  ".join([f"{file.name} is from elsewhere and may not say:", *errors[:20], advice]))


def _leaves(value: object, place: Place = ()) -> Iterator[tuple[Place, object]]:
    """Every value that is no table and no list, with its keys."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _leaves(below, (*place, str(key)))
    elif isinstance(value, list):
        for below in value:
            yield from _leaves(below, place)
    else:
        yield place, value


def _error(place: Place, value: object, whole: Tree) -> str | None:
    if place[0] in _FOR_PEOPLE:
        return None
    if place == ("limits", "isolation"):
        return "'limits' takes the isolation away" if value == "limits" else None
    return _ours(value) if _SENDS.fullmatch(place[-1]) or _is_ours(place, value, whole) else None


def _is_ours(place: Place, value: object, whole: Tree) -> bool:
    """Whether a value names something of this machine."""
    if not isinstance(value, str):
        return False
    if place == ("model", "name"):
        return not _is_of_the_hub(value)
    if place[0] == "data" and len(place) == 3 and place[2] in _options_of(place[1], whole).files:
        return not _URL.fullmatch(value) and (_is_beside(place, whole) or not _is_of_the_hub(value))
    return bool(_NAMES_A_PLACE.fullmatch(place[-1]) or _LIKE_A_PLACE.match(value))


def _ours(value: object) -> str:
    return f"{value!r:.80} names a file, a folder or a server of this machine, or an account"


def _is_of_the_hub(name: str) -> bool:
    """Whether a name can only be one of the hub's, or one that this package knows; a folder here would come first."""
    is_name = len(name) <= _LONGEST_NAME and _HUB_NAME.fullmatch(name) and not name.lower().endswith(".gguf")
    return bool(is_name) and not Path(name).exists()


def _table(part: str, whole: Tree) -> Tree:
    """A data table, with what it takes over where it names no source."""
    table = table_of(whole, "data", part)
    return table if "source" in table else {**table_of(whole, "data", "train"), **table}


def _options_of(part: str, whole: Tree) -> type[SourceOptions]:
    known = plugin_manager().problem_sources.get(str(_table(part, whole).get("source")))
    return known.thing.options if known else SourceOptions


def _is_beside(place: Place, whole: Tree) -> bool:
    """Whether the source would look for it beside the recipe."""
    return _options_of(place[1], whole).is_beside(place[2], _table(place[1], whole))
