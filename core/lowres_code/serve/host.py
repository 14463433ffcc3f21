"""What a server has: a judge for each language, what a request may ask for, and how much may wait."""

from __future__ import annotations

import asyncio
import dataclasses
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from lowres_code import __version__
from lowres_code._util.records import shown
from lowres_code.async_judge import AsyncJudge
from lowres_code.errors import LowresCodeError, UsageError, near_match
from lowres_code.judge import Judge
from lowres_code.limits import LIMIT_BOUNDS, Limits
from lowres_code.remote.wire import PROTOCOL, Served, ServedLanguage, data_of, identity_of
from lowres_code.serve.memory import Memory
from lowres_code.serve.metrics import Metrics

MOST = Limits(
    inferences=1_000_000_000, cpu_s=60, memory_mb=4_096, output_kb=4_096, file_kb=65_536, processes=64, wall_s=300.0
)
_MOST_PARSED = 4  # lines at a time, whose JSON is in memory
_LONGEST = 60  # characters of a name that is compared with those that are known


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a server takes.

    Attributes:
        waiting: programs of single requests that may wait; who comes later is asked to come again (status 429).
        streams: requests with many lines at a time; likewise.
        longest_line: bytes of a line, or of a request that is one.
        idle_s: so long a client may keep silent while it should send, or not take what it is sent.
        heartbeat_s: after so long without a result, a stream gets an empty line.
        ahead: lines of a stream that are read before the first of them is answered, for each worker.
        memory: bytes that lines and programs that are worked on, and answers that are not taken, may need together;
            raised to what two answers for each worker may have.
    """

    waiting: int = 4_096
    streams: int = 64
    longest_line: int = 4 * 2**20
    idle_s: float = 60.0
    heartbeat_s: float = 5.0
    ahead: int = 32
    memory: int = 2**30


class TooBusyError(LowresCodeError):
    """Enough waits already."""


class Host:
    """The judges of a server, by language."""

    def __init__(self, judges: Mapping[str, Judge], most: Limits = MOST, bounds: Bounds | None = None) -> None:
        """Args:
        judges: by the names of their languages; open.
        most: the highest limits that a request may ask for, but for what a language needs.
        bounds: how much it takes.
        """
        self.bounds = bounds or Bounds()
        self._judges, self._most = judges, most
        self._data = {name: data_of(judge.language) for name, judge in judges.items()}  # as it was loaded
        self._waiting = {"programs": 0, "streams": 0}
        self.metrics = Metrics(lambda: self._waiting["programs"])
        workers = sum(judge.runner.size for judge in judges.values())
        self.memory = Memory(self.bounds.memory, most.output_kb, 2 * workers)
        self.parsing = asyncio.Semaphore(_MOST_PARSED)

    def judge(self, language: str, limits: Mapping[str, object] | None = None) -> AsyncJudge:
        """The judge of a language, with the limits of a request.

        Raises:
            UsageError: there is none, or a limit is unknown or too high.
        """
        if language not in self._judges:
            near = near_match(language[:_LONGEST], self._judges)
            raise UsageError(f"no language {shown(language)} is served here; {near}")
        return AsyncJudge(self._judges[language].within(self._limits(language, limits or {})))

    def workers(self, language: str) -> int:
        """How many programs of a language run at a time."""
        return self.judge(language).sync.runner.size

    def served(self) -> Served:
        """What it says of itself."""
        longest = self.bounds.longest_line
        return Served(
            protocol=PROTOCOL, version=__version__, longest_line=longest, languages=list(map(self._told, self._judges))
        )

    def identity(self, language: str) -> str:
        """What it says of itself with every stream of executions."""
        return identity_of(self._told(language))

    def _told(self, name: str) -> ServedLanguage:
        judge = self._judges[name]
        return ServedLanguage(
            name=name,
            title=judge.language.title,
            data=self._data[name],
            isolation=judge.isolation,
            workers=judge.runner.size,
            most=dataclasses.asdict(self._most_of(name)),
        )

    @contextmanager
    def admitted(self, kind: str) -> Iterator[None]:
        """Let one in of ``"programs"`` or ``"streams"``.

        Raises:
            TooBusyError: there are enough.
        """
        most = self.bounds.waiting if kind == "programs" else self.bounds.streams
        if self._waiting[kind] >= most:
            self.metrics.refused.labels("busy").inc()
            raise TooBusyError(f"{most} {kind} are on their way already; ask again")
        self._waiting[kind] += 1
        try:
            yield
        finally:
            self._waiting[kind] -= 1

    def _most_of(self, language: str) -> Limits:
        return self._most.at_least(self._judges[language].language.needs)

    def _limits(self, language: str, asked: Mapping[str, object]) -> Limits:
        """The limits of a request: what it does not say is as usual, or as high as it may be if that is less."""
        most = dataclasses.asdict(self._most_of(language))
        wanted: dict[str, Any] = {}
        for name, value in asked.items():
            if name not in most:
                short = name[:_LONGEST]
                raise UsageError(f"limits.{short}: there is no such limit; {near_match(short, most)}")
            if isinstance(value, bool) or not isinstance(value, int | float) or not _is_one(value):
                raise UsageError(f"limits.{name} must be a number, not {shown(value)}")
            if value > most[name]:
                said = f"{value:g}" if abs(value) < 10**15 else shown(value)
                raise UsageError(f"limits.{name} is {said}, and at most {most[name]:g} here")
            wanted[name] = int(value) if value == int(value) and name != "wall_s" else value
        usual = {name: min(value, most[name]) for name, value in dataclasses.asdict(Limits()).items()}
        return Limits(**{**usual, **wanted})


def _is_one(value: float) -> bool:
    """Whether it is a number that there is; one that no float can hold is."""
    return isinstance(value, int) or math.isfinite(value)


def most_of(pairs: tuple[str, ...]) -> Limits:
    """The highest limits, where some are given as ``NAME=VALUE``.

    Raises:
        UsageError: one is unknown, or no number.
    """
    changed: dict[str, Any] = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        if name not in LIMIT_BOUNDS:
            raise UsageError(f"--most {pair}: there is no limit {name!r}; {near_match(name, LIMIT_BOUNDS)}")
        try:
            changed[name] = float(value) if name == "wall_s" else int(value)
        except ValueError as error:
            raise UsageError(f"--most {pair}: must be NAME=NUMBER, as in cpu_s=20") from error
    return dataclasses.replace(MOST, **changed)
