"""What a worker is told when it starts."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lowres_code.errors import UsageError
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

    def pickled(self) -> bytes:
        """For the worker.

        Raises:
            UsageError: the language cannot be pickled; it names the attribute.
        """
        try:
            return pickle.dumps(self)
        except Exception as error:  # an attribute may raise what it likes
            raise UsageError(
                f"language {self.language.name!r} cannot be sent to a worker: {_why_not(self.language)} ({error})"
            ) from error


def _why_not(language: Language) -> str:
    kind = type(language)
    for name, value in getattr(language, "__dict__", {}).items():
        if not _can_be_pickled(value):
            return f"its attribute {name!r} cannot be pickled; what cannot, make in load() or when it is first used"
    return f"its class {kind.__qualname__!r} cannot be imported from {kind.__module__!r}; define it there, at the top"


def _can_be_pickled(value: object) -> bool:
    try:
        pickle.dumps(value)
    except Exception:  # as above
        return False
    return True
