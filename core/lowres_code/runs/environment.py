"""What a run ran on: versions, hardware, commit, isolation, seed."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path
from typing import Any

from lowres_code.runs.versions import versions


def environment(language: str, isolation: str, seed: int, processes: int = 1) -> dict[str, Any]:
    """The contents of ``env.json``; ``processes`` is how many train together."""
    import torch

    return {
        "language": language,
        "seed": seed,
        "isolation": isolation,
        "processes": processes,
        "packages": versions(),
        "python": platform.python_version(),
        "system": platform.platform(),
        "cpus": len(os.sched_getaffinity(0)),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "commit": _commit(),
    }


def _commit() -> str | None:
    """The commit of the source tree, if this package runs from one."""
    try:
        answer = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except OSError:
        return None
    return answer.stdout.strip() or None
