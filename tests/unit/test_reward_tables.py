"""A recipe's [reward]: terms in a line or in a table, in which order, and which are refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomli_w
from lowres_code.errors import UsageError
from lowres_code.plugins.manager import find_language
from lowres_code.recipe import load_recipe
from lowres_code.recipe.build import reward_terms

from tests.unit.test_recipe import MINIMAL, message, written

LENGTH = "[reward]\ncorrect = 1\n[reward.length]\nweight = 0.2\nlow = 30\n"


def test_a_recipe_weighs_terms_in_a_line_or_in_a_table(tmp_path: Path) -> None:
    recipe = load_recipe(written(tmp_path, MINIMAL + LENGTH))
    assert recipe.reward_weights() == [1.0, 0.2]
    correct, length = reward_terms(recipe, find_language("prolog").thing)
    assert (correct.name, length.options.model_dump()) == (
        "correct",
        {"low": 30, "high": 200, "sharp": False, "right_only": False},
    )
    assert recipe.model_dump()["reward"] == {"correct": 1.0, "length": {"weight": 0.2, "low": 30}}
    again = load_recipe(written(tmp_path, MINIMAL + LENGTH), ["reward.length.low=40"])
    assert reward_terms(again, find_language("prolog").thing)[1].options.low == 40


def test_the_recipe_that_a_run_keeps_has_the_terms_in_the_same_order(tmp_path: Path) -> None:
    path = written(tmp_path, MINIMAL + "[reward]\nlength = { weight = 0.2 }\nsyntax = 0.1\ncorrect = 1\n")
    recipe = load_recipe(path)
    kept = load_recipe(written(tmp_path, tomli_w.dumps(recipe.model_dump(exclude_none=True)), "kept.toml"))
    assert list(recipe.reward) == list(kept.reward) == ["syntax", "correct", "length"]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("length = { weight = 1, lwo = 3 }", "reward.length.lwo: unknown key; did you mean 'low'?"),
        ("length = { weight = 1, low = 0 }", "reward.length.low: must be at least 1, got 0"),
        ("length = { weight = 1, low = 9.5 }", "reward.length.low: must be a whole number, got 9.5"),
        ("length = { weight = 1, low = 300 }", "reward.length: low = 300 is above high = 200"),
        ("length = { low = 3 }", "reward.length.weight: missing"),
        ('length = { weight = "much" }', "reward.length.weight: must be a number, got 'much'"),
        ('length = "much"', "reward.length: must be a number, got 'much'"),
        ("length = true", "reward.length: must be a number, got True"),
        ("correct = { weight = 1, low = 1 }", "reward.correct.low: unknown key"),
        ("lenght = { weight = 1 }", "reward.lenght: no such reward term; did you mean 'length'?"),
        ("structure = { weight = 1, clauses = 0, predicates = 0 }", "reward.structure: clauses, predicates and"),
    ],
)
def test_options_that_are_refused(table: str, said: str, tmp_path: Path) -> None:
    assert said in message(tmp_path, f"{MINIMAL}[reward]\n{table}\n")


def test_a_term_that_needs_an_analysis_is_refused_where_there_is_none(tmp_path: Path) -> None:
    recipe = load_recipe(written(tmp_path, MINIMAL + "[reward]\nstructure = 1\n"))
    assert [term.name for term in reward_terms(recipe, find_language("prolog").thing)] == ["structure"]
    assert [term.name for term in reward_terms(recipe, find_language("lua").thing)] == ["structure"]
    with pytest.raises(
        UsageError, match=r"reward.structure needs an analysis .*Tcl does not offer \(only: lua, prolog\)"
    ):
        reward_terms(recipe, find_language("tcl").thing)


@pytest.mark.parametrize(
    ("term", "said"),
    [
        ("follows_numbers", "needs an analysis of the program, which Tcl does not offer (only: lua, prolog)"),
        ("one_answer", "needs all answers of a program, which Tcl does not offer (only: prolog)"),
    ],
)
def test_a_term_that_needs_more_is_refused_where_it_cannot_be_told(term: str, said: str, tmp_path: Path) -> None:
    recipe = load_recipe(written(tmp_path, f"{MINIMAL}[reward]\n{term} = 1\n"))
    with pytest.raises(UsageError) as told:
        reward_terms(recipe, find_language("tcl").thing)
    assert f"reward.{term} {said}" in str(told.value)
