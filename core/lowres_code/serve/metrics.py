"""What a server counts, in Prometheus' form."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0, 120.0, 300.0)


class Metrics:
    """The counters of one server.

    Attributes:
        programs: that were run, by language and how they ended.
        seconds: by the clock that a program ran, waiting for a worker not included.
        refused: requests, by reason: ``busy``, ``token``, ``size``, ``slow``.
    """

    def __init__(self, waiting: Callable[[], int]) -> None:
        """Waiting: how many programs of single requests are on their way."""
        known = self._registry = CollectorRegistry()
        self.programs = Counter("lowres_code_programs", "that were run", ["lang", "status"], registry=known)
        self.seconds = Histogram(
            "lowres_code_program_seconds", "of a program", ["lang"], registry=known, buckets=_SECONDS
        )
        self.refused = Counter("lowres_code_refused", "requests that were refused", ["reason"], registry=known)
        Gauge("lowres_code_waiting", "programs of single requests", registry=known).set_function(waiting)

    def ran(self, language: str, status: str, seconds: float) -> None:
        """Count one program."""
        self.programs.labels(language, status).inc()
        self.seconds.labels(language).observe(seconds)

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self._registry)
