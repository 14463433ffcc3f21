"""Whether the isolation around a backend holds: tried with programs of its own, harmless ones first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from lowres_code.conformance.canary import Canary
from lowres_code.conformance.probe import Probe, forget_state
from lowres_code.conformance.result import Check
from lowres_code.judge import Judge
from lowres_code.language.base import Execution, Status
from lowres_code.problem import Test


def ask(judge: Judge, program: str, stdin: str = "") -> Execution:
    """Run one program."""
    return judge.execute([program], [Test(stdin=stdin)])[0]


def harmless(judge: Judge, canary: Canary) -> Iterator[Check]:
    """Reading, writing, calling, looking: nothing that could do harm where the isolation does not hold."""
    for name, program, wanted in (
        ("reads the user's files", f"read {canary.file}", "refused"),
        ("writes outside", f"write {canary.file}", "refused"),
        ("network", f"connect {canary.port}", "refused"),
        ("reads the environment", f"variable {canary.variable}", "unseen"),
        ("signals others", f"signal {canary.process}", "refused"),
        ("leaves state", f"state {canary.secret}", "clean"),
    ):
        ends = [ask(judge, program, stdin=turn) for turn in ("first", "second")]
        yield Check.that(
            f"isolation: {name}", all(end.answer == wanted for end in ends), f"{program.split()[0]}: {_seen(ends[1])}"
        )
    forget_state(canary.secret)
    canary.file.write_text(canary.secret, encoding="utf-8")


def hostile(judge: Judge) -> Iterator[Check]:
    """Bombs, floods, loops. Only where `harmless` has found nothing."""
    many = 4 * judge.limits.processes
    bombs: dict[str, tuple[str, Callable[[Execution], bool]]] = {
        "fork bomb": (f"fork {many}", lambda e: e.answer != "not stopped" and e.status is not Status.INFRA_ERROR),
        "memory bomb": ("memory", lambda e: e.status is Status.MEMORY_LIMIT),
        "output flood": ("flood", lambda e: e.status is Status.OUTPUT_LIMIT),
        "endless loop": ("loop", lambda e: e.status is Status.TIMEOUT),
        "closes everything": ("close", lambda e: e.status is not Status.INFRA_ERROR),
        "prints no text": ("bytes", lambda e: e.answer == "written"),
    }
    for name, (program, ends_well) in bombs.items():
        execution = ask(judge, program)
        yield Check.that(f"isolation: {name}", ends_well(execution), _seen(execution))
    with probing(judge, wall_s=1) as impatient:
        execution = ask(impatient, "sleep")
        yield Check.that("isolation: sleeps", execution.status is Status.TIMEOUT, _seen(execution))


def probing(judge: Judge, wall_s: float | None = None) -> Judge:
    """A judge for probes in the isolation of another judge's language."""
    limits = replace(judge.limits, cpu_s=1, wall_s=wall_s or judge.limits.wall_s)
    return Judge(Probe.like(judge.language), limits, judge.isolation, workers=1)


def _seen(execution: Execution) -> str:
    said = "; ".join(note.message.strip() for note in execution.diagnostics)
    return f"it ended as {execution.status.value}, answer {execution.answer!r}{said and f' ({said[-200:]})'}"
