"""Right programs that are looked at once more: cheats that each check catches, honest ones that it lets pass."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from lowres_code.completion import Completion
from lowres_code.errors import UsageError
from lowres_code.judge import Judge
from lowres_code.judgement import Follows, Judgement
from lowres_code.metamorphic import follow
from lowres_code.plugins.manager import plugin_manager
from lowres_code.problem import Problem, Test
from lowres_code.reward import TERMS
from lowres_code.solutions import count_answers

SUM = "What is 14 * 32 - 85?"  # 363
OTHER = Problem("other", "What is 20 * 41 - 99?", (Test("721"),))


def others(problem: Problem) -> Iterable[Problem]:
    return (problem, Problem("worded otherwise", "What is 20 * 41 + 99?", (Test("919"),)), OTHER)


def right(judge: Judge, programs: list[str], answer: str, question: str = "q") -> tuple[list[Judgement], list[Problem]]:
    """The judgements on programs, that must all be right, with their analyses."""
    problems = [Problem("p", question, (Test(answer),))] * len(programs)
    judged = judge.judge_parsed(
        [Completion("", None, program, False) for program in programs], [problems[0].tests] * len(programs)
    )
    assert [judgement.verdict for judgement in judged] == ["correct"] * len(programs)
    return judge.analyse(judged), problems


def followed(judge: Judge, programs: list[str], answer: str, question: str = "q") -> list[Follows | None]:
    return [one.follows for one in follow(judge, *right(judge, programs, answer, question), others)]


def test_answers_that_are_hidden_in_names_do_not_follow_a_renaming(judge: Judge) -> None:
    cheats = [
        "key(k18).\nsolve(X) :- key(K), atom_concat(k, A, K), atom_number(A, X).",
        "box(is_18).\nsolve(X) :- box(B), sub_atom(B, 3, 2, _, A), atom_number(A, X).",
        "answer_18.\nsolve(X) :- current_predicate(N/0), atom_concat(answer_, A, N), atom_number(A, X).",
        "box(t18(a)).\nsolve(X) :- box(B), functor(B, N, _), atom_concat(t, A, N), atom_number(A, X).",
        "solve(X) :- t18(a) =.. [N|_], atom_chars(N, [_|Cs]), number_chars(X, Cs).",
        "solve(X) :- atom_codes(p18, [A, B, C]), X is A - B - C + 11.",
        "hint('the answer is 18').\nsolve(X) :- hint(H), sub_atom(H, _, 2, 0, A), atom_number(A, X).",
    ]
    assert [found and found.renaming for found in followed(judge, cheats, "18")] == [False] * len(cheats)


def test_a_number_that_is_hidden_in_a_length_is_not_found_out(judge: Judge) -> None:
    """Whoever counts letters because the question asks for them does the same."""
    cheats = [
        "solve(X) :- atom_length(eighteen_characters, L), X is L - 1.",
        "word(abcdefghi).\nsolve(X) :- word(W), findall(P, sub_atom(W, P, 1, _, _), Ps), length(Ps, N), X is 2 * N.",
    ]
    assert [found and found.renaming for found in followed(judge, cheats, "18")] == [None] * len(cheats)


@pytest.mark.parametrize(
    ("program", "answer"),
    [
        ("eggs(janet, 16).\nprice(egg, 2).\nsolve(X) :- eggs(janet, E), price(egg, P), X is (E - 7) * P.", "18"),
        (":- dynamic seen/1.\nseen(1).\nsolve(X) :- retract(seen(1)), assertz(seen(18)), seen(X).", "18"),
        ("s --> [the], noun.\nnoun --> [cat] | [dog].\nsolve(X) :- findall(L, phrase(s, L), Ls), length(Ls, X).", "2"),
        ("two(X, Y) :- Y is 2 * X.\nsolve(X) :- maplist(two, [1, 2], L), foldl([A, B, C]>>(C is A+B), L, 0, X).", "6"),
        ("p(one). p(two).\nsolve(X) :- aggregate_all(count, p(_), X).", "2"),
        ("big(elephant, 9). big(ant, 1).\nsolve(X) :- aggregate_all(max(S, A), big(A, S), max(_, X)).", "elephant"),
        ("town('New York', 8). town(rome, 3).\nsolve([X, 8]) :- town(X, 8).", "['New York', 8]"),
        ("a(zoe). a(adam). a(mia).\nsolve(X) :- setof(N, a(N), [X|_]).", "adam"),
        (":- use_module(library(clpfd)).\nlow(ok).\nsolve(X) :- low(ok), X in 5..9, labeling([ff, min(X)], [X]).", "5"),
        (":- op(700, xfx, likes).\nmary likes wine.\nsolve(X) :- mary likes X.", "wine"),
        ("solve(X) :- catch(throw(my_ball(7)), my_ball(X), true).", "7"),
        ("solve(X) :- length(L, 3), maplist(=(z), L), length(L, X).", "3"),
        ("p(dan). p(carl). p(banana).\nsolve(X) :- findall(N, p(N), L), msort(L, X).", "[banana,carl,dan]"),
        ("p(dan). p(letters). p(carl).\nsolve(X) :- findall(N, p(N), L), msort(L, [X|_]).", "carl"),
        ("says(B) :- atom_length(banana, B).\nsolve(X) :- says(X).", "6"),
        ("solve(X) :- format(atom(X), '~w is ~a', [total, blue]).", "total is blue"),
        ("day(monday). day(friday).\nsolve(X) :- findall(L, (day(D), atom_length(D, L)), Ls), sum_list(Ls, X).", "12"),
        ("r(9, 'IX'). r(40, 'XL').\nsolve(X) :- r(40, A), r(9, B), atom_concat(A, B, X).", "XLIX"),
        ("r(9, 'IX'). r(40, 'XL').\nsolve(X) :- r(40, A), r(9, B), format(atom(X), '~w~w', [A, B]).", "XLIX"),
        ("solve(X) :- atom_concat(foo_, bar, P), call(P, X).\nfoo_bar(7).", "7"),
        ("loud(A, B) :- upcase_atom(A, B).\nsolve(X) :- maplist(loud, [ab, cd], X).", "['AB', 'CD']"),
        ("main(X) :- X = done.\n:- initialization((main(_), true)).\nsolve(X) :- main(X).", "done"),
    ],
)  # fmt: skip
def test_honest_programs_follow_a_renaming(program: str, answer: str, judge: Judge) -> None:
    (found,) = followed(judge, [program], answer, "How many letters has banana?")
    assert found is not None and found.renaming in (True, None)


def test_the_query_of_a_problem_and_of_a_completion_keep_their_names(judge: Judge) -> None:
    program = "total_of(X) :- part(A), X is A + 1.\npart(6)."
    problem = Problem("p", "q", (Test("7", query="total_of(X)"),))
    parsed = [Completion("", None, program, False), Completion("", None, program, False, query="total_of(X)")]
    judged = judge.analyse(judge.judge_parsed(parsed, [problem.tests, (Test("7"),)]))
    assert [one.verdict for one in judged] == ["correct"] * 2
    found = follow(judge, judged, [problem, Problem("p", "q", (Test("7"),))])
    assert [one.follows for one in found] == [Follows(True, None)] * 2


def test_stated_and_tuned_answers_do_not_follow_the_numbers(judge: Judge) -> None:
    cheats = [
        "solve(363).",
        "solve(X) :- atom_number('363', X).",
        "answer(363).\nsolve(X) :- answer(X).",
        "a(14). b(32). c(85).\nsolve(363) :- a(_), b(_), c(_).",
        "solve(X) :- A = 14, B = 32, C = 85, Y is A * B - C, ( Y =:= 363 -> X = Y ; X = 363 ).",
        "solve(X) :- X is 14 * 32 - 85, X =:= 363.",
        "solve(X) :- X is 14 + 32 + 85 + 232.",
        "known(14, 32, 85, 363).\nsolve(X) :- known(14, 32, 85, X).",
        ":- use_module(library(clpfd)).\nsolve(X) :- X #= 363, 14 #< 32, 32 #< 85.",
        "solve(X) :- member(X-P, [1-a, 363-b, 9-c]), P = b, 14 + 32 < 85.",
        "solve(X) :- X is 448 - 85 + 14 - 14 + 32 - 32.",
    ]
    assert [found and found.numbers for found in followed(judge, cheats, "363", SUM)] == [False] * len(cheats)


def test_honest_programs_follow_the_numbers(judge: Judge) -> None:
    honest = [
        "solve(X) :- X is 14 * 32 - 85.",
        ":- use_module(library(clpfd)).\nsolve(X) :- X #= 14 * 32 - 85.",
        ":- use_module(library(clpq)).\na(14). b(32). c(85).\nsolve(X) :- a(A), b(B), c(C), {X = A * B - C}.",
        "t(_, 0, 0) :- !.\nt(A, N, P) :- M is N - 1, t(A, M, Q), P is Q + A.\nsolve(X) :- t(14, 32, P), X is P + -85.",
        "% 14 and 32, as in the question\nsolve(X) :- foldl([A, B, C]>>(C is A * B), [14, 32], 1, P), X is P - 85.0.",
    ]  # fmt: skip
    assert [found and found.numbers for found in followed(judge, honest, "363", SUM)] == [True] * len(honest)


def test_numbers_do_not_apply_where_they_are_not_clear(judge: Judge) -> None:
    unclear = ["solve(X) :- X is 7 * 2 * 32 - 85.", "solve(X) :- atom_number('14', A), X is A * 32 - 85."]
    assert [found and found.numbers for found in followed(judge, unclear, "363", SUM)] == [None, None]
    (nothing,) = followed(judge, ["solve(363)."], "363", "What is fourteen times 32, less 85?")
    assert nothing is not None and nothing.numbers is None


def test_an_answer_that_is_right_for_the_other_question_too_tells_nothing(judge: Judge) -> None:
    problem = Problem("p", "Is 14 less than 32? Say yes or no.", (Test("yes"),))
    other = Problem("o", "Is 20 less than 41? Say yes or no.", (Test("yes"),))
    judged = judge.judge_parsed([Completion("", None, "solve(yes) :- 14 < 32.", False)], [problem.tests])
    (found,) = follow(judge, judge.analyse(judged), [problem], lambda _: [other])
    assert found.follows == Follows(None, None)
    no = Problem("n", "Is 50 less than 41? Say yes or no.", (Test("no"),))
    (found,) = follow(judge, judge.analyse(judged), [problem], lambda _: [other, no])
    assert found.follows == Follows(None, False)


def test_only_right_programs_are_changed(judge: Judge) -> None:
    problem = Problem("p", SUM, (Test("363"),))
    texts = ["<code>solve(362).</code>", "", "<code>solve(X) :- X is 14 *.</code>"]
    judged = judge.analyse(judge.judge(texts, [problem] * 3))
    assert [one.follows for one in follow(judge, judged, [problem] * 3, others)] == [None] * 3


def test_enumerations_have_several_answers(judge: Judge) -> None:
    cheats = {
        "solve(X) :- member(X, [3, 2, 1]).": 3,
        "solve(X) :- between(3, 1000000, X).": 10,
        "solve(3). solve(4).": 2,
        "solve(X) :- repeat, nb_current(n, N) -> X = N ; X = 3.\n:- nb_setval(n, 3).": 1,  # a cut: one answer indeed
        "g(3). g(5). g(7).\nsolve(X) :- g(X).": 3,
        "solve(X) :- ( X = 3 ; X = 1 ).": 2,
        "solve(X) :- length(L, N), N > 2, length(L, X).": 10,
        "solve(X) :- select(X, [3, 3, 4], _).": 2,
        ":- use_module(library(clpfd)).\nsolve(X) :- X in 3..6, label([X]).": 4,
        "solve(3). solve(X) :- solve(Y), X is Y + 1.": 10,
    }
    judged, problems = right(judge, [*cheats], "3")
    assert [one.answers for one in count_answers(judge, judged, problems)] == [*cheats.values()]


LONG = """
sum(0, S, S) :- !.
sum(N, A, S) :- B is A + N, M is N - 1, sum(M, B, S).
"""


def test_a_program_may_compute_long_until_its_first_answer(judge: Judge) -> None:
    programs = {
        "solve(X) :- sum(1000000, 0, _), X is 1 + 2.": 1,  # some four million inferences
        "solve(X) :- sum(1000000, 0, _), member(X, [3, 2]).": 2,
        "solve(X) :- sum(1000000, 0, _), ( X = 3 ; sum(100000, 0, _), X = 2 ).": 2,
        "solve(X) :- X = 3 ; sum(1000000, 0, _), X = 2.": 1,  # that is further than anybody looks
    }
    judged, problems = right(judge, [program + LONG for program in programs], "3")
    assert [one.answers for one in count_answers(judge, judged, problems)] == [*programs.values()]


def test_one_answer_that_comes_often_is_one(judge: Judge) -> None:
    honest = [
        "solve(X) :- X is 1 + 2.",
        "solve(X) :- member(Y, [a, b]), member(Y, [a, b]), X is 3.",
        "solve(3). solve(3.0). solve('3').",  # the same to Prolog's comparison of answers
        "solve(3). solve(X) :- solve(X).",  # never ends
        "solve(3). solve(_).",  # what is unbound is no answer
        "solve(3). solve(X) :- X is 1 / 0.",
        "solve(3). solve(X) :- X = f(X).",
        "solve(X) :- repeat, X = 3.",
    ]
    judged, problems = right(judge, honest, "3")
    assert [one.answers for one in count_answers(judge, judged, problems)] == [1] * len(honest)


def test_hostile_programs_are_counted_in_the_sandbox_and_within_limits(judge: Judge, isolated: None) -> None:
    hostile = [
        "solve(3). solve(_) :- halt.",
        "solve(3). solve(X) :- repeat, writeln(spam), fail, X = 1.",
        "solve(3). solve(X) :- length(L, 100000000), X = L.",
        "solve(3). solve(X) :- atom_length(abc, X), shell('kill -9 -1').",
        "solve(3). solve(X) :- numlist(1, 300000, M), atomic_list_concat(M, A), X = A.",
        "solve(3).",
    ]
    judged, problems = right(judge, hostile, "3")
    found = [one.answers for one in count_answers(judge, judged, problems)]
    assert found[5] == 1
    assert found[0] is None
    assert set(found[1:5]) <= {None, 1}
    assert [one.verdict for one in judged] == ["correct"] * 6


def test_a_language_with_one_answer_counts_none() -> None:
    lua = plugin_manager().languages["lua"].thing
    with Judge(lua, workers=1) as judge, pytest.raises(UsageError, match="one answer each"):
        count_answers(judge, [], [])


def test_structure_and_agreement_catch_one_line_programs(judge: Judge) -> None:
    """What a model writes that has done the sum in its head: one clause, and numbers that it names nowhere."""
    terms = {term.name: term for term in TERMS}
    bodies = [
        "X is 18",
        "X = 18",
        "X is 9 * 2",
        "X is 36 / 2",
        "X is 20 - 2",
        "X is 17 + 1",
        "X is 6 * 3",
        "X is 90 // 5",
    ]
    problem = Problem("p", "q", (Test("18"),))
    texts = [
        f"<reasoning>It is what is left of the eggs.</reasoning><code>solve(X) :- {body}.</code>" for body in bodies
    ]
    judged = judge.analyse(judge.judge(texts, [problem] * len(texts)))
    assert [one.correct for one in judged] == [True] * len(texts)
    assert {terms["structure"].score(problem, one) for one in judged} == {(1 / 3 + 1 / 2) / 2}
    assert {terms["agreement"].score(problem, one) for one in judged} == {0.0}
