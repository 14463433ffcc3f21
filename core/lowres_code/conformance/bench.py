"""How fast a language's programs are judged, against a fresh process for each under the same isolation."""

from __future__ import annotations

import shlex
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lowres_code._util.progress import Progress
from lowres_code._util.text import bytes_of
from lowres_code.errors import JudgeError, LowresCodeError, UsageError
from lowres_code.language.base import Execution, Language, Limits, Status
from lowres_code.problem import Test
from lowres_code.sandbox.client import WorkerClient
from lowres_code.sandbox.isolation import Isolation, wrap
from lowres_code.sandbox.pool import Pool


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds of one program, one run after another on one core."""

    p50_ms: float
    p90_ms: float
    per_s: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Timing:
        """Median and ninetieth percentile; programs a second follow from the mean."""
        p90 = statistics.quantiles(seconds, n=10)[-1] if len(seconds) > 1 else seconds[0]
        return cls(
            round(statistics.median(seconds) * 1e3, 2), round(p90 * 1e3, 2), round(len(seconds) / sum(seconds), 1)
        )


@dataclass(frozen=True, slots=True)
class ProgramBench:
    """One program, both ways, the runs interleaved.

    Attributes:
        program: its text.
        warm: as the judge runs it.
        fresh: the language's plain command in a sandbox started for this run alone.
        ratio: how many times faster warm is, by the medians.
    """

    program: str
    warm: Timing
    fresh: Timing
    ratio: float


@dataclass(frozen=True, slots=True)
class Bench:
    """A language's figures.

    Attributes:
        fresh: the command that a sandbox is started for, each time; of a compiled language it compiles, too.
        batch_per_s: programs a second of a batch of ``batch`` of the last program.
    """

    language: str
    isolation: str
    fresh: str
    rounds: int
    programs: tuple[ProgramBench, ...]
    batch: int
    workers: int
    batch_per_s: float

    def as_json(self) -> dict[str, Any]:
        """All of it, for ``--json``."""
        return asdict(self)


def programs_of(language: Language) -> list[str]:
    """The self-test programs that must give an answer; without one, the snippet ``hello``.

    Raises:
        UsageError: there is neither.
    """
    programs = [test.program for test in language.self_tests if test.status is Status.OK]
    programs = programs or [text for name, text in language.snippets.items() if name == "hello"]
    if not programs:
        raise UsageError(f"language {language.name!r} has no self-test that answers: name a program with --program")
    return programs


def bench(
    language: Language,
    isolation: Isolation,
    programs: Sequence[str],
    rounds: int,
    batch: int,
    workers: int | None,
    progress: Progress,
) -> Bench:
    """Time each program both ways, in turn, ``rounds`` times; then a batch through the pool.

    Raises:
        UsageError: the language has no plain command, or the isolation cannot run a fresh process.
        LowresCodeError: a program gives no answer.
        JudgeError: the judge fails, or the plain command does where the judge's own run of it did not.
    """
    if not language.plain:
        raise UsageError(f"language {language.name!r} has no plain command to compare with")
    if isolation != "namespaces":
        raise UsageError(f"lang bench compares in the isolation 'namespaces', not {isolation!r} (lowres-code doctor)")
    timed = []
    for number, program in enumerate(programs):
        timed.append(_both_ways(language, isolation, program, rounds))
        progress(number + 1, len(programs) + 1)
    with Pool(language, isolation, workers) as pool:
        per_s = _batch_per_s(pool, programs[-1], batch, Limits().at_least(language.needs))
        size = pool.size
    fresh = shlex.join(language.plain)
    return Bench(language.name, isolation, fresh, rounds, tuple(timed), batch, size, round(per_s, 1))


def _both_ways(language: Language, isolation: Isolation, program: str, rounds: int) -> ProgramBench:
    client = WorkerClient(language, isolation, language.warm_up_of(program))
    limits = Limits().at_least(language.needs)
    warm: list[float] = []
    fresh: list[float] = []
    try:
        _warm_run(client, program, limits)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, f"{language.stem}{language.suffix}")
            file.write_bytes(bytes_of(program))
            for _ in range(rounds):
                fresh.append(_seconds(lambda: _fresh_run(language, isolation, file)))
                warm += [_seconds(lambda: _warm_run(client, program, limits)) for _ in range(4)]
    finally:
        client.release()
    ratio = statistics.median(fresh) / statistics.median(warm)
    return ProgramBench(program, Timing.of(warm), Timing.of(fresh), round(ratio, 1))


def _seconds(run: Callable[[], None]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _warm_run(client: WorkerClient, program: str, limits: Limits) -> None:
    _must_answer([client.ask("execute", program, Test(), limits)])


def _must_answer(executions: Sequence[Execution]) -> None:
    failed = [execution for execution in executions if execution.status is not Status.OK]
    if not failed:
        return
    which = f"{len(failed)} of {len(executions)} runs give" if len(executions) > 1 else "the program gives"
    said = "; ".join(note.message for note in failed[0].diagnostics) or failed[0].stderr.strip()
    message = f"{which} no answer but {failed[0].status.value}{said and f': {said}'}"
    raise JudgeError(message) if failed[0].status is Status.INFRA_ERROR else LowresCodeError(message)


def _fresh_run(language: Language, isolation: Isolation, file: Path) -> None:
    stem = str(file.with_name(language.stem))
    command = [part.replace("{file}", str(file)).replace("{stem}", stem) for part in language.plain]
    isolated = wrap(
        isolation, command, (file.parent, *language.read_only_paths()), language.environment(), worker=False
    )
    try:
        done = subprocess.run(
            isolated, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=Limits().wall_s
        )
    except subprocess.TimeoutExpired as error:
        raise JudgeError(f"{' '.join(command)} does not end, as the judge's own run of it did") from error
    if done.returncode != 0:
        raise JudgeError(f"{' '.join(command)} fails: {done.stderr.decode(errors='replace').strip()}")


def _batch_per_s(pool: Pool, program: str, batch: int, limits: Limits) -> float:
    """The runs differ in what they could read, or they would be one; the workers are warm when it begins."""
    pool.run([(program, Test(stdin=f"warm {n}")) for n in range(2 * pool.size)], limits)
    jobs = [(program, Test(stdin=str(n))) for n in range(batch)]
    return batch / _seconds(lambda: _must_answer(pool.run(jobs, limits)))
