"""Programs run over the nodes of a cluster that come and go; the nodes are of this process, and Ray is not needed."""

from __future__ import annotations

import concurrent.futures
import json
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from lowres_code import Judge, Limits, Test
from lowres_code.errors import JudgeError, UsageError
from lowres_code.language.base import Status
from lowres_code.remote import ray_cluster, ray_pool
from lowres_code.remote.ray_cluster import Node, NodeLostError, check_address
from lowres_code.remote.ray_node import NodeJudge
from lowres_code.sandbox.runner import Runner, outcome

from tests.core.scoring.test_score import ROWS, VERDICTS, write
from tests.core.serve.test_remote import ODD, TESTS, told

Invoke = Callable[..., Result]


class Here:
    """A cluster whose nodes are objects of this process.

    Attributes:
        alive: the nodes that there are.
        loses: nodes whose judge is lost when it is asked to run something with this text in it.
        times: how often that happens at most.
        started: how many judges each node has had.
    """

    def __init__(self) -> None:
        self.alive = [Node("a", "host (a)", 1), Node("b", "host (b)", 2)]
        self.loses: dict[str, str] = {}
        self.started: Counter[str] = Counter()
        self.times = 99

    def nodes(self) -> list[Node]:
        return [*self.alive]

    def judge_at(self, node: Node, size: int, goes_on: Callable[[], bool]) -> JudgeHere:
        self.started[node.id] += 1
        return JudgeHere(self, node, NodeJudge(size), goes_on)

    def close(self) -> None:
        self.alive = []


class JudgeHere:
    def __init__(self, cluster: Here, node: Node, judge: NodeJudge, goes_on: Callable[[], bool]) -> None:
        self.cluster, self.node, self.judge, self.goes_on = cluster, node, judge, goes_on

    def ask(self, method: str, *given: Any, within_s: float = 0.0) -> Any:
        while method == "start" and self.node.name == "busy" and self.goes_on():
            threading.Event().wait(0.05)
        answer = getattr(self.judge, method)(*given)
        if self.node not in self.cluster.alive or self.is_lost(given):
            raise NodeLostError(f"node {self.node.name}: gone")
        return answer

    def is_lost(self, given: tuple[Any, ...]) -> bool:
        text = self.cluster.loses.get(self.node.id)
        lost = text is not None and text in str(given) and self.cluster.times > 0
        self.cluster.times -= lost
        return lost

    def end(self, gently: bool) -> None:
        self.judge.close()


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Here:
    here = Here()
    monkeypatch.setattr(ray_pool, "Cluster", lambda address: here)
    monkeypatch.setattr(ray_pool, "_LOOK_S", 0.1)
    return here


@pytest.fixture
def there(cluster: Here) -> Iterator[Judge]:
    with Judge("prolog", Limits(inferences=1_000_000, cpu_s=2, memory_mb=128), ray="auto") as judge:
        yield judge


def multiplied(runner: Runner, limits: Limits, count: int, at: int, do: Callable[[], object]) -> dict[int, str | None]:
    """The answers of so many programs; something is done when so many of them are there."""
    groups = ((n, [(f"solve(X) :- X is {n} * 3.", Test())]) for n in range(count))
    answers: dict[int, str | None] = {}
    for number, (execution,) in runner.stream(groups, limits, ahead=10):  # else all may be run when so many are read
        answers[number] = execution.answer
        if len(answers) == at:
            do()
    return answers


def test_executions_are_the_same_as_on_this_machine(there: Judge) -> None:
    with Judge("prolog", there.limits) as here:
        assert list(map(told, there.execute(ODD, TESTS))) == list(map(told, here.execute(ODD, TESTS)))
        assert list(map(told, there.check_syntax(ODD))) == list(map(told, here.check_syntax(ODD)))
    assert (there.runner.size, there.isolation) == (3, "namespaces")


def test_what_a_lost_node_had_another_runs(cluster: Here, there: Judge) -> None:
    answers = multiplied(there.runner, there.limits, 100, 20, lambda: cluster.alive.pop(0))
    assert answers == {n: str(n * 3) for n in range(100)}
    until = time.monotonic() + 60
    while there.runner.size > 2 and time.monotonic() < until:  # it is seen to be lost when it has something to run
        there.execute([f"solve({n})." for n in range(20)], [Test()] * 20)
    assert there.runner.size == 2


def test_a_node_that_joins_is_used(cluster: Here, there: Judge) -> None:
    def replace() -> None:
        cluster.alive = [Node("c", "host (c)", 1)]

    assert multiplied(there.runner, there.limits, 100, 20, replace) == {n: str(n * 3) for n in range(100)}
    assert (there.runner.size, cluster.started["c"]) == (1, 1)


def test_a_judge_that_has_died_is_replaced_where_it_was(cluster: Here, there: Judge) -> None:
    cluster.loses, cluster.times = {"a": "is 40 * 3", "b": "is 40 * 3"}, 1
    assert multiplied(there.runner, there.limits, 60, 99, list) == {n: str(n * 3) for n in range(60)}
    until = time.monotonic() + 60
    while cluster.started.total() < 3 and time.monotonic() < until:  # it had two
        threading.Event().wait(0.05)
    assert cluster.started.total() == 3


def test_a_program_that_takes_judges_down_is_given_up_and_costs_no_other_its_verdict(
    cluster: Here, there: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_pool, "_LONGEST_PAUSE_S", 0.1)
    cluster.loses = {"a": "poison", "b": "poison"}
    poison, good = "solve(1). % poison", [f"solve(X) :- X is {n} * 3." for n in range(20)]
    first = there.execute([poison], [Test()])[0]
    assert first.status is Status.INFRA_ERROR
    assert "lost 3 times: node host (" in first.diagnostics[0].message
    assert [execution.answer for execution in there.execute(good, [Test()] * 20)] == [str(n * 3) for n in range(20)]


def test_when_no_node_is_left_it_is_the_judges_failure_and_nothing_is_lost(
    cluster: Here, there: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_pool, "PATIENCE_S", 0.5)
    programs = [f"solve(X) :- X is {n} * 3." for n in range(80)]
    cluster.loses = {"a": "is 60 * 3", "b": "is 60 * 3"}
    threading.Timer(0.2, cluster.alive.clear).start()
    executions = there.execute(programs, [Test()] * 80)
    assert {execution.status for execution in executions} <= {Status.OK, Status.INFRA_ERROR}
    assert all(e.answer == str(n * 3) for n, e in enumerate(executions) if e.status is Status.OK)
    assert executions[60].status is Status.INFRA_ERROR
    message = executions[60].diagnostics[0].message
    assert message.startswith(("no node of the Ray cluster is left", "lost 3 times: "))


def test_a_node_without_the_tools_is_named(cluster: Here, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('name = "mine"\nsuffix = ".x"\nrun = "no-such-tool {file}"\ninstall = "get it"\n')
    with pytest.raises(JudgeError, match=r"node host \(a\): .*no-such-tool, which is not installed: get it"):
        Judge(str(file), ray="auto")


def test_a_node_whose_cores_are_taken_is_not_waited_for_long(cluster: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_pool, "_REST_S", 0.3)
    cluster.alive[1] = Node("b", "busy", 2)
    with Judge("prolog", ray="auto") as judge:
        assert judge.runner.size == 1
        assert judge.check("solve(1).", answer=1).correct
    monkeypatch.setattr(ray_pool, "_FIRST_S", 0.3)
    cluster.alive = [Node("b", "busy", 2)]
    with pytest.raises(JudgeError, match=r"no node of the Ray cluster has free cores \(busy\): take fewer"):
        Judge("prolog", ray="auto")


def test_signals_that_ray_blocks_are_not_blocked_for_programs(cluster: Here) -> None:
    blocked = 'for line in io.lines("/proc/self/status") do if line:find("^SigBlk") then print(line) end end'
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        with Judge("lua", ray="auto", workers=1) as judge:
            (execution,) = judge.execute([blocked], [Test()])
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    assert execution.stdout.split() == ["SigBlk:", "0" * 16]


def test_workers_are_counted_at_each_node(cluster: Here) -> None:
    with Judge("prolog", ray="auto", workers=1) as judge:
        assert judge.runner.size == 2


def test_who_is_told_of_an_answer_may_close_the_judge(cluster: Here) -> None:
    judge = Judge("prolog", ray="auto")
    told_first = judge.runner.submit(("solve(1).", Test()), judge.limits)
    told_first.add_done_callback(lambda _: judge.close())
    futures = [judge.runner.submit((f"solve(1) :- sleep(2). % {n}", Test()), judge.limits) for n in range(40)]
    assert not concurrent.futures.wait([told_first, *futures], 60).not_done


def test_where_no_thread_is_to_be_had_it_is_tried_again(cluster: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    start, refused = threading.Thread.start, list[threading.Thread]()

    def started(thread: threading.Thread) -> None:
        if thread.name == "ray judge" and len(refused) < 3:
            refused.append(thread)
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", started)
    monkeypatch.setattr(ray_pool, "_FIRST_S", 20.0)
    with Judge("prolog", ray="auto") as judge:
        assert judge.runner.submit(("solve(1).", Test()), judge.limits).result(60).answer == "1"
    assert len(refused) == 3


def test_a_closed_judge_gives_up_what_is_on_its_way(there: Judge) -> None:
    futures = [there.runner.submit((f"solve(1) :- sleep(2). % {n}", Test()), there.limits) for n in range(60)]
    threading.Timer(0.3, there.close).start()
    assert [outcome(future).status for future in futures][-1] is Status.INFRA_ERROR
    with pytest.raises(UsageError, match="this judge is closed"):
        there.check("solve(1).", answer=1)


def test_only_one_can_run_the_programs() -> None:
    with pytest.raises(UsageError, match=r"at served judges \(http://x\) or over Ray \(auto\), not both"):
        Judge("prolog", servers="http://x", ray="auto")


def test_the_command_says_what_is_wrong_before_it_begins(
    tmp_path: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / "rows.jsonl", ROWS)
    taken = invoke("score", "--lang", "prolog", "--ray", file)
    assert (taken.exit_code, taken.stdout) == (2, "")
    assert "is not the address of a Ray cluster" in taken.stderr
    assert "FILE comes before --ray" in taken.stderr
    monkeypatch.setenv("LOWRES_CODE_JUDGE", "http://127.0.0.1:1")
    both = invoke("score", file, "--lang", "prolog", "--ray", "auto")
    assert (both.exit_code, both.stdout) == (2, "")
    assert "--ray with --judge http://127.0.0.1:1 (or LOWRES_CODE_JUDGE, or limits.judge)" in both.stderr


def test_the_command_scores_over_the_nodes(cluster: Here, tmp_path: Path, invoke: Invoke) -> None:
    done = invoke("score", write(tmp_path / "rows.jsonl", ROWS), "--lang", "prolog", "--json", "--ray", "auto")
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"n": 8, "verdicts": VERDICTS})
    assert cluster.started == {"a": 1, "b": 1}


@pytest.mark.parametrize("address", ["local", "auto", "10.0.0.1:6379", "ray://head.example:10001", "[::1]:6379"])
def test_addresses(address: str) -> None:
    assert check_address(address) == address


@pytest.mark.parametrize("address", ["rows.jsonl", "", "10.0.0.1", "http://10.0.0.1:80", "ray://", "a:b"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="is not the address of a Ray cluster: must be 'local'"):
        check_address(address)


def test_without_ray_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_cluster, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"needs a package: pip install 'lowres-code\[ray\]'"):
        Judge("prolog", ray="local")
