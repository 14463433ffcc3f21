"""Names of models that are misspelt: told before anything is loaded or the hub is asked."""

from __future__ import annotations

import difflib
import logging
from functools import cache
from pathlib import Path

from lowres_code.errors import UsageError

POCKET = "pocket"
_OF_HERE = (".", "/", "~")  # the hub has no names that begin so; it has some without an owner, as gpt2
_ALIKE = 0.75  # of 1, as difflib measures: pocet, poket and packet are like pocket, rocket-3b is not

log = logging.getLogger("lowres_code.generation")


def near_model(name: str) -> str | None:
    """The model that a name may have been meant to be: the embedded one, or a folder or a GGUF file beside it.

    ``None`` if the name is right, or nothing is near.
    """
    path = Path(name).expanduser()
    if name == POCKET or path.exists():
        return None
    known = {entry.name.lower(): str(Path(name).with_name(entry.name)) for entry in _beside(path)}
    known |= {POCKET: POCKET} if "/" not in name else {}
    close = difflib.get_close_matches(path.name.lower(), known, n=1, cutoff=_ALIKE)
    return known[close[0]] if close else None


@cache
def check_model_name(name: str) -> None:
    """Refuse a name that is misspelt; of one that the hub may have all the same, only tell so.

    Raises:
        UsageError: it is near ``pocket``, or can only be one of here, and something near is here.
    """
    near = near_model(name)
    if near and (near == POCKET or name.startswith(_OF_HERE)):
        raise UsageError(f"there is no model {name!r}; did you mean {near!r}?")
    if near:
        log.warning("there is no %r here; did you mean %r?", name, near)


def _beside(path: Path) -> list[Path]:
    """What is there in the folder that a path is in and could be measured."""
    try:
        return [entry for entry in sorted(path.parent.iterdir()) if _is_model(entry)]
    except OSError:
        return []


def _is_model(entry: Path) -> bool:
    """Whether it is a GGUF file, or the folder of a model or of a run."""
    return entry.suffix.lower() == ".gguf" or any((entry / name).is_file() for name in ("config.json", "env.json"))
