"""Reward terms, with values worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from lowres_code.completion import format_completion, parse_completion
from lowres_code.errors import LowresCodeError
from lowres_code.judgement import INFRA_ERROR, Follows, Judgement
from lowres_code.language.analysis import LONGEST_LITERAL, MOST_LITERALS, Analysis
from lowres_code.language.base import Execution, Status
from lowres_code.problem import Problem, Test
from lowres_code.quantities import numbers_in
from lowres_code.reward import TERMS, RewardInput, RewardOptions, RewardTerm

PROBLEM = Problem("p", "How many?", (Test("29"),))
BY_NAME: dict[str, RewardTerm[Any]] = {term.name: term for term in TERMS}


def judged(
    verdict: str = "correct", reasoning: str = "r", answer: str | None = "29", analysis: Analysis | None = None
) -> Judgement:
    completion = parse_completion(format_completion(reasoning, "solve(29)."), ())
    return Judgement(verdict, completion, Execution(Status.OK, answer), analysis=analysis)


def score(name: str, judgement: Judgement, **options: Any) -> float | None:
    return BY_NAME[name].with_options(options).score(PROBLEM, judgement)


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_where_the_judge_failed_no_term_has_a_value(name: str) -> None:
    assert BY_NAME[name].score(PROBLEM, judged(INFRA_ERROR)) is None


@pytest.mark.parametrize(
    ("words", "options", "value"),
    [
        (0, {}, 0.0),
        (5, {}, 0.25),  # 5 of 20
        (20, {}, 1.0),
        (200, {}, 1.0),
        (250, {}, 0.75),  # 2 - 250 / 200
        (400, {}, 0.0),
        (1000, {}, 0.0),
        (5, {"low": 10, "high": 10}, 0.5),
        (15, {"low": 10, "high": 10}, 0.5),
        (19, {"sharp": True}, 0.0),
        (20, {"sharp": True}, 1.0),
        (90, {"low": 91, "high": 129, "sharp": True, "right_only": True}, 0.0),
        (91, {"low": 91, "high": 129, "sharp": True, "right_only": True}, 1.0),
        (129, {"low": 91, "high": 129, "sharp": True, "right_only": True}, 1.0),
        (130, {"low": 91, "high": 129, "sharp": True, "right_only": True}, 0.0),
    ],
)
def test_length_is_a_band_of_words(words: int, options: dict[str, Any], value: float) -> None:
    assert score("length", judged(reasoning="word " * words), **options) == pytest.approx(value)


def test_length_may_be_for_right_programs_only() -> None:
    wrong = judged("wrong_answer", "word " * 100)
    assert (score("length", wrong), score("length", wrong, right_only=True)) == (1.0, 0.0)
    assert score("length", Judgement("no_code", parse_completion("no tags at all", ()))) == 0.0


def test_verdicts_are_worth_what_the_options_say() -> None:
    assert score("verdict", judged()) == 1.0
    assert score("verdict", judged("wrong_answer")) == -1.0
    assert score("verdict", judged("syntax_error"), syntax_error=-0.5) == -0.5
    assert score("verdict", Judgement("no_code", parse_completion("", ())), no_code=0) == 0.0


WORKED = Analysis(clauses=4, predicates=4, constraints=0, operations=2, literals=("anna", "3", "12", "7"))


@pytest.mark.parametrize(
    ("judgement", "value"),
    [
        (judged(analysis=WORKED), 1.0),
        (judged(analysis=Analysis(1, 1, 0, 0, ("29",))), 0.0),
        (judged(analysis=Analysis(1, 1, 0, 0, ("29.0",))), 0.0),  # the same number
        (judged(analysis=Analysis(2, 2, 0, 1, ("29",))), 1.0),  # written in it, and something is computed
        (judged(analysis=Analysis(1, 1, 0, 0, ("30",))), 0.0),  # nothing is computed
        (judged("wrong_answer", answer="5", analysis=Analysis(1, 1, 0, 0, ("5",))), 0.0),
        (judged("runtime_error", answer=None, analysis=WORKED), 0.0),
        (Judgement("no_code", parse_completion("", ())), 0.0),
    ],
)
def test_no_bare_constant(judgement: Judgement, value: float) -> None:
    assert score("no_bare_constant", judgement) == value


@pytest.mark.parametrize(
    ("options", "value"),
    [
        ({}, 1.0),  # 4 of 3 clauses, 4 of 2 predicates
        ({"clauses": 8, "predicates": 0}, 0.5),
        ({"clauses": 8, "predicates": 2}, 0.75),
        ({"clauses": 8, "predicates": 2, "constraints": 1}, 0.5),  # (0.5 + 1 + 0) / 3
    ],
)
def test_structure_is_the_mean_of_what_is_wanted(options: dict[str, int], value: float) -> None:
    assert score("structure", judged(analysis=WORKED), **options) == value


def test_structure_of_what_is_wrong_or_cannot_be_read() -> None:
    wrong = judged("wrong_answer", analysis=WORKED)
    assert (score("structure", wrong), score("structure", wrong, right_only=True)) == (1.0, 0.0)
    assert score("structure", judged("syntax_error")) == 0.0


@pytest.mark.parametrize(
    ("reasoning", "literals", "value"),
    [
        ("3 boxes of 12, less 7", ("anna", "3", "12", "7"), 1.0),
        ("three boxes of 12, less 7", ("3", "12", "7"), 2 / 3),
        ("3 and 12", ("3", "3", "12", "7", "8"), 0.5),  # each number once
        ("1,200 at 20%", ("1200", "0.2"), 1.0),
        ("a half is 0.5", ("1r2",), 1.0),
        ("down by 5", ("-5",), 1.0),
        ("x2 and 3.5", ("2", "3"), 0.0),
        ("nothing", ("3",), 0.0),
        ("3", ("anna",), 0.0),
    ],
)
def test_agreement_of_numbers(reasoning: str, literals: tuple[str, ...], value: float) -> None:
    analysis = Analysis(1, 1, 0, 1, literals)
    assert score("agreement", judged(reasoning=reasoning, analysis=analysis)) == pytest.approx(value)


def test_numbers_in_a_text() -> None:
    assert numbers_in("1,200 + 3.5, 50 %") == {Fraction(1200), Fraction(7, 2), Fraction(50), Fraction(1, 2)}
    assert numbers_in("9" * 1_000_000) == set()  # as long as no number of a question


def test_chance_has_a_seed_and_is_another_for_each_completion() -> None:
    coin = BY_NAME["coin"]
    first, again, other = (
        [coin.score(PROBLEM, judged(), step=1, seed=f"{seed}/{row}") for row in range(400)] for seed in (0, 0, 1)
    )
    assert first == again != other
    assert 150 < sum(value or 0 for value in first) < 250  # five standard deviations of a fair coin


def test_a_term_sees_problem_step_and_options() -> None:
    class Hurry(RewardOptions):
        by: int = 10

    def early(given: RewardInput[Hurry]) -> float:
        return float(given.step <= given.options.by and given.problem.id == "p" and given.completion.well_formed)

    term = RewardTerm("early", "", early, Hurry())
    assert [term.score(PROBLEM, judged(), step) for step in (10, 11)] == [1.0, 0.0]
    assert term.with_options({"by": 11}).score(PROBLEM, judged(), 11) == 1.0


def test_a_simple_term_needs_no_options() -> None:
    def known(given: RewardInput) -> float:
        return float(given.judgement.runs)

    assert RewardTerm("known", "", known).score(PROBLEM, judged()) == 1.0


def test_a_term_that_gives_no_number_is_named() -> None:
    with pytest.raises(LowresCodeError, match="reward term 'broken' gave nan for a completion of problem 'p'"):
        RewardTerm("broken", "", lambda it: float("nan")).score(PROBLEM, judged())


def test_a_term_that_fails_is_named_with_its_place() -> None:
    term = RewardTerm("broken", "", lambda it: float(it.correct))  # type: ignore[attr-defined]
    with pytest.raises(LowresCodeError, match=r"'broken' fails .* 'p': AttributeError: .*correct.*test_rewards.py:\d+"):
        term.score(PROBLEM, judged())


@pytest.mark.parametrize(("answers", "value"), [(1, 1.0), (2, 0.0), (10, 0.0), (None, 0.0)])
def test_one_answer(answers: int | None, value: float) -> None:
    assert score("one_answer", replace(judged(), answers=answers)) == value
    assert score("one_answer", replace(judged("wrong_answer"), answers=answers)) == 0.0


@pytest.mark.parametrize(
    ("follows", "renaming", "numbers"),
    [
        (Follows(True, True), 1.0, 1.0),
        (Follows(False, True), 0.0, 1.0),
        (Follows(True, False), 1.0, 0.0),
        (Follows(None, None), 1.0, 1.0),  # a check that does not apply finds nothing
        (None, 1.0, 1.0),
    ],
)
def test_following(follows: Follows | None, renaming: float, numbers: float) -> None:
    judgement = replace(judged(analysis=WORKED), follows=follows)
    assert (score("follows_renaming", judgement), score("follows_numbers", judgement)) == (renaming, numbers)
    wrong = replace(judged("wrong_answer", analysis=WORKED), follows=follows)
    assert (score("follows_renaming", wrong), score("follows_numbers", wrong)) == (0.0, 0.0)


@pytest.mark.parametrize("name", [term.name for term in TERMS if term.needs_analysis or term.needs_follows])
def test_nothing_is_earned_by_a_program_that_cannot_be_read(name: str) -> None:
    assert score(name, judged(analysis=None)) == 0.0


def test_an_analysis_keeps_its_bounds_on_its_way() -> None:
    long = Analysis(1, 2, 3, 4, ("x" * (LONGEST_LITERAL + 1), *("7",) * (MOST_LITERALS + 5)))
    kept = Analysis.of_text(long.as_text())
    assert kept == Analysis(1, 2, 3, 4, ("x" * LONGEST_LITERAL, *("7",) * (MOST_LITERALS - 1)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{}",
        "[" * 100_000,
        '{"clauses": -1, "predicates": 1, "constraints": 1, "operations": 1, "literals": []}',
        '{"clauses": true, "predicates": 1, "constraints": 1, "operations": 1, "literals": []}',
        '{"clauses": 1, "predicates": 1, "constraints": 1, "operations": 1, "literals": [1]}',
        '{"clauses": 1, "predicates": 1, "constraints": 1, "operations": 1, "literals": "12"}',
    ],
)
def test_a_damaged_analysis_is_none(text: str) -> None:
    assert Analysis.of_text(text) is None


def test_the_term_that_the_docs_show_is_one() -> None:
    page = Path(__file__).parents[2] / "docs" / "write-a-language-package.md"
    shown = page.read_text().rsplit("```python\n", 1)[1].split("```")[0]
    module: dict[str, Any] = {}
    exec(shown, module)
    terms: list[RewardTerm[Any]] = []
    module["register_rewards"](terms.append)
    (brief,) = terms
    long = judged(analysis=None)
    assert brief.score(PROBLEM, long) == 1.0
    assert brief.with_options({"lines": 0}).score(PROBLEM, long) == 0.0
    assert brief.score(PROBLEM, judged("wrong_answer")) == 0.0
