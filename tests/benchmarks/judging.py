"""The judge under load: is it deterministic, and does it last?

``python -m tests.benchmarks.judging determinism`` runs the same 500 programs, some of them greedy, idle,
again, and with every core loaded twice over, and compares status, answer and output byte for byte.

``python -m tests.benchmarks.judging endurance [PROGRAMS]`` runs 20,000 programs, a tenth of them hostile, while workers
are killed at random, and says whether every program has its own verdict and what has grown.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import psutil
from lowres_code.judge import Judge
from lowres_code.language.base import Execution, Limits, Status
from lowres_code.problem import Test

from tests.conftest import PROLOG
from tests.languages.hostile_programs import read_corpus as read_hostile
from tests.languages.test_agreement import read_corpus

# What these print or answer is not their own: the time, chance, a process's number, how much memory was used.
_NOT_THEIR_OWN = (
    *("Kind-Term", "random", "get_time", "time_limit", "statistics", "pid", "thread"),
    *("date", "stamp", "gensym", "tmp_file", "address"),
    "shell(",  # how much CPU time is spent by programs that end at once depends on the machine
)
HOSTILE = (
    "solve(X) :- X is 7**7**7**7.",
    "solve(X) :- length(L, 100000000), X = L.",
    "solve(1) :- repeat, write(spam), fail.",
    ":- initialization(shell('while :; do sleep 60 & done')).\nsolve(1).",
    "solve(1) :- shell('kill -9 -1').",
    "solve(X) :- findall(_, repeat, X).",
    "solve(1) :- thread_create((repeat, fail), _), solve(1).",
    "solve(X) :- atom_length(X, _), halt.",
    ":- use_module(library(unix)).\nsolve(1) :- repeat, fork(_), fail.",
    "solve(1) :- open('kept', write, S), repeat, write(S, kept), fail.",
)


def corpus() -> list[str]:
    """500 programs whose outcome is their own: some that go for the limits, and others of the agreement corpus."""
    greedy = [program.text for program in read_hostile() if program.name.startswith("resources:")]
    texts = greedy + [program.text for program in read_corpus() if program.query is None]
    return [text for text in texts if "@" not in text and not any(word in text for word in _NOT_THEIR_OWN)][:500]


def outcomes(programs: list[str]) -> bytes:
    """What came of each program, as one text."""
    limits = Limits(inferences=2_000_000, cpu_s=3, memory_mb=256, output_kb=64)
    with Judge(PROLOG, limits, isolation="namespaces") as judge:
        executions = judge.execute(programs, [Test()] * len(programs))
    rows = [(e.status.value, e.answer, e.stdout, [note.message for note in e.diagnostics]) for e in executions]
    return "\n".join(map(json.dumps, rows)).encode()


def determinism() -> bool:
    """Whether three runs are equal."""
    programs = corpus()
    idle, again = outcomes(programs), outcomes(programs)
    cores = len(os.sched_getaffinity(0))
    burners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2 * cores)]
    try:
        loaded = outcomes(programs)
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()
    print(f"{len(programs)} programs; {len(burners)} busy processes on {cores} cores")
    print(Counter(json.loads(row)[0] for row in idle.splitlines()))
    for name, other in (("a second run", again), ("with every core loaded", loaded)):
        pairs = zip(programs, idle.splitlines(), other.splitlines(), strict=True)
        different = [(program, left, right) for program, left, right in pairs if left != right]
        print(f"{name}: {len(different)} differ")
        for program, left, right in different:
            print(f"{program}\n  {left!r}\n  {right!r}")
    return idle == again == loaded


class Killer(threading.Thread):
    """Kills one of the judge's own worker processes now and then."""

    def __init__(self, every_s: float, seed: int) -> None:
        super().__init__(daemon=True)
        self._every_s, self._random = every_s, random.Random(seed)
        self.stop = threading.Event()
        self.killed = 0

    def run(self) -> None:
        while not self.stop.wait(self._random.expovariate(1 / self._every_s)):
            with suppress(psutil.NoSuchProcess, IndexError):
                self._random.choice(psutil.Process().children()).kill()
                self.killed += 1


def held() -> dict[str, float]:
    """What this process holds."""
    me = psutil.Process()
    return {
        "processes": len(me.children(recursive=True)),
        "descriptors": me.num_fds(),
        "threads": me.num_threads(),
        "temporary files": len(list(Path("/tmp").glob(f"lowres-code-{os.getpid()}-*"))),
        "megabytes": round(me.memory_info().rss / 2**20, 1),
    }


def endurance(total: int) -> bool:
    """Whether every program has its own verdict and nothing grows."""
    limits = Limits(inferences=1_000_000, cpu_s=1, memory_mb=128, output_kb=64, wall_s=5)
    statuses: Counter[str] = Counter()
    swapped: list[tuple[str, Execution]] = []
    started, chunk = time.monotonic(), 500
    with Judge(PROLOG, limits, isolation="namespaces") as judge:
        run_chunk(judge, -chunk, chunk, statuses, swapped)
        statuses.clear()
        before = held()
        killer = Killer(every_s=5.0, seed=0)
        killer.start()
        for first in range(0, total, chunk):
            run_chunk(judge, first, chunk, statuses, swapped)
            print(f"{first + chunk}/{total}  {held()}", flush=True)
        killer.stop.set()
        killer.join()
        run_chunk(judge, -chunk, chunk, Counter(), swapped)  # whoever was killed last is back
        after = held()
    print(f"\n{statuses.total()} programs in {time.monotonic() - started:.0f} s, {killer.killed} workers killed")
    print(f"statuses {dict(statuses.most_common())}; swapped or wrong {len(swapped)}")
    print("| | before | after |\n|---|---|---|")
    print("\n".join(f"| {name} | {value:g} | {after[name]:g} |" for name, value in before.items()))
    print(f"left when the judge is closed: {held()}")
    return not swapped and statuses.total() == total and all(after[k] <= before[k] for k in before if k != "megabytes")


def run_chunk(judge: Judge, first: int, count: int, statuses: Counter[str], wrong: list[tuple[str, Execution]]) -> None:
    """Programs whose answers tell them apart; every tenth is hostile."""
    programs = [
        f"% {n}\n{HOSTILE[n // 10 % len(HOSTILE)]}" if n % 10 == 0 else f"solve(X) :- X is {n} * 7."
        for n in range(first, first + count)
    ]
    executions = judge.execute(programs, [Test()] * count)
    statuses.update(execution.status.value for execution in executions)
    for n, program, execution in zip(range(first, first + count), programs, executions, strict=True):
        if n % 10 and execution.answer != str(n * 7) and execution.status is not Status.INFRA_ERROR:
            wrong.append((program, execution))


if __name__ == "__main__":
    what, *rest = sys.argv[1:] or ["determinism"]
    passed = determinism() if what == "determinism" else endurance(int(rest[0]) if rest else 20_000)
    sys.exit(0 if passed else 1)
