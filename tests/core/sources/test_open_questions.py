"""Questions of reasoning-gym whose answer is wrong or open are not asked, and no question is made twice for nothing."""

from __future__ import annotations

import itertools
import re

from lowres_code.sources.reasoning_gym import judged_entries
from lowres_code.sources.reasoning_gym_tasks import RULES


def made(task: str, count: int, **options: object) -> list[tuple[dict[str, object], bool]]:
    """Entries as the library makes them, and whether they are asked."""
    import reasoning_gym

    dataset = reasoning_gym.create_dataset(task, seed=5, size=count, **options)
    rule = RULES[task]
    return [(entry, rule.test(dataset, entry) is not None) for entry in dataset]  # type: ignore[union-attr]


def test_nieces_and_in_laws_are_not_asked() -> None:
    found = made("family_relationships", 300, min_family_size=9, max_family_size=12)
    asked = {str(entry["answer"]) for entry, fit in found if fit}
    left_out = {str(entry["answer"]) for entry, fit in found if not fit}
    assert {"mother", "son", "aunt", "wife", "grandfather"} < asked
    assert left_out == {"niece", "nephew", "mother-in-law", "father-in-law"}


def test_the_brothers_of_strangers_and_circles_of_colleagues_are_not_asked() -> None:
    found = made("aiw", 200)
    for entry, fit in found:
        question = str(entry["question"])
        stranger = re.search(r"^(\w+) has .* does (?!\1)\w+'s brother have\?$", question) is not None
        assert fit is not (stranger or "Matilda" in question), question
    assert 60 < sum(fit for _, fit in found) < 140


def test_hardly_any_entry_comes_twice() -> None:
    questions = [entry["question"] for entry, _ in itertools.islice(judged_entries("gcd", {}, "train", 4), 600)]
    assert len(set(questions)) > 590
