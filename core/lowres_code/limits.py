"""What one program may use; a problem may ask for less than that."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from lowres_code.errors import UsageError, near_match

LIMIT_BOUNDS: Mapping[str, tuple[float, float]] = MappingProxyType(  # all that the kernel and the interpreters take
    {
        "inferences": (1, 10**15),
        "cpu_s": (1, 86_400),
        "memory_mb": (16, 2**20),
        "output_kb": (1, 4_096),
        "file_kb": (0, 2**20),
        "processes": (1, 1_000),
        "wall_s": (0.01, 86_400),
        "reserve_mb": (0, 2**26),
    }
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one program may use. The deterministic budgets bind first, wall time is a wide backstop.

    Attributes:
        inferences: logical inferences, where the language counts them.
        cpu_s: CPU seconds of the process.
        memory_mb: address space that the program may add, in MiB; the language's own stacks get half of it.
        output_kb: standard output and standard error together, in KiB; an answer may be as long.
        file_kb: size of any file it writes, in KiB.
        processes: processes and threads at a time.
        wall_s: seconds by the clock, waiting included.
        reserve_mb: address space on top, in MiB, for run-times that reserve it without using it.

    Raises:
        UsageError: a limit is outside of `LIMIT_BOUNDS`.
    """

    inferences: int = 20_000_000
    cpu_s: int = 10
    memory_mb: int = 512
    output_kb: int = 256
    file_kb: int = 1024
    processes: int = 16
    wall_s: float = 60.0
    reserve_mb: int = 0

    def __post_init__(self) -> None:
        for name in LIMIT_BOUNDS:
            check_limit(name, getattr(self, name))

    def at_least(self, needs: Mapping[str, int]) -> Limits:
        """These limits, but where they are below what is needed, by name, that."""
        raised = {name: max(least, getattr(self, name)) for name, least in needs.items()}
        return dataclasses.replace(self, **raised)

    def lowered(self, asked: Mapping[str, float]) -> Limits:
        """These limits, but where less is asked for, by name, that."""
        less = {name: value for name, value in asked.items() if value < getattr(self, name)}
        return dataclasses.replace(self, **less) if less else self  # type: ignore[arg-type]  # whole but for wall_s


def check_limit(name: str, value: object) -> None:
    """See that a limit can be had.

    Raises:
        UsageError: there is none of that name, or the value is outside of `LIMIT_BOUNDS`.
    """
    if name not in LIMIT_BOUNDS:
        raise UsageError(f"there is no limit {name!r}; {near_match(name, LIMIT_BOUNDS)}")
    least, most = LIMIT_BOUNDS[name]
    whole = name != "wall_s"
    kind = (int,) if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kind) or not least <= value <= most:
        a_number = "a whole number" if whole else "a number"
        raise UsageError(f"limits.{name} must be {a_number} from {least:g} to {most:_}, not {value!r}")
