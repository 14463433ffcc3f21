"""A served judge under load and under attack: right, in order, in constant memory, and there for everybody else.

``python -m tests.benchmarks.serving [PART...]`` starts servers of its own and prints a line for each part:

- ``many``: 2,000 right programs in as many requests at once, with every core busy.
- ``rows``: 100,000 rows through one stream, in order; memory of server and client by the way.
- ``kill``: a server killed with SIGKILL in the middle of 20,000 rows and started again; each row judged once.
- ``connections``: 10,000 silent connections, and whether others are still served.
- ``stubborn``: 64 programs that ignore SIGTERM and loop, among 1,000; when the others end.
- ``same``: the odd programs of the agreement corpus and the gold programs, through pool, server and single requests.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager

import httpx2
import psutil
from lowres_code import AsyncJudge, Judge, Limits, Test
from lowres_code.language.base import Execution
from lowres_code.remote.wire import NDJSON

from tests.benchmarks.scoring import programs as gold_programs
from tests.core.serve.conftest import Served, free_port, served
from tests.core.serve.test_harm import connect, works
from tests.languages.test_agreement import read_corpus


@contextmanager
def loaded() -> Iterator[None]:
    """Every core is busy with something else."""
    cores = len(os.sched_getaffinity(0))
    burners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(cores)]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def many() -> str:
    async def ask(url: str, count: int) -> Counter[str]:
        limits = httpx2.Limits(max_connections=None)
        async with httpx2.AsyncClient(base_url=url, timeout=600, limits=limits) as client:
            asked = ({"lang": "prolog", "program": f"solve(X) :- X is {n} + 1.", "answer": n + 1} for n in range(count))
            answers = await asyncio.gather(*(client.post("/v1/judge", json=one) for one in asked))
            return Counter(answer.json().get("verdict", answer.text) for answer in answers)

    raise_files(4_000)
    with served() as server, loaded():
        started = time.monotonic()
        counted = asyncio.run(ask(server.url, 2_000))
    return f"2,000 requests at once, cores busy: {dict(counted)} in {time.monotonic() - started:.1f} s"


def rows(count: int = 100_000) -> str:
    async def lines() -> AsyncIterator[bytes]:
        for n in range(count):
            row = {"program": f"solve(X) :- X is {n} * 2.", "answer": n * 2 if n % 100 else 1}
            yield json.dumps(row).encode() + b"\n"

    async def ask(server: Served, process: psutil.Process) -> str:
        seen = wrong = 0
        memory: dict[str, list[float]] = {"early": [0, 0], "all": [0, 0]}
        async with (
            httpx2.AsyncClient(base_url=server.url, timeout=600) as client,
            client.stream(
                "POST", "/v1/judge/stream?lang=prolog", content=lines(), headers={"Content-Type": NDJSON}
            ) as answer,
        ):
            async for line in answer.aiter_lines():
                if not line:
                    continue
                seen += 1
                told = json.loads(line)
                wrong += told["row"] != seen or told["correct"] != bool((seen - 1) % 100)
                if seen % 2_000 == 0:
                    now = [one.memory_info().rss / 2**20 for one in (process, psutil.Process())]
                    for name in ("early", "all") if seen <= count // 10 else ("all",):
                        memory[name] = [*map(max, memory[name], now)]
        return f"{seen:,} answers, {wrong} out of order or wrong; MB of server and client {rounded(memory)}"

    with served() as server:
        started = time.monotonic()
        said = asyncio.run(ask(server, psutil.Process(server.process.pid)))
    return f"{said}; {count / (time.monotonic() - started):.0f} rows a second"


def rounded(memory: dict[str, list[float]]) -> str:
    return "; ".join(f"{name} {', '.join(f'{value:.0f}' for value in values)}" for name, values in memory.items())


def kill(count: int = 20_000) -> str:
    port = free_port()
    with ExitStack() as stack:
        server = stack.enter_context(served(port=port))
        with Judge("prolog", servers=server.url) as judge:
            groups = ((n, [(f"solve(X) :- X is {n} * 3.", Test())]) for n in range(count))
            answers: Counter[str] = Counter()
            keys: Counter[int] = Counter()
            for n, (execution,) in judge.runner.stream(groups, judge.limits):
                keys[n] += 1
                right = execution.answer == str(n * 3)
                answers["right" if right else execution.status.value] += 1
                if keys.total() == count // 2:
                    server.kill()
                    threading.Timer(2.0, lambda: stack.enter_context(served(port=port))).start()
    once = len(keys) == count and set(keys.values()) == {1}
    return f"killed after {count // 2:,} of {count:,}: {dict(answers)}, each once: {once}"


def connections(count: int = 10_000) -> str:
    raise_files(count + 1_000)
    with served() as server, ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(connect(server))
        started = time.monotonic()
        there = [works(server) for _ in range(5)]
        return f"{count:,} silent connections: others served {all(there)}, {time.monotonic() - started:.2f} s for five"


def stubborn() -> str:
    loop = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: pass"

    async def ask(judge: AsyncJudge) -> tuple[Counter[str], float, float]:
        started = time.monotonic()
        ends: dict[bool, float] = {}

        async def one(n: int) -> str:
            bad = n % 15 == 0 and n // 15 < 64
            verdict = (await judge.check(f"{loop}\n# {n}" if bad else f"print({n})", answer=n)).verdict
            ends[bad] = time.monotonic() - started
            return f"{'loop' if bad else 'other'}: {verdict}"

        counted = Counter(await asyncio.gather(*(one(n) for n in range(1_000))))
        return counted, ends[False], ends[True]

    async def run(url: str) -> str:
        async with AsyncJudge(Judge("python", Limits(cpu_s=1, wall_s=2.0), servers=url)) as judge:
            counted, others, loops = await ask(judge)
        ended = f"the last other ended after {others:.0f} s, the last loop after {loops:.0f}"
        return f"64 loops that ignore SIGTERM among 1,000: {dict(counted)}; {ended}"

    with served("python") as server:
        return asyncio.run(run(server.url))


def told(execution: Execution) -> tuple[str, str | None]:
    return execution.status.value, execution.answer


def same() -> str:
    odd = list(read_corpus())
    jobs = [(program.text, Test(query=program.query)) for program in odd]
    gold = gold_programs()
    jobs += [(row["program"], Test()) for row in gold]
    texts, tests = [text for text, _ in jobs], [test for _, test in jobs]
    limits = Limits(inferences=2_000_000, cpu_s=5)

    async def one_by_one(url: str) -> list[tuple[str, str | None]]:
        async with AsyncJudge(Judge("prolog", limits, servers=url)) as judge:
            return [told(one) for one in await asyncio.gather(*(judge.execute(*job) for job in jobs))]

    with served() as server, Judge("prolog", limits) as here, Judge("prolog", limits, servers=server.url) as there:
        pool = [told(one) for one in here.execute(texts, tests)]
        remote = [told(one) for one in there.execute(texts, tests)]
        single = asyncio.run(one_by_one(server.url))
    differ = [n for n in range(len(jobs)) if not pool[n] == remote[n] == single[n]]
    names = [odd[n].name if n < len(odd) else f"gold {n - len(odd)}" for n in differ]
    return f"{len(odd)} odd programs and {len(gold)} gold ones: {len(differ)} differ {names}"


def raise_files(wanted: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))


PARTS = {part.__name__: part for part in (many, rows, kill, connections, stubborn, same)}

if __name__ == "__main__":
    for name in sys.argv[1:] or PARTS:
        print(f"{name}: {PARTS[name]()}", flush=True)
