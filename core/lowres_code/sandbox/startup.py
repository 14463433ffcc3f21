"""What a worker is told when it starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lowres_code.language.base import Language

if TYPE_CHECKING:
    from lowres_code.sandbox.isolation import Isolation


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """What a worker is started for.

    Attributes:
        language: whose programs it runs.
        warm_up: what it loads before.
        isolation: the isolation that it stands in; named in each result.
        root: an empty directory, in which each program in turn gets its scratch directory.
        readable: what programs may read, in the isolation ``landlock``.
        user: the number of the user that programs run as; 0: as the worker's own.
        may_fork: whether programs may make processes.
    """

    language: Language
    warm_up: str
    isolation: Isolation
    root: str
    readable: tuple[Path, ...]
    user: int
    may_fork: bool
