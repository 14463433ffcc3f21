"""The versions of this package and of those that it needs."""

from __future__ import annotations

import importlib.metadata
import re

OWN = "lowres-code"


def versions() -> dict[str, str | None]:
    """Each package's version by its name; ``None`` if it is not installed."""
    needed = [line for line in importlib.metadata.requires(OWN) or () if "extra ==" not in line]
    return {name: _version(name) for name in (OWN, *(re.split(r"[^\w.-]", line)[0] for line in needed))}


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
