"""The worker from outside: real processes, really killed. Hostile programs run only after the fixture `isolated`."""

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
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from lowres_code.errors import JudgeError, UsageError
from lowres_code.judge import Judge
from lowres_code.language.base import LIMIT_BOUNDS, Execution, Limits, Status
from lowres_code.plugins.manager import plugin_manager
from lowres_code.problem import Test
from lowres_code.sandbox.client import WorkerClient
from lowres_code.sandbox.isolation import availability
from lowres_code.sandbox.packages import python_folders
from lowres_code.sandbox.pool import Pool

from tests.benchmarks.judging import Killer, corpus, held, outcomes, run_chunk
from tests.conftest import PROLOG
from tests.core.sandbox.snake import Snake


class Holding(Snake):
    """Holds something."""

    def __init__(self, thing: object) -> None:
        self.thing = thing


def local_language() -> Snake:
    class Local(Snake):
        pass

    return Local()


RIGHT = "solve(X) :- X is 6 * 7."


@pytest.fixture
def client() -> Iterator[WorkerClient]:
    client = WorkerClient(PROLOG, "namespaces")
    yield client
    client.release()


def run(
    client: WorkerClient,
    program: str,
    limits: Limits | None = None,
    stdin: str = "",
    expected: str | None = None,
) -> Execution:
    return client.ask("execute", program, Test(expected, stdin), limits or Limits())


def worker_processes(client: WorkerClient) -> list[psutil.Process]:
    process = client._process
    return [] if process is None else psutil.Process(process.pid).children(recursive=True)


def test_a_right_program(client: WorkerClient) -> None:
    execution = run(client, RIGHT)
    assert (execution.status, execution.answer, execution.isolation) == (Status.OK, "42", "namespaces")
    assert execution.cpu_s > 0
    assert execution.wall_s > 0
    assert execution.peak_mb > 1


def test_standard_input_and_output(client: WorkerClient) -> None:
    program = "solve(X) :- read(X), write(user_error, careful), print(X), nl."
    execution = run(client, program, stdin="hello(world).")
    assert (execution.answer, execution.stdout, execution.stderr) == ("hello(world)", "hello(world)\n", "careful")


def test_wall_time_is_the_backstop_for_programs_that_sleep(client: WorkerClient) -> None:
    execution = run(client, "solve(X) :- sleep(30), X = 1.", Limits(wall_s=0.5))
    assert execution.status is Status.TIMEOUT
    assert execution.wall_s < 5


def test_cpu_time_ends_what_makes_no_inferences(client: WorkerClient) -> None:
    program = "solve(X) :- numlist(1, 300000, L), repeat, msort(L, _), fail."
    execution = run(client, program, Limits(cpu_s=1, inferences=10**12))
    assert execution.status is Status.TIMEOUT
    assert execution.cpu_s == pytest.approx(1, abs=0.5)


def test_too_much_output_is_cut_and_told(client: WorkerClient) -> None:
    execution = run(client, "solve(1) :- repeat, write(spam), fail.", Limits(output_kb=10))
    assert execution.status is Status.OUTPUT_LIMIT
    assert len(execution.stdout) == 10 * 1024


def test_nothing_stays_for_the_next_program(client: WorkerClient) -> None:
    first = ":- dynamic(kept/1).\n:- assertz(kept(1)), nb_setval(kept, 1), tell('kept.txt'), write(1), told.\nsolve(1)."
    assert run(client, first).status is Status.OK
    for probe in ("catch(kept(X), _, fail)", "catch(nb_getval(kept, X), _, fail)", "exists_file('kept.txt'), X = 1"):
        assert run(client, f"solve(X) :- {probe}.").status is Status.NO_ANSWER


def test_deep_folders_and_forbidden_ones_are_removed(client: WorkerClient) -> None:
    deep = "solve(1) :- between(1, 3000, _), make_directory(d), working_directory(_, d), fail ; true."
    run(client, f"{deep}\nsolve(1).")
    shut = "solve(1) :- make_directory(a), make_directory('a/b'), shell('touch a/b/c; chmod 0 a/b a').\n"
    assert run(client, shut).answer == "1"
    assert run(client, "solve(X) :- directory_files('.', Fs), length(Fs, X).").answer == "3"  # ., .. and itself


def test_a_program_that_finds_the_judges_notes_spoils_only_its_own_verdict(client: WorkerClient) -> None:
    found = ":- current_module(M), atom_concat(lowres_judge_, _, M), assertz(M:noted(error, x, y, z)).\n"
    assert run(client, found + "solve(1).").status in (Status.RUNTIME_ERROR, Status.OK)


@pytest.mark.parametrize("folder", ["/tmp", "/dev/shm", "/dev", "/", "/usr", "/scratch/..", "/proc"])
def test_nothing_can_be_written_outside_the_scratch_directory(folder: str, client: WorkerClient) -> None:
    program = f"solve(1) :- open('{folder}/kept.txt', write, S), write(S, kept), close(S)."
    assert run(client, program).status is Status.RUNTIME_ERROR


def test_what_is_written_beside_the_programs_own_directory_is_gone_too(client: WorkerClient) -> None:
    assert run(client, "solve(1) :- open('/scratch/kept.txt', write, S), write(S, 1), close(S).").status is Status.OK
    assert run(client, "solve(1) :- exists_file('/scratch/kept.txt').").status is Status.NO_ANSWER


def test_the_expected_answer_never_reaches_the_sandbox(client: WorkerClient) -> None:
    client.start()
    process = client._process
    assert process is not None
    assert process.stdin is not None
    sent: list[bytes] = []
    write = process.stdin.write

    def keep(data: bytes) -> int:
        sent.append(data)
        return write(data)

    process.stdin.write = keep  # type: ignore[method-assign,assignment]
    assert run(client, RIGHT, expected="4217").answer == "42"
    assert sent
    assert b"4217" not in b"".join(sent)


def test_the_workers_own_channels_are_closed_to_programs(client: WorkerClient) -> None:
    program = (
        "writable(F) :- catch((open(F, append, S), close(S)), _, fail).\n"
        "solve(X) :- findall(F, (between(0, 9, N), format(atom(F), '/proc/2/fd/~w', [N]), writable(F)), Fs),\n"
        "    ( writable('/proc/2/mem') -> X = [mem|Fs] ; X = Fs )."
    )
    assert run(client, program).answer == "[]"


@pytest.mark.parametrize("name", LIMIT_BOUNDS)
def test_each_limit_works_at_its_maximum(name: str, client: WorkerClient) -> None:
    most: Any = LIMIT_BOUNDS[name][1]
    execution = run(client, RIGHT, dataclasses.replace(Limits(), **{name: most}))
    assert execution.answer == "42", execution


@pytest.mark.parametrize("isolation", ["namespaces", "limits"])
def test_all_limits_work_at_their_maxima_in_a_fresh_process_too(isolation: str) -> None:
    maxima: dict[str, Any] = {name: most for name, (_, most) in LIMIT_BOUNDS.items()}
    limits = dataclasses.replace(Limits(), **maxima)
    for name, program in (("python", "print(42)"), ("prolog", RIGHT)):
        with Judge(plugin_manager().languages[name].thing, limits, isolation, workers=1) as judge:
            execution = judge.execute([program], [Test()])[0]
        assert (execution.answer or "").strip() == "42", execution


@pytest.mark.parametrize(
    ("program", "status", "exit_code"),
    [
        (RIGHT, Status.OK, None),  # from within the interpreter
        ("solve(X) :- X is foo.", Status.RUNTIME_ERROR, None),
        (":- halt(3).", Status.RUNTIME_ERROR, 3),
        (":- halt.", Status.NO_ANSWER, 0),
        ("solve(X) :- sleep(30), X = 1.", Status.TIMEOUT, None),
    ],
)
def test_the_exit_code_is_that_of_a_program_that_ended_by_itself(
    program: str, status: Status, exit_code: int | None, client: WorkerClient
) -> None:
    execution = run(client, program, Limits(wall_s=1))
    assert (execution.status, execution.exit_code) == (status, exit_code)


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


def test_a_pool_that_is_closed_while_it_works_ends_at_once() -> None:
    pool = Pool(PROLOG, "namespaces", 1)
    pool.start()
    results: list[Execution] = []
    jobs = [("solve(X) :- sleep(50), X = 1.", Test())]
    asking = threading.Thread(target=lambda: results.extend(pool.run(jobs, Limits())))
    asking.start()
    time.sleep(0.5)
    closing = threading.Thread(target=pool.close, daemon=True)
    closing.start()
    closing.join(timeout=20)
    asking.join(timeout=20)
    assert not closing.is_alive()
    assert not asking.is_alive()
    assert [execution.status for execution in results] == [Status.INFRA_ERROR]


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
    inner, started = client._send, []

    def kill_the_first(data: bytes) -> None:
        started.append(data)
        if len(started) == 1:
            assert client._process is not None
            begun = worker_processes(client)  # in a session of its own, if bubblewrap has come so far
            os.killpg(client._process.pid, signal.SIGKILL)  # as long as it has none, it is of this group
            for process in begun:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            client._process.wait()
        inner(data)

    monkeypatch.setattr(client, "_send", kill_the_first)
    assert run(client, RIGHT).answer == "42"
    assert len(started) == 3  # a configuration to each worker, and the request


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
    while any(psutil.pid_exists(pid) for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in workers if psutil.pid_exists(pid)]


def test_the_pool_keeps_order_and_runs_equal_programs_once() -> None:
    programs = [f"solve(X) :- X is {n} * 2." for n in range(40)] + ["solve(X) :- random(X)."] * 3
    with Pool(PROLOG, "namespaces", 2) as pool:
        executions = pool.run([(program, Test()) for program in programs], Limits())
    assert [execution.answer for execution in executions[:40]] == [str(n * 2) for n in range(40)]
    assert len({execution.answer for execution in executions[40:]}) == 1


def test_a_pool_keeps_no_more_warm_workers_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lowres_code.sandbox.pool.MOST_WARM_UPS", 2)
    before = set(psutil.Process().children())
    programs = [f":- use_module(library({name})).\nsolve(1)." for name in ("clpq", "clpfd", "clpb", "clpq")]
    with Pool(PROLOG, "namespaces", 1) as pool:
        for program in programs:
            assert pool.run([(program, Test())], Limits())[0].answer == "1"
            assert len(set(psutil.Process().children()) - before) <= 2


def test_a_long_run_leaks_nothing() -> None:
    me = psutil.Process()
    others = set(me.children(recursive=True))
    with Pool(PROLOG, "namespaces", 2) as pool:
        mixed = [RIGHT, "solve(X) :- X is foo.", "solve(", ":- halt.", "solve(X) :- sleep(9), X = 1."]
        limits = Limits(wall_s=0.2)

        def batch(offset: int) -> None:
            jobs = [(f"{mixed[n % len(mixed)]} % {offset}-{n}", Test()) for n in range(50)]
            statuses = [execution.status for execution in pool.run(jobs, limits)]
            assert Status.INFRA_ERROR not in statuses

        batch(0)
        before = (me.num_fds(), len(me.children(recursive=True)), me.num_threads())
        for number in range(1, 4):
            batch(number)
        assert (me.num_fds(), len(me.children(recursive=True)), me.num_threads()) == before
    assert set(me.children(recursive=True)) == others


@pytest.mark.usefixtures("isolated")
def test_every_program_has_its_own_verdict_while_workers_are_killed() -> None:
    limits = Limits(inferences=1_000_000, cpu_s=1, memory_mb=128, output_kb=64, wall_s=5)
    statuses: Counter[str] = Counter()
    wrong: list[tuple[str, Execution]] = []
    with Judge(PROLOG, limits, isolation="namespaces") as judge:
        run_chunk(judge, -50, 50, Counter(), wrong)
        before, killer = held(), Killer(every_s=0.5, seed=0)
        killer.start()
        run_chunk(judge, 0, 400, statuses, wrong)
        killer.stop.set()
        killer.join()
        run_chunk(judge, -50, 50, Counter(), wrong)  # whoever was killed last is back
        after = held()
    assert (statuses.total(), wrong) == (400, [])
    assert 0 <= statuses["infra_error"] <= killer.killed / 2  # those that were killed twice
    assert killer.killed > 0
    assert [name for name in before if name != "megabytes" and after[name] > before[name]] == []


@pytest.mark.usefixtures("isolated")
def test_verdicts_are_the_same_on_a_busy_machine() -> None:
    programs = corpus()[::10]
    assert len(programs) == 50
    idle = outcomes(programs)
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as burner:
        loaded = outcomes(programs)
        burner.kill()
    assert loaded == idle


@pytest.mark.usefixtures("isolated")
def test_names_of_the_judges_own_making_are_not_to_be_guessed(client: WorkerClient) -> None:
    """A folder of the name that emptying once moved things to, with a file in it, ended the worker."""
    run(client, RIGHT)
    worker = worker_processes(client)
    program = (
        "solve(1) :- forall(between(1, 9, N), (format(atom(D), '../.moved-~d', [N]), make_directory(D), "
        "atom_concat(D, '/f', F), open(F, write, S), close(S)))."
    )
    assert run(client, program).answer == "1"
    assert run(client, RIGHT).answer == "42"
    assert worker_processes(client) == worker


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


def test_what_a_program_says_of_itself_is_bounded(client: WorkerClient) -> None:
    """Messages of millions of characters, and thousands of them, would fill the memory of the process that judges."""
    program = (
        ":- multifile user:message_hook/3.\nuser:message_hook(_, _, _).\n"
        "solve(1) :- format(atom(A), '~*c', [1000000, 0'a]), "
        "forall(between(1, {n}, _), print_message(error, format(A, [])))."
    )
    for number in (1, 60):
        execution = run(client, program.replace("{n}", str(number)))
        assert execution.answer == "1"
        assert sum(len(note.message) for note in execution.diagnostics) <= 50 * 4000


def test_a_copy_that_a_program_has_forked_of_itself_is_no_failure_of_the_judge(client: WorkerClient) -> None:
    forking = ":- use_module(library(unix)).\nsolve(X) :- fork(P), ( P == child -> X = copy ; sleep(0.5), {} )."
    assert run(client, forking.format("X = first")).answer == "first"
    assert run(client, forking.format("halt")).status in (Status.OK, Status.NO_ANSWER)


def test_a_program_that_is_too_long_is_its_own_failure(client: WorkerClient) -> None:
    assert run(client, "% " + "x" * 2**25 + "\nsolve(1).").status is Status.MEMORY_LIMIT
