"""Whether the walls around a backend hold: tried with the kit's own programs, harmless ones first."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace

from lowres_code.judge import Judge
from lowres_code.kit.canary import Canary
from lowres_code.kit.probe import Probe
from lowres_code.kit.report import Check, Outcome
from lowres_code.language import Execution, Status
from lowres_code.problem import Test


def ask(judge: Judge, program: str, stdin: str = "") -> Execution:
    """Run one program."""
    return judge.execute([program], [Test(stdin=stdin)])[0]


def harmless(judge: Judge, canary: Canary) -> Iterator[Check]:
    """Reading, writing, calling, looking: nothing that could do harm where the walls do not hold."""
    seen = ask(judge, f"read {canary.file}").answer
    yield _check("reads the user's files", seen == "refused", f"a program read {canary.file}")
    ask(judge, f"write {canary.file}")
    yield _check("writes outside", canary.untouched(), f"a program wrote to {canary.file}")
    canary.file.write_text(canary.secret, encoding="utf-8")
    seen = ask(judge, f"connect {canary.port}").answer
    yield _check("network", seen == "refused" and not canary.called(), "a program reached a port of this machine")
    seen = ask(judge, f"variable {canary.variable}").answer
    yield _check("reads the environment", seen == "unseen", "a program saw this process's environment")
    seen = ask(judge, f"signal {os.getpid()}").answer
    yield _check("signals others", seen == "refused", "a program can signal this process")
    states = [ask(judge, f"state {turn}").answer for turn in ("first", "second")]
    yield _check("leaves state", states == ["clean", "clean"], "a program found what the one before it had left")


def hostile(judge: Judge) -> Iterator[Check]:
    """Bombs, floods, loops. Only where `harmless` has found nothing."""
    many = 4 * judge.limits.processes
    bombs: dict[str, tuple[str, Callable[[Execution], bool]]] = {
        "fork bomb": (f"fork {many}", lambda e: e.answer != "not stopped" and e.status is not Status.INFRA_ERROR),
        "memory bomb": ("memory", lambda e: e.status is Status.MEMORY_LIMIT),
        "output flood": ("flood", lambda e: e.status is Status.OUTPUT_LIMIT),
        "endless loop": ("loop", lambda e: e.status is Status.TIMEOUT),
        "sleeps": ("sleep", lambda e: e.status is Status.TIMEOUT),
        "closes everything": ("close", lambda e: e.status is not Status.INFRA_ERROR),
        "prints no text": ("bytes", lambda e: e.answer == "written"),
    }
    for name, (program, ends_well) in bombs.items():
        execution = ask(judge, program)
        yield _check(name, ends_well(execution), f"it ended as {execution.status.value}, answer {execution.answer!r}")


def probing(judge: Judge) -> Judge:
    """A judge for probes within the walls of another judge's language; they need no time but that which they waste."""
    limits = replace(judge.limits, cpu_s=1, wall_s=3)
    return Judge(Probe.like(judge.language), limits, judge.isolation, workers=1)


def _check(name: str, holds: bool, otherwise: str) -> Check:
    return Check(f"walls: {name}", Outcome.PASSED if holds else Outcome.FAILED, "" if holds else otherwise)
