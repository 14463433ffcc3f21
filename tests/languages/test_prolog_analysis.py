"""What SWI-Prolog's reader tells of a program, counted by hand; hostile programs too."""

from __future__ import annotations

import pytest
from lowres_code.completion import Completion
from lowres_code.judge import Judge
from lowres_code.judgement import Judgement
from lowres_code.language.analysis import LONGEST_LITERAL, MOST_LITERALS, Analysis, Places
from lowres_code.language.base import Limits
from lowres_code.problem import Problem, Test
from lowres_code.trust import is_bare

from tests.conftest import PROLOG
from tests.core.conformance.bad_backends import Unreadable


def analysed(judge: Judge, *programs: str) -> list[Analysis | None]:
    judgements = [Judgement("correct", Completion("", None, program, False)) for program in programs]
    return [judgement.analysis for judgement in judge.analyse(judgements)]


@pytest.mark.parametrize(
    ("program", "counts", "literals"),
    [
        ("solve(42).", (1, 1, 0, 0), "42"),
        ("solve(X) :- X is 42.", (1, 1, 0, 0), "42"),
        ("solve(X) :- X is 6 * 7 + 0.", (1, 1, 0, 2), "6 7 0"),
        ("p(a, 3).\np(b, 5).\nsolve(X) :- p(b, X).", (3, 2, 0, 0), "a 3 b 5 b"),
        ("solve(N) :- p(N), N > 3.\np(4).", (2, 2, 0, 1), "3 4"),
        (":- use_module(library(clpq)).\nsolve(X) :- {2 * X = 7, Y = 3}.", (1, 1, 2, 2), "2 7 3"),
        (":- use_module(library(clpfd)).\nsolve(X) :- X #> 3, X #< 5, label([X]).", (1, 1, 2, 2), "3 5"),
        (":- op(700, xfx, ===>).\na ===> b.\nsolve(X) :- a ===> X.", (2, 2, 0, 0), "a b a"),
        ("color(red).\nbad(blue).\nsolve(X) :- color(X), \\+ bad(X).", (3, 3, 0, 1), "red blue"),
        ("solve(N) :- length([a, b], N).", (1, 1, 0, 1), "a b"),
        ("solve(X) :- ( q -> X = 1 ; X = 2 ).\nq.", (2, 2, 0, 0), "1 2"),
        ('solve(X) :- X is -5.\nq(1r3, "a b", 0\'c).', (2, 2, 0, 0), "-5 1r3 a_b 99"),
        ("a(1.\nb(2).", (1, 1, 0, 0), "2"),  # what cannot be read is skipped, as SWI-Prolog skips it
        ("% a comment, 7\n/* 8 */ a(9). b :- c.", (2, 2, 0, 1), "9"),
        (":- set_prolog_flag(double_quotes, codes).\na.", (1, 1, 0, 0), ""),
        ("greeting --> [hello].", (1, 1, 0, 1), "hello"),
        ("", (0, 0, 0, 0), ""),
        ("solve(X) => X = 42.", (1, 1, 0, 0), "42"),
        ("solve(X), p(Y), Y > 2 => X is Y * 14.\np(3).", (2, 2, 0, 2), "2 14 3"),
        (":- use_module([library(lists), library(clpfd)]).\nsolve(X) :- X #= 7.", (1, 1, 1, 1), "7"),
        (":- ensure_loaded(library(clpfd)).\nsolve(X) :- X #= 7.", (1, 1, 1, 1), "7"),
        (":- [library(clpfd)], true.\nsolve(X) :- X #= 7.", (1, 1, 1, 1), "7"),
        (":- op(700, xfx, user:(===>)).\na ===> b.", (1, 1, 0, 0), "a b"),
        (":- op(700, xfx, ===>), true.\na ===> b.", (1, 1, 0, 0), "a b"),
        ("#!/usr/bin/swipl\nsolve(7).", (1, 1, 0, 0), "7"),
        ("\ufeff#!/usr/bin/swipl\nsolve(7).", (1, 1, 0, 0), "7"),
        # What nothing leads to computes nothing, and neither does a single look-up; two or more are a derivation.
        ("solve(7).\njunk(X) :- X is 1 + 2.", (2, 2, 0, 0), "7 1 2"),
        (
            "solve(X) :- two(X).\ntwo(X) :- call(plus_one, 1, X).\nplus_one(A, B) :- B is A + 1.",
            (3, 3, 0, 2),
            "plus_one 1 1",
        ),
        (":- initialization(kept).\nkept :- X is 1 + 2, assertz(p(X)).\nsolve(X) :- p(X).", (2, 2, 0, 3), "1 2"),
        ("e(a, b).\ne(b, c).\nsolve(X) :- e(a, X).", (3, 2, 0, 0), "a b b c a"),
        ("e(a, b).\ne(b, c).\nsolve(X) :- e(a, Y), e(Y, X).", (3, 2, 0, 1), "a b b c a"),
        ("e(a, 1).\ne(b, 2).\nsolve(X) :- e(a, Y), e(b, Z), X is Y + Z.", (3, 2, 0, 1), "a 1 b 2 a b"),
        ("solve(X) :- member(X, [1, 2]), member(X, [2, 3]), member(X, [2]).", (1, 1, 0, 2), "1 2 2 3 2"),
    ],
)
def test_counts_and_literals(program: str, counts: tuple[int, ...], literals: str, judge: Judge) -> None:
    (analysis,) = analysed(judge, program)
    assert analysis is not None
    assert (analysis.clauses, analysis.predicates, analysis.constraints, analysis.operations) == counts
    assert " ".join(literal.replace(" ", "_") for literal in analysis.literals) == literals


@pytest.mark.parametrize(
    "junk",
    [
        *("junk :- foo().", "foo().", "foo() --> [].", "junk(X) :- X is foo() + 1.", "junk(X) :- {X = foo()}."),
        *("junk(X) :- foo() #= X.", "foo() => true.", "junk(X) :- X = p{a: 1}.", "junk :- X = p{a: 1, a: 2}."),
        *("junk(' a\\0\\b', '', '\\x41\\').", "junk('\\UFFFFFFFF').", "/* open", "junk('open"),
        "".join(f"p{n}(X) :- p{n + 1}(X), p{n + 2}(X).\n" for n in range(4_000)),
    ],
    ids=range(14),
)  # fmt: skip
def test_no_line_keeps_the_rest_from_being_read(junk: str, judge: Judge) -> None:
    (analysis,) = analysed(judge, f":- use_module(library(clpfd)).\nsolve(42).\n{junk}")
    assert analysis is not None and (analysis.operations, analysis.literals[0]) == (0, "42")


def test_marks_before_a_program_move_no_place(judge: Judge) -> None:
    for before, moved in (("\ufeff", 1), ("#!x\n", 4), ("\ufeff#!x\n", 5)):
        (analysis,) = analysed(judge, f"{before}solve(X) :- total(X).\ntotal(42).")
        assert analysis is not None
        assert analysis.places == Places(
            {"total": ((moved + 12, moved + 17), (moved + 22, moved + 27))}, ((moved + 28, moved + 30),)
        )


def test_a_worked_example_computes_and_says_its_numbers(judge: Judge) -> None:
    example = PROLOG.examples[1]
    (analysis,) = analysed(judge, example.program)
    assert analysis is not None
    assert (analysis.clauses, analysis.predicates, analysis.operations) == (4, 4, 2)
    assert {"3", "12", "7"} <= set(analysis.literals)


def test_nothing_of_a_program_runs(judge: Judge) -> None:
    halts = ":- halt.\n:- initialization(halt).\n:- op(200, xfy, **>), halt.\nsolve(1)."
    loops = ":- repeat, fail.\nterm_expansion(_, []).\nsolve(2)."
    assert [analysis and analysis.literals for analysis in analysed(judge, halts, loops)] == [
        ("1",),
        ("2",),
    ]


def test_hostile_programs(judge: Judge) -> None:
    deep = "a(" + "f(" * 500_000 + "1" + ")" * 500_000 + ")."
    huge = "a(" + "9" * 100_000 + ")."
    many = "a(1).\n" * 20_000
    odd = '1.\nX.\n"text".\n( a :- b ) :- c.\n:- X.\n:- op(X, Y, Z).\n:- use_module(Z).\n:- module(m, x).\nfoo:bar(3).'
    found = analysed(judge, deep, huge, many, odd, "solve(4).")
    assert found[0] is None
    assert found[1] == Analysis(1, 1, 0, 0, ("9" * LONGEST_LITERAL,))
    assert found[2] == Analysis(20_000, 1, 0, 0, ("1",) * MOST_LITERALS)
    assert found[3] is not None and "3" in found[3].literals
    assert found[4] == Analysis(1, 1, 0, 0, ("4",))


def test_only_what_the_reader_accepts_is_analysed(judge: Judge) -> None:
    completion = Completion("", None, "solve(1).", False)
    none = Judgement("no_code", Completion("", None, None, False))
    broken, wrong = Judgement("syntax_error", completion), Judgement("wrong_answer", completion)
    kept = judge.analyse([none, broken, wrong])
    assert [judgement.analysis for judgement in kept] == [None, None, Analysis(1, 1, 0, 0, ("1",))]
    assert [judgement.verdict for judgement in kept] == ["no_code", "syntax_error", "wrong_answer"]


def test_what_the_judge_cannot_analyse_is_its_own_failure(judge: Judge) -> None:
    with Judge(Unreadable(), Limits(), judge.isolation, workers=1) as failing:
        (judgement,) = failing.analyse([Judgement("correct", Completion("", None, "solve(1).", False))])
    assert judgement.verdict == "infra_error"


def test_bare_constants_are_told_from_programs(judge: Judge) -> None:
    programs = ["solve(42).", "n(42).\nsolve(X) :- n(X).", "solve(X) :- X is 6 * 7.", "solve(X) :- {X = 42}."]
    texts = [f"<code>\n:- use_module(library(clpq)).\n{program}\n</code>" for program in programs]
    problem = Problem("p", "q", (Test("42"),))
    judged = judge.analyse(judge.judge(texts, [problem] * 4))
    assert [judgement.verdict for judgement in judged] == ["correct"] * 4
    assert [is_bare(judgement, problem) for judgement in judged] == [True, True, False, True]
