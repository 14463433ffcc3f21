"""Workers from outside: how they start, what is sent to them, how they end and are replaced. Really killed."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from lowres_code.errors import JudgeError, UsageError
from lowres_code.judge import Judge
from lowres_code.language.base import LIMIT_BOUNDS, Limits, Status
from lowres_code.plugins.manager import plugin_manager
from lowres_code.problem import Test
from lowres_code.sandbox.client import WorkerClient
from lowres_code.sandbox.isolation import availability
from lowres_code.sandbox.packages import python_folders
from lowres_code.sandbox.process import WorkerProcess
from lowres_code.sandbox.question import Question

from tests.conftest import PROLOG
from tests.core.sandbox.conftest import RIGHT, run, worker_processes
from tests.core.sandbox.snake import Snake, Threading


class Holding(Snake):
    """Holds something."""

    def __init__(self, thing: object) -> None:
        self.thing = thing


def local_language() -> Snake:
    class Local(Snake):
        pass

    return Local()


def test_the_expected_answer_never_reaches_the_sandbox(client: WorkerClient) -> None:
    client.start()
    sent: list[bytes] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client._process, "send", sent.append)
        client.send(Question(PROLOG, "namespaces", "execute", (RIGHT, Test("4217")), Limits()))
    assert sent
    assert RIGHT.encode() in sent[0]
    assert b"4217" not in sent[0]


@pytest.mark.parametrize("isolation", ["namespaces", "limits"])
def test_all_limits_work_at_their_maxima_in_a_fresh_process_too(isolation: str) -> None:
    maxima: dict[str, Any] = {name: most for name, (_, most) in LIMIT_BOUNDS.items()}
    limits = dataclasses.replace(Limits(), **maxima)
    for name, program in (("python", "print(42)"), ("prolog", RIGHT)):
        with Judge(plugin_manager().languages[name].thing, limits, isolation, workers=1) as judge:
            execution = judge.execute([program], [Test()])[0]
        assert (execution.answer or "").strip() == "42", execution


def test_limits_that_the_machine_has_already_set_lower_are_kept() -> None:
    script = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (2**19, 2**19))\n"
        "resource.setrlimit(resource.RLIMIT_CPU, (8, 8))\n"
        "from lowres_code import Judge, Test, plugin_manager\n"
        "with Judge(plugin_manager().languages['prolog'].thing, workers=1) as judge:\n"
        "    print(judge.execute(['solve(1).'], [Test()])[0].status.value)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "ok\n"


def test_the_environment_holds_nothing_of_the_users(client: WorkerClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "hunter2")
    assert run(client, "solve(X) :- getenv('SECRET_TOKEN', X).").status is Status.NO_ANSWER
    assert run(client, "solve(X) :- getenv('HOME', X).").answer == "/scratch/program"


@pytest.mark.usefixtures("isolated")
def test_processes_that_a_program_leaves_behind_are_ended(client: WorkerClient) -> None:
    run(client, RIGHT)
    before = len(worker_processes(client))
    create = "process_create('/bin/sleep', ['300'], [detached(true), process(_)])"
    program = f":- use_module(library(process)).\nsolve(1) :- {create}."
    assert run(client, program).status in (Status.OK, Status.RUNTIME_ERROR)
    assert run(client, RIGHT).answer == "42"
    assert len(worker_processes(client)) <= before


def test_a_worker_that_was_killed_is_replaced(client: WorkerClient) -> None:
    run(client, RIGHT)
    for process in worker_processes(client):
        with contextlib.suppress(psutil.NoSuchProcess):  # it may have ended with the one before
            process.kill()
    assert run(client, RIGHT).answer == "42"


def test_a_worker_killed_while_it_runs_a_program_is_replaced_and_the_program_run_again(client: WorkerClient) -> None:
    run(client, RIGHT)
    process = client._process
    assert process is not None
    killer = subprocess.Popen(["sh", "-c", f"sleep 0.5; kill -9 {process.pid}"])
    execution = run(client, "solve(X) :- sleep(1), X = 42.")
    killer.wait()
    assert execution.answer == "42"


def test_a_worker_killed_while_it_starts_is_replaced(client: WorkerClient, monkeypatch: pytest.MonkeyPatch) -> None:
    inner, told = WorkerProcess.send, []

    def kill_the_first(process: WorkerProcess, data: bytes) -> None:
        told.append(data)
        if len(told) == 1:
            begun = psutil.Process(process.pid).children(recursive=True)
            os.killpg(process.pid, signal.SIGKILL)  # as long as it has none, it is of this group
            for one in begun:
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.kill()
            psutil.Process(process.pid).wait()
        inner(process, data)

    monkeypatch.setattr(WorkerProcess, "send", kill_the_first)
    assert run(client, RIGHT).answer == "42"
    assert len(told) == 4  # to each worker its configuration and the request


def test_a_worker_that_dies_twice_is_an_infrastructure_error(
    client: WorkerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(client, RIGHT)
    monkeypatch.setattr("lowres_code.sandbox.client._GRACE_S", -1.0)  # no time to answer at all
    execution = run(client, "solve(X) :- sleep(1), X = 42.", Limits(wall_s=0.5))
    assert execution.status is Status.INFRA_ERROR
    assert "no answer within" in execution.diagnostics[0].message
    monkeypatch.undo()
    assert run(client, RIGHT).answer == "42"


def test_a_machine_that_has_no_space_for_a_worker_is_the_judges_failure(
    tmp_path: Path, client: WorkerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(JudgeError, match="cannot be started"):
        client.start()
    execution = run(client, RIGHT)
    assert execution.status is Status.INFRA_ERROR
    monkeypatch.undo()
    assert run(client, RIGHT).answer == "42"


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (Holding(threading.Lock()), "its attribute 'thing' cannot be pickled; what cannot, make in load()"),
        (Holding(lambda: 42), "its attribute 'thing' cannot be pickled"),
        (local_language(), "its class 'local_language.<locals>.Local' cannot be imported from 'tests.core.sandbox."),
    ],
    ids=["lock", "lambda", "class"],
)
def test_a_language_that_cannot_be_sent_to_a_worker_is_told_why(language: Snake, said: str) -> None:
    with Judge(language, isolation="namespaces", workers=1) as judge:
        for ask in (judge.start, lambda: judge.execute(["answer = 42"], [Test()])):
            with pytest.raises(UsageError) as told:
                ask()
            assert f"language 'snake' cannot be sent to a worker: {said}" in str(told.value)


def test_a_language_that_leaves_threads_running_is_refused() -> None:
    said = r"'snake' does not start .*load\(\) has left threads of Python .*: mine"
    with Judge(Threading(), isolation="namespaces", workers=1) as judge:
        for _ in range(2):
            with pytest.raises(JudgeError, match=said):
                judge.start()


def test_workers_end_with_the_process_that_owns_them() -> None:
    """Also when it is killed with SIGKILL and can do nothing about it."""
    script = (
        "from lowres_code import Judge, plugin_manager; import os, signal\n"
        "judge = Judge(plugin_manager().languages['prolog'].thing, workers=2); judge.start()\n"
        "judge.check_syntax(['a.', 'b.'])\n"
        "import psutil; print(*[p.pid for p in psutil.Process().children(recursive=True)], flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    workers = [int(pid) for pid in done.stdout.split()]
    assert len(workers) >= 4
    deadline = time.monotonic() + 10
    while any(map(lives, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in workers if lives(pid)]


def lives(pid: int) -> bool:
    """One that has ended may be there for ever, where the first process of a container waits for none."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_the_isolation_limits_must_be_asked_for_and_cleans_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(Path("/tmp").glob(f"lowres-code-{os.getpid()}-*"))
    with Judge(PROLOG, isolation="limits", workers=1) as judge:
        execution = judge.execute([RIGHT], [Test()])[0]
        assert (execution.answer, execution.isolation) == ("42", "limits")
    monkeypatch.setenv("PATH", str(tmp_path))
    availability.cache_clear()
    try:
        found = availability("namespaces")
        assert not found.works
        assert "apt-get install bubblewrap" in found.fix
    finally:
        availability.cache_clear()
    assert not set(Path("/tmp").glob(f"lowres-code-{os.getpid()}-*")) - before


def test_of_a_language_in_a_single_file_only_that_file_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("lone_language.py", "answers.jsonl"):
        (tmp_path / name).touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.import_module("lone_language")
    seen = python_folders("lone_language", ())
    assert tmp_path / "lone_language.py" in seen
    assert not any((tmp_path / "answers.jsonl").is_relative_to(path) for path in seen)
