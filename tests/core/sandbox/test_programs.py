"""What a program in a worker gets, what ends it, and what it cannot do."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
from lowres_code.language.base import LIMIT_BOUNDS, Limits, Status
from lowres_code.sandbox.client import WorkerClient

from tests.conftest import PROLOG
from tests.core.sandbox.conftest import RIGHT, run, worker_processes


@pytest.fixture(scope="module")
def client() -> Iterator[WorkerClient]:
    """One worker for all: no program leaves anything to the next one."""
    client = WorkerClient(PROLOG, "namespaces")
    yield client
    client.release()


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


def test_what_a_program_says_of_itself_is_bounded(client: WorkerClient) -> None:
    """Messages of millions of characters, and thousands of them, would fill the memory of the process that judges."""
    program = (
        ":- multifile user:message_hook/3.\nuser:message_hook(_, _, _).\n"
        "solve(1) :- format(atom(A), '~*c', [{size}, 0'a]), "
        "forall(between(1, {n}, _), print_message(error, format(A, [])))."
    )
    for number, size in ((1, 1_000_000), (60, 100_000)):
        execution = run(client, program.replace("{n}", str(number)).replace("{size}", str(size)))
        assert execution.answer == "1"
        assert sum(len(note.message) for note in execution.diagnostics) <= 50 * 4000


def test_a_copy_that_a_program_has_forked_of_itself_is_no_failure_of_the_judge(client: WorkerClient) -> None:
    forking = ":- use_module(library(unix)).\nsolve(X) :- fork(P), ( P == child -> X = copy ; sleep(0.5), {} )."
    assert run(client, forking.format("X = first")).answer == "first"
    assert run(client, forking.format("halt")).status in (Status.OK, Status.NO_ANSWER)


def test_a_program_that_is_too_long_is_its_own_failure(client: WorkerClient) -> None:
    assert run(client, "% " + "x" * 2**25 + "\nsolve(1).").status is Status.MEMORY_LIMIT


def test_programs_are_what_the_kernel_ends_first_where_memory_runs_out(client: WorkerClient) -> None:
    program = (
        'solve(X) :- open(\'/proc/self/oom_score_adj\', read, S), read_string(S, "\\n", "", _, T), number_string(X, T).'
    )
    assert run(client, program).answer == "1000"
