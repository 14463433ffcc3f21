"""Many programs, one after another and side by side: that each has its own end, and that nothing is left."""

from __future__ import annotations

import contextlib
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lowres_code._util.progress import Progress
from lowres_code.conformance.result import Check
from lowres_code.judge import Judge
from lowres_code.language.base import Execution, Status
from lowres_code.problem import Test

BATCH = 50
MEGABYTES = 32  # that this process may grow by; Python's own heap is never quite still


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a judge holds of this machine."""

    processes: int
    descriptors: int
    files: int
    megabytes: int

    @classmethod
    def now(cls) -> Holdings:
        """As it is at this moment."""
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return cls(
            processes=len(_descendants(os.getpid())),
            descriptors=len(list(Path("/proc/self/fd").iterdir())),
            files=len(list(Path(tempfile.gettempdir()).glob(f"lowres-code-{os.getpid()}-*"))),
            megabytes=pages * os.sysconf("SC_PAGE_SIZE") >> 20,
        )

    def grown(self, before: Holdings) -> str:
        """What is more than before, in words; nothing if nothing is."""
        pairs = [(name, getattr(before, name), getattr(self, name)) for name in ("processes", "descriptors", "files")]
        pairs += [("megabytes", before.megabytes + MEGABYTES, self.megabytes)]
        return ", ".join(f"{name} {old} > {new}" for name, old, new in pairs if new > old)


@dataclass(frozen=True, slots=True)
class Soaked:
    """How the soak went. ``seconds``: of each program; ``elapsed_s``: of all."""

    checks: tuple[Check, ...]
    seconds: tuple[float, ...]
    elapsed_s: float

    def percentile_ms(self, percent: int) -> float:
        """Milliseconds that so many of a hundred programs stayed below."""
        if len(self.seconds) < 2:
            return round(sum(self.seconds) * 1e3, 2)
        return round(statistics.quantiles(self.seconds, n=100)[percent - 1] * 1e3, 2)


def soak(judge: Judge, program: str, answer: str, count: int, progress: Progress) -> Soaked:
    """Run a program ``count`` times; each differs in what it could read, or they would be one."""
    _batch(judge, program, range(-max(min(BATCH, count), judge.runner.size), 0))  # all workers start
    before, started = Holdings.now(), time.perf_counter()
    executions: list[Execution] = []
    for first in range(0, count, BATCH):
        executions += _batch(judge, program, range(first, min(count, first + BATCH)))
        progress(len(executions), count)
    elapsed = time.perf_counter() - started
    checks = tuple(_checks(judge, executions, answer, Holdings.now().grown(before)))
    return Soaked(checks, tuple(execution.wall_s for execution in executions), elapsed)


def _batch(judge: Judge, program: str, numbers: range) -> list[Execution]:
    return judge.execute([program] * len(numbers), [Test(stdin=f"{number}\n") for number in numbers])


def _checks(judge: Judge, executions: list[Execution], answer: str, grown: str) -> Iterator[Check]:
    good = [
        execution.status is Status.OK and judge.language.compare(answer, execution.answer or "")
        for execution in executions
    ]
    wrong = f"{good.count(False)} of {len(good)} did not answer {answer}"
    name = f"soak of {len(executions):,} programs"
    yield Check.that(name, all(good), wrong)
    yield Check.that("soak: nothing is left", not grown, grown)


def _descendants(process: int) -> list[int]:
    children: list[int] = []
    for file in Path(f"/proc/{process}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # it has just ended
            children += map(int, file.read_text(encoding="ascii").split())
    return [*children, *(below for child in children for below in _descendants(child))]
