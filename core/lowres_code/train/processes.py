"""The processes that train together: one, or as many as ``accelerate launch`` or ``torchrun`` has started.

They divide the completions of a step among them, and each judges its own. The first, the main one, alone writes the run
directory, evaluates, and talks; the others read what it has written, so all must see the same files.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any, TypeVar

T = TypeVar("T")
# An evaluation of the main process may take hours; that one has died is for the launcher to notice, which ends all.
_PATIENCE = timedelta(days=14)


@dataclass(frozen=True)
class Processes:
    """All processes of a training, seen by one of them.

    Whatever waits or exchanges something is to be called by all of them, in the same order; torch's process group must
    have been made, which transformers' and TRL's arguments do. Alone, nothing waits.

    Attributes:
        count: how many there are.
        rank: of this one, counted from 0.
        beside: how many are on this machine.
    """

    count: int = 1
    rank: int = 0
    beside: int = 1

    @classmethod
    def started(cls) -> Processes:
        """Those that the launcher's environment variables tell of."""
        return cls(*(int(os.environ.get(name, alone)) for name, alone in _VARIABLES.items()))

    @property
    def split(self) -> bool:
        """Whether accelerate was asked to divide the model itself among them."""
        return any(os.environ.get(f"ACCELERATE_USE_{kind}", "false") == "true" for kind in ("FSDP", "DEEPSPEED"))

    @property
    def main(self) -> bool:
        """Whether this is the one that owns the run."""
        return self.rank == 0

    @contextmanager
    def main_first(self) -> Iterator[None]:
        """Let the main process do the block before the others, who find then what it has left in files."""
        if not self.main:
            self.wait()
        yield
        if self.main:
            self.wait()

    def by_main(self, action: Callable[[], object]) -> None:
        """Have the main process do something, and all go on when it is done."""
        if self.main:
            action()
        self.wait()

    def wait(self) -> None:
        """Go on when all are here."""
        self.all([])

    def end(self) -> None:
        """Part, when nothing more is done together: threads of a group that is left open can abort its process."""
        self.wait()
        if self.count > 1:
            from torch import distributed

            distributed.destroy_process_group()

    def any(self, mine: bool) -> bool:
        """Whether one of them says so."""
        return any(self.all([mine]))

    def all(self, mine: Sequence[T]) -> list[T]:
        """What each of them has, in the order of their ranks."""
        if self.count == 1:
            return list(mine)
        from torch import distributed

        parts: list[Any] = [None] * self.count
        distributed.all_gather_object(parts, list(mine), group=self._group)
        return [one for part in parts for one in part]

    @cached_property
    def _group(self) -> Any:
        """By way of the CPU, whatever the training uses, and patient."""
        from torch import distributed

        return distributed.new_group(backend="gloo", timeout=_PATIENCE)


ALONE = Processes()
_VARIABLES = {"WORLD_SIZE": 1, "RANK": 0, "LOCAL_WORLD_SIZE": 1}
