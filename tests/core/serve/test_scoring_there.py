"""``score --judge`` at servers that die or mean harm: every row is judged once, or the judge's failure is told."""

from __future__ import annotations

import json
import subprocess
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from tests.core.serve.conftest import Serve, free_port
from tests.core.serve.test_hostile_server import Answer, pretending, reply, right
from tests.core.serve.test_serve import until

Jobs = list[dict[str, Any]]
IMPATIENT = "import lowres_code.remote.pool as pool; pool.PATIENCE_S = 1.0"


def scoring(rows: Path, url: str, out: Path, before: str = "") -> subprocess.Popen[str]:
    code = f"{before}\nfrom lowres_code.cli import main\nmain()"
    command = [sys.executable, "-c", code, "score", str(rows), "--lang", "prolog", "--judge", url, "--out", str(out)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def verdicts(out: Path) -> list[tuple[str, str]]:
    """Of all whole lines; the first says what was judged."""
    lines = out.read_text().splitlines(keepends=True) if out.exists() else []
    told = [json.loads(line) for line in lines if line.endswith("\n")]
    return [(one["id"], one["verdict"]) for one in told if "verdict" in one]


def test_a_server_that_is_killed_twice_and_comes_back_costs_no_row_its_verdict(serve: Serve, tmp_path: Path) -> None:
    rows, out, port = tmp_path / "rows.jsonl", tmp_path / "out.jsonl", free_port()
    busy = "wait :- between(1, 20000, _), fail.\nwait.\n"
    asked = [
        {"id": f"r{n}", "program": f"{busy}solve(X) :- wait, X is {n} * 2.", "answer": n * 2 + (n % 3 == 0)}
        for n in range(600)
    ]
    rows.write_text("".join(json.dumps(row) + "\n" for row in asked))
    server = serve(port=port)
    running = scoring(rows, server.url, out)
    for many in (100, 300):
        until(lambda many=many: len(verdicts(out)) >= many or running.poll() is not None)
        server.kill()
        server = serve(port=port)
    _, errors = running.communicate(timeout=120)
    assert running.returncode == 0, errors
    assert verdicts(out) == [(f"r{n}", "correct" if n % 3 else "wrong_answer") for n in range(600)]


def garbage(to: BaseHTTPRequestHandler, jobs: Jobs) -> None:
    reply(to, bytes(range(256)))


def of_others(to: BaseHTTPRequestHandler, jobs: Jobs) -> None:
    reply(to, right([{"n": job["n"] + 1} for job in jobs]))


def twice(to: BaseHTTPRequestHandler, jobs: Jobs) -> None:
    reply(to, right([jobs[0], jobs[0], *jobs[1:]]))


def too_many(to: BaseHTTPRequestHandler, jobs: Jobs) -> None:
    reply(to, right([*jobs, *jobs, {"n": 10**6}]))


def half(to: BaseHTTPRequestHandler, jobs: Jobs) -> None:
    reply(to, right(jobs[: (len(jobs) + 1) // 2])[:-1])


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (garbage, "says what cannot be read"),
        (of_others, "answers what it was not asked"),
        (twice, None),
        (too_many, None),
        (half, None),
    ],
)
def test_no_row_is_judged_twice_or_lost_in_silence(answer: Answer, told: str | None, tmp_path: Path) -> None:
    rows, out = tmp_path / "rows.jsonl", tmp_path / "out.jsonl"
    asked = [{"id": f"r{n}", "program": f"solve(1). % {n}", "answer": 1} for n in range(60)]
    rows.write_text("".join(json.dumps(row) + "\n" for row in asked))
    with pretending(answer) as url:
        running = scoring(rows, url, out, IMPATIENT)
        _, errors = running.communicate(timeout=120)
    found = verdicts(out)
    assert len({*dict(found)}) == len(found)
    assert running.returncode == (3 if told else 0), errors
    if told:
        assert {verdict for _, verdict in found} <= {"infra_error", "correct"}
        assert "the judge failed on" in errors and told in errors
    else:
        assert found == [(f"r{n}", "correct") for n in range(60)]
