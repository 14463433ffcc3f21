"""What a client knows of a served judge: what it is, and whether it works."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from lowres_code.errors import UsageError
from lowres_code.language.base import Language
from lowres_code.remote.server import Server

TRUSTED_S = 10.0  # a server that has said nothing for so long may have been started anew, and be another
_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 5.0


@dataclass(slots=True, eq=False)
class Place:
    """What is known of a server.

    Attributes:
        server: which.
        isolation: in force there; empty while that is not known.
        workers: that it has; 0 while that is not known.
        longest: bytes that it takes in a line.
        threads: that send to it.
        seen_at: when it last said what it is.
        answered_at: when it was last done with a program.
        failing_since: from its first failure until it does again what it is asked.
        tries: so often it was tried meanwhile.
        problem: why it fails, or was dropped.
        dropped: whether it is not to be used any more.
        turn: of the one thread that looks what has become of it.
    """

    server: Server
    isolation: str = ""
    workers: int = 0
    longest: int = 0
    threads: int = 0
    seen_at: float = 0.0
    answered_at: float = 0.0
    failing_since: float | None = None
    tries: int = 0
    problem: str = ""
    dropped: bool = False
    turn: threading.Lock = field(default_factory=threading.Lock)

    def meet(self, language: Language, isolation: str) -> None:
        """Ask it what it is now.

        Raises:
            JudgeError: it does not answer.
            UsageError: it does not serve this version of the language, or has another isolation (``"auto"`` is any).
        """
        served, longest = self.server.language(language)
        if isolation not in ("auto", served.isolation):
            raise UsageError(f"the judge at {self.server.url} has isolation {served.isolation!r}, not {isolation!r}")
        self.server.trust(served)
        self.isolation, self.workers, self.longest = served.isolation, served.workers, longest
        self.seen_at = time.monotonic()

    def is_trusted(self) -> bool:
        """Whether programs may be sent there without another look."""
        heard_at = max(self.seen_at, self.answered_at)
        return not self.dropped and self.failing_since is None and time.monotonic() - heard_at < TRUSTED_S

    def fails(self, problem: str) -> None:
        """It has not done what it was asked."""
        self.problem = problem
        self.failing_since = self.failing_since or time.monotonic()

    def works(self) -> None:
        """It does again what it is asked."""
        self.failing_since, self.tries = None, 0

    def pause_s(self) -> float:
        """How long to wait before it is tried."""
        return 0.0 if self.failing_since is None else min(_PAUSE_S * 2 ** min(self.tries, 9), _LONGEST_PAUSE_S)


def problems(places: list[Place]) -> str:
    """Why they fail, in a line."""
    return "; ".join(place.problem for place in places if place.problem)
