"""The Prolog backend, program by program; expected answers worked out by hand."""

from __future__ import annotations

import pytest
from lowres_code.judge import Judge
from lowres_code.language.base import Example, Limits, SelfTest, Status
from lowres_code.problem import Test

from tests.conftest import PROLOG

ANSWERS = [
    ("solve(X) :- X is 7 rdiv 2.", "7r2"),
    ("solve(X) :- X is 7 / 2.", "3.5"),
    ("solve(X) :- X is 2 ** 100.", "1267650600228229401496703205376"),
    ('solve("text").', "text"),
    ("solve('An atom').", "An atom"),
    ("solve([1, a, \"s\", 'B c']).", "[1,a,\"s\",'B c']"),
    ("solve(f(x, 1.0)).", "f(x,1.0)"),
    ("solve(a-b).", "a-b"),
    ("solve([]).", "[]"),
    ("solve(é).", "é"),
    ("solve(X) :- X = 1 ; X = 2.", "1"),
    ("solve(X) :- member(X, [3, 4]), X > 3.", "4"),
    (":- use_module(library(clpfd)).\nsolve(X) :- X in 1..9, X * X #= 49, label([X]).", "7"),
    (":- use_module(library(clpb)).\nsolve(X) :- sat(X =:= 1).", "1"),
    (":- use_module(library(clpq)).\nsolve(X) :- {X > 3, X =< 3 + 1, X = 4}.", "4"),
    (":- initialization(assertz(n(5))).\n:- dynamic n/1.\nsolve(X) :- n(X).", "5"),
    ("greeting --> [hello].\nsolve(X) :- phrase(greeting, X).", "[hello]"),
    (":- op(700, xfx, ===>).\nr(a ===> b).\nsolve(X) :- r(a ===> X).", "b"),
    ("solve(X) :- atom_codes(X, [52, 50, 0, 55]).", "42\0007"),
]
TWICE = "twice(0, a) :- !.\ntwice(N, f(T, T)) :- M is N - 1, twice(M, T).\n"  # 2^N characters long, small in memory
STATUSES = [
    ("solve(X) :- X = f(_).", "no_answer"),
    ("solve(X) :- X = f(X).", "no_answer"),
    ("solve(3 + 4).", "no_answer"),
    (":- use_module(library(clpfd)).\nsolve(X) :- X #> 3.", "no_answer"),
    ("solve(X) :- freeze(X, true).", "no_answer"),
    ("solve(X) :- X #= 3.", "syntax_error"),
    ("solve(X) :- X is 3", "syntax_error"),
    ("solve(X) :- throw(oops).", "runtime_error"),
    ("solve(_) :- throw(_).", "runtime_error"),
    ("solve(1, 2).", "runtime_error"),
    (":- halt(3).\nsolve(1).", "runtime_error"),
    ("solve(X) :- X is 7 ^ 7 ^ 7 ^ 7.", "memory_limit"),
    ("solve(X) :- numlist(1, 200000, L), atomic_list_concat(L, X).", "output_limit"),
    (f"{TWICE}solve(X) :- twice(64, X).", "output_limit"),
    ("p :- p. \nsolve(X) :- repeat, \\+ p, X = 1.", "timeout"),
    (":- p.\np :- repeat, fail.\nsolve(1).", "ok"),
]


@pytest.mark.parametrize(("program", "answer"), ANSWERS)
def test_the_answer_is_the_first_solution(program: str, answer: str, judge: Judge) -> None:
    assert judge.execute([program], [Test()])[0].answer == answer


@pytest.mark.parametrize(("program", "status"), STATUSES)
def test_programs_without_an_answer(program: str, status: str, judge: Judge) -> None:
    execution = judge.execute([program], [Test()])[0]
    assert execution.status.value == status
    assert status == "ok" or execution.answer is None


def test_an_endless_text_in_memory_reaches_the_limit_on_memory() -> None:
    program = f"{TWICE}solve(1) :- twice(64, T), with_output_to(atom(_), print(T))."
    with Judge(PROLOG, Limits(memory_mb=64), workers=1) as judge:
        assert judge.execute([program], [Test()])[0].status is Status.MEMORY_LIMIT


@pytest.mark.parametrize("case", PROLOG.self_tests)
def test_the_backends_own_self_tests(case: SelfTest, judge: Judge) -> None:
    execution = judge.execute([case.program], [Test()])[0]
    assert (execution.status, execution.answer) == (case.status, case.answer)


@pytest.mark.parametrize("example", PROLOG.examples, ids=lambda example: example.answer)
def test_the_worked_examples_of_the_prompt_are_right(judge: Judge, example: Example) -> None:
    execution = judge.execute([example.program], [Test(example.answer)])[0]
    assert judge.verdict(execution, Test(example.answer)) == "correct"


def test_syntax_errors_have_their_place(judge: Judge) -> None:
    program = "a(1).\n\nb(2) :- c(.\nd(3).\ne(4) :- f(.\n"
    checked = judge.check_syntax([program])[0]
    assert [diagnostic.line for diagnostic in checked.diagnostics] == [3, 5]
    assert all(diagnostic.column for diagnostic in checked.diagnostics)
    assert not judge.check_syntax(["a(1).\n"])[0].diagnostics


def test_what_is_printed_is_never_the_answer(judge: Judge) -> None:
    program = ":- initialization((write(42), nl, halt)).\nsolve(42)."
    execution = judge.execute([program], [Test("42")])[0]
    assert (execution.status.value, execution.stdout, execution.answer) == ("no_answer", "42\n", None)


def test_a_question_of_its_own(judge: Judge) -> None:
    program = "age(peter, 7).\nage(ann, 5).\n"
    queries = ["age(ann, X)", "age(ann, X).", "?- age(ann, X).", "age(peter, 7)", "age(bob, _)", "age(", "age(Who, 5)"]
    executions = judge.execute([program] * len(queries), [Test(query=query) for query in queries])
    assert [execution.answer for execution in executions] == ["5", "5", "5", "true", None, None, "ann"]
    assert executions[5].status.value == "syntax_error"


def test_a_program_that_passes_the_limit_of_inferences_is_told_so(judge: Judge) -> None:
    execution = judge.execute(["solve(X) :- repeat, fail, X = 1."], [Test()])[0]
    limit = judge.limits.inferences
    assert execution.diagnostics[-1].message == f"it passed the limit of {limit} inferences"


def test_messages_are_the_same_each_time(judge: Judge) -> None:
    program = "solve(X) :- open_null_stream(S), close(S), write(S, x), X = 1."
    message = judge.execute([program], [Test()])[0].diagnostics[0].message
    assert "<stream>' does not exist" in message.replace("`", "'") and "(0x" not in message


@pytest.mark.parametrize("directive", ["make", "check", "list_undefined"])
def test_a_program_that_looks_for_what_is_undefined_finds_nothing_of_the_judges(directive: str, judge: Judge) -> None:
    execution = judge.execute([f":- {directive}.\nsolve(3)."], [Test()])[0]
    assert (execution.answer, execution.diagnostics) == ("3", ())
    assert "lowres" not in execution.stdout + execution.stderr


def test_an_answer_is_told_character_by_character(judge: Judge) -> None:
    program = "solve(X) :- atom_codes(X, [0'a, 0, 10, 0'., 233, 129414])."
    assert judge.execute([program], [Test()])[0].answer == "a\0\n.\N{LATIN SMALL LETTER E WITH ACUTE}\N{DUCK}"


def test_flags_of_a_program_do_not_change_what_it_is_told(judge: Judge) -> None:
    program = ":- foo.\nsolve(1) :- set_prolog_flag(iso, true)."
    plain, iso = judge.execute(["solve(1).\n:- foo.", program], [Test(), Test()])
    assert (plain.answer, iso.answer) == ("1", "1")
    assert [note.line for note in iso.diagnostics] == [1, 1]  # what went wrong, and that the directive failed


def test_a_long_message_is_cut(judge: Judge) -> None:
    program = "solve(X) :- length(L, 9000), maplist(=(0'x), L), atom_codes(A, L), throw(A), X = 1."
    execution = judge.execute([program], [Test()])[0]
    assert [len(note.message) for note in execution.diagnostics] == [4000]
    assert execution.diagnostics[0].message.endswith("x" * 3900)


def test_copies_that_a_program_has_forked_of_itself_do_not_disturb_its_answer(judge: Judge) -> None:
    program = ":- use_module(library(unix)).\nsolve(1) :- forall(between(1, 100, _), catch(fork(_), _, true)).\n% "
    executions = judge.execute([f"{program}{number}" for number in range(20)], [Test()] * 20)
    assert {(one.status, one.answer) for one in executions} == {(Status.OK, "1")}
