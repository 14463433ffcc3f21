"""What completions would earn, through the real judge."""

from __future__ import annotations

from pathlib import Path

import pytest
from lowres_code.errors import UsageError
from lowres_code.judge import Judge
from lowres_code.language.base import Limits
from lowres_code.plugins.manager import find_language
from lowres_code.recipe import find_recipe, load_recipe
from lowres_code.recipe.rehearsal import rehearsal_table, rehearse
from rich.console import Console

from tests.unit.test_recipe import MINIMAL, written


def test_what_the_four_completions_of_quickstart_earn(judge: Judge) -> None:
    rehearsed = rehearse(load_recipe(find_recipe("quickstart")), judge)
    assert {it.kind: (it.judgement.verdict, it.total) for it in rehearsed} == {
        "right": ("correct", 1.2),
        "wrong": ("wrong_answer", 0.2),
        "empty": ("no_code", 0.0),
        "hostile": ("no_answer", 0.2),
    }
    console = Console(record=True, width=100)
    console.print(rehearsal_table(rehearsed))
    assert "wrong_answer" in console.export_text()


@pytest.mark.parametrize(
    ("reward", "said"),
    [
        ("format = 1", "a right program earns 1 and a completion that is wrong 1"),
        ("correct = -1\nformat = 1", "a right program earns 0 and a completion that is wrong 1"),
        ("correct = 0.1\nno_bare_constant = 1\nverdict = { weight = 1, correct = -1, wrong_answer = 1 }", "is wrong 2"),
    ],
)
def test_rewards_by_which_being_right_does_not_pay_are_refused(
    reward: str, said: str, judge: Judge, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=said):
        rehearse(load_recipe(written(tmp_path, f"{MINIMAL}[reward]\n{reward}\n")), judge)


@pytest.mark.parametrize(
    "reward", ["coin = 1", "correct = 1\nagreement = 0.2\nstructure = 0.1\nlength = 0.1", "verdict = 1"]
)
def test_controls_and_rewards_by_which_it_pays_are_not(reward: str, judge: Judge, tmp_path: Path) -> None:
    assert len(rehearse(load_recipe(written(tmp_path, f"{MINIMAL}[reward]\n{reward}\n")), judge)) == 4


def test_limits_that_no_program_keeps_to_are_refused(judge: Judge) -> None:
    with (
        Judge(judge.language, Limits(inferences=1), judge.isolation, workers=1) as strict,
        pytest.raises(UsageError, match=r"is judged 'timeout': \[limits\] are too low"),
    ):
        rehearse(load_recipe(find_recipe("quickstart")), strict)


def test_a_command_language_too(tmp_path: Path) -> None:
    with Judge(find_language("python").thing, workers=1) as judge:
        rehearsed = rehearse(load_recipe(written(tmp_path, MINIMAL)), judge)
    assert [it.total for it in rehearsed] == [1, 0, 0, 0]
