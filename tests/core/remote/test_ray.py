"""Scoring over a real Ray, of two nodes on this machine: as without it, whatever becomes of a node."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.conftest import ROOT, Cli
from tests.core.scoring.test_score import ROWS, results, write
from tests.core.serve.conftest import free_port
from tests.follow import follow

pytest.importorskip("ray", reason="Ray is not installed: pip install 'lowres-code[ray]'")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("isolated"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),  # Ray's Cluster leaves files open
]

WAIT_S = 600  # this may be a busy machine
SEEN = """
import json, sys
from lowres_code import Judge, Test
program = (
    ":- use_module(library(readutil)).\\n"
    "solve(P-L) :- current_prolog_flag(pid, P), read_file_to_string('/proc/self/limits', L, []). % "
)
with Judge("prolog", ray=sys.argv[1]) as judge:
    found = judge.execute([f"{program}{n}" for n in range(40)], [Test()] * 40)
    print(json.dumps([judge.runner.size, judge.isolation, [execution.answer for execution in found]]))
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 1, "node_name": "head", "include_dashboard": False, "ray_client_server_port": free_port()}
    one = Cluster(initialize_head=True, head_node_args=head)
    try:
        one.add_node(num_cpus=1, node_name="second")
        yield one
    finally:
        one.shutdown()


def mixed(count: int) -> list[dict[str, object]]:
    """Right programs among wrong, broken, failing, endless and missing ones, each other than the rest."""
    odd = [*ROWS, {"program": "solve(X) :- foo(X).", "answer": 1}, {"program": "solve(X) :- solve(X).", "answer": 1}]
    rows = []
    for n in range(count):
        right = {"program": f"solve(X) :- X is {n} * 3.", "answer": n * 3}
        rows.append({**(odd[n // 2 % len(odd)] if n % 2 else right), "id": f"row {n}"})
    return rows


def untimed(out: Path) -> list[dict[str, Any]]:
    return [{name: value for name, value in line.items() if name not in ("cpu_s", "wall_s")} for line in results(out)]


@pytest.mark.parametrize("client", [False, True], ids=["node", "client"])
def test_verdicts_are_the_same_as_without_and_in_order(cluster: Any, cli: Cli, tmp_path: Path, client: bool) -> None:
    file = write(tmp_path / "rows.jsonl", mixed(240))
    port = cluster.head_node._ray_params.ray_client_server_port
    address = f"ray://127.0.0.1:{port}" if client else cluster.address
    limits = ("--set", "limits.inferences=100000")
    here = cli("score", file, "--lang", "prolog", *limits, "--json", "--out", tmp_path / "here.jsonl")
    there = cli(
        "score", file, "--lang", "prolog", *limits, "--json", "--out", tmp_path / "there.jsonl", "--ray", address
    )
    assert (there.returncode, json.loads(there.stdout)) == (0, json.loads(here.stdout)), there.stderr
    assert untimed(tmp_path / "there.jsonl") == untimed(tmp_path / "here.jsonl")
    assert [line["row"] for line in results(tmp_path / "there.jsonl")] == [*range(1, 241)]


def test_programs_are_isolated_at_both_nodes(cluster: Any) -> None:
    done = subprocess.run([sys.executable, "-c", SEEN, cluster.address], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    size, isolation, answers = json.loads(done.stdout)
    assert (size, isolation, len(answers)) == (2, "namespaces", 40)
    for pid, _, limits in (answer.partition("-") for answer in answers):
        assert int(pid) < 100 and "Max processes             16" in limits


def started(file: Path, out: Path, *options: object) -> subprocess.Popen[str]:
    """A scoring that has written some verdicts and goes on."""
    command = [sys.executable, "-m", "lowres_code", "score", file, "--lang", "prolog", "--out", out, "--json", *options]
    process = subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wait_until(lambda: process.poll() is not None or (out.exists() and out.read_bytes().count(b"\n") >= 20))
    assert process.poll() is None, process.communicate()
    return process


def wait_until(true: Callable[[], bool]) -> None:
    until = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < until
        time.sleep(0.05)


def slow_rows(count: int) -> list[dict[str, object]]:
    return [{"program": f"solve(X) :- sleep(0.05), X is {n} * 3.", "answer": n * 3} for n in range(count)]


def test_a_node_that_is_killed_loses_no_row(cluster: Any, tmp_path: Path) -> None:
    third = cluster.add_node(num_cpus=1, node_name="third")
    file, out = write(tmp_path / "rows.jsonl", slow_rows(400)), tmp_path / "out.jsonl"
    process = started(file, out, "--ray", cluster.address)
    cluster.remove_node(third, allow_graceful=False)
    told, _ = process.communicate(timeout=WAIT_S)
    assert process.returncode == 0, told
    lines = results(out)
    assert [(line["row"], line["verdict"]) for line in lines] == [(n + 1, "correct") for n in range(400)]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=lambda how: how.name)
def test_a_scoring_that_is_stopped_leaves_nothing_and_goes_on(cli: Cli, tmp_path: Path, how: signal.Signals) -> None:
    file, out = write(tmp_path / "rows.jsonl", slow_rows(300)), tmp_path / "out.jsonl"
    process = started(file, out, "--ray")
    family = psutil.Process(process.pid).children(recursive=True)
    assert any("raylet" in child.name() for child in family)
    process.send_signal(how)
    process.communicate(timeout=WAIT_S)
    assert process.returncode == (130 if how is signal.SIGINT else -how)
    _, left = psutil.wait_procs(family, timeout=180)  # Ray's own agents take a minute
    assert left == []
    kept = out.read_bytes().rpartition(b"\n")[0]
    again = cli("score", file, "--lang", "prolog", "--out", out, "--json")
    assert json.loads(again.stdout) == {"n": 300, "verdicts": {"correct": 300}}
    assert out.read_bytes().startswith(kept)
    assert [line["row"] for line in results(out)] == [*range(1, 301)]


def test_a_cluster_that_is_not_there_is_said_in_a_line(cli: Cli, tmp_path: Path) -> None:
    file = write(tmp_path / "rows.jsonl", ROWS)
    for address in (f"127.0.0.1:{free_port()}", f"ray://127.0.0.1:{free_port()}"):
        done = cli("score", file, "--lang", "prolog", "--ray", address)
        assert (done.returncode, done.stdout) == (3, "")
        assert f"no Ray cluster answers at '{address}'" in done.stderr.splitlines()[-1]


def test_the_page_does_what_it_says(tmp_path: Path) -> None:
    assert follow(ROOT / "docs" / "cluster.md", tmp_path, str(Path(sys.executable).parent)) == 2


@contextlib.contextmanager
def node_without(command: str, address: str, name: str) -> Iterator[None]:
    """A node that lacks a command."""
    ray = Path(sys.executable).with_name("ray")
    tool = os.path.realpath(str(shutil.which(command)))
    hidden = ["bwrap", "--die-with-parent", "--dev-bind", "/", "/", "--bind", "/dev/null", tool]
    start = [str(ray), "start", f"--address={address}", "--num-cpus=1", f"--node-name={name}", "--block"]
    process = subprocess.Popen([*hidden, *start], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


@pytest.mark.skipif(shutil.which("lua5.4") is None, reason="needs lua5.4")
def test_a_node_without_the_tools_of_the_language_is_named(cluster: Any, cli: Cli, tmp_path: Path) -> None:
    file = write(tmp_path / "rows.jsonl", [{"program": "print(42)", "answer": 42}])
    command = ("score", file, "--lang", "lua", "--json", "--ray", cluster.address)
    with node_without("lua5.4", cluster.address, "bare"):
        wait_until(lambda: "(bare)" in cli(*command).stderr)
        done = cli(*command)
    assert (done.returncode, done.stdout) == (3, "")
    assert re.search(r"node \S+ \(bare\): .*which is not installed", done.stderr.splitlines()[-1])
