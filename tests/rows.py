"""Files of JSON lines, as users have them."""

from __future__ import annotations

import json
from pathlib import Path


def written(path: Path, *rows: object, encoding: str = "utf-8") -> Path:
    """Write the rows into a file, whose folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding=encoding)
    return path
