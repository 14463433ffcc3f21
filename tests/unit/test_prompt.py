from __future__ import annotations

import pytest
from lowres_code.errors import UsageError
from lowres_code.prompt import build_prompt

from tests.conftest import PROLOG


def test_braces_that_are_written_twice_stay_braces() -> None:
    system, user = build_prompt(PROLOG, "6 * 7?", "{title}: answer as {{X = 42}}", "Q: {question}", 0)
    assert (system["content"], user["content"]) == ("Prolog: answer as {X = 42}", "Q: 6 * 7?")


@pytest.mark.parametrize("template", ["{question} {X = 42}", "{question} {", "{question} }", "{question} {}"])
def test_other_braces_are_refused_with_the_hint(template: str) -> None:
    with pytest.raises(UsageError, match=r"for a brace that is to stay one, write \{\{ or \}\}"):
        build_prompt(PROLOG, "6 * 7?", "", template, 0)
