"""Many programs in one pool, some of them hostile, also while workers are killed and the machine is busy."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import psutil
import pytest
from lowres_code.judge import Judge
from lowres_code.language.base import Execution, Limits, Status
from lowres_code.problem import Test
from lowres_code.sandbox.pool import Pool

from tests.benchmarks.judging import Killer, corpus, held, outcomes, run_chunk
from tests.conftest import PROLOG
from tests.core.sandbox.conftest import RIGHT


def test_a_long_run_leaks_nothing() -> None:
    me = psutil.Process()
    others, threads = set(me.children(recursive=True)), {thread.id for thread in me.threads()}

    def new() -> tuple[int, int, int]:
        """What tests before have left may end meanwhile."""
        begun = [thread for thread in me.threads() if thread.id not in threads]
        return me.num_fds(), len(set(me.children(recursive=True)) - others), len(begun)

    with Pool(PROLOG, "namespaces", 2) as pool:
        mixed = [RIGHT, "solve(X) :- X is foo.", "solve(", ":- halt.", "solve(X) :- sleep(9), X = 1."]
        limits = Limits(wall_s=0.2)

        def batch(offset: int) -> None:
            jobs = [(f"{mixed[n % len(mixed)]} % {offset}-{n}", Test()) for n in range(50)]
            statuses = [execution.status for execution in pool.run(jobs, limits)]
            assert Status.INFRA_ERROR not in statuses

        batch(0)
        before = new()
        for number in range(1, 4):
            batch(number)
        assert new() == before
    assert set(me.children(recursive=True)) <= others


@pytest.mark.usefixtures("isolated")
def test_every_program_has_its_own_verdict_while_workers_are_killed() -> None:
    limits = Limits(inferences=1_000_000, cpu_s=1, memory_mb=128, output_kb=64, wall_s=5)
    statuses: Counter[str] = Counter()
    wrong: list[tuple[str, Execution]] = []
    with Judge(PROLOG, limits, isolation="namespaces") as judge:
        run_chunk(judge, -50, 50, Counter(), wrong)
        before, killer, judged = held(), Killer(every_s=0.5, seed=0), 0
        killer.start()
        while judged < 400 or (not killer.killed and killer.is_alive()):  # a fast machine is done before the first
            run_chunk(judge, judged, 100, statuses, wrong)
            judged += 100
        killer.stop.set()
        killer.join()
        run_chunk(judge, -50, 50, Counter(), wrong)  # whoever was killed last is back
        after = held()
    assert killer.killed
    assert (statuses.total(), wrong) == (judged, [])
    assert 0 <= statuses["infra_error"] <= killer.killed / 2  # those that were killed twice
    assert [name for name in before if name != "megabytes" and after[name] > before[name]] == []


@pytest.mark.usefixtures("isolated")
def test_verdicts_are_the_same_on_a_busy_machine() -> None:
    programs = corpus()[::10]
    assert len(programs) == 50
    idle = outcomes(programs)
    burner = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        loaded = outcomes(programs)
    finally:
        burner.kill()
        burner.wait()
    assert loaded == idle
