"""Every built-in backend conforms; those that cost most time to start are marked slow."""

from __future__ import annotations

import pytest
from lowres_code.conformance import assert_conforms
from lowres_code.plugins.manager import plugin_manager

SLOW = {"ada", "cobol", "erlang", "haskell", "r", "racket"}
LANGUAGES = {name: registered.thing for name, registered in plugin_manager().languages.items()}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in LANGUAGES]
)
def test_it_conforms(name: str) -> None:
    if missing := LANGUAGES[name].missing():
        pytest.skip(f"{missing.what} is not installed: {missing.install}")
    assert_conforms(LANGUAGES[name], soak_of=20)


@pytest.mark.slow
def test_a_thousand_programs_leave_nothing_behind() -> None:
    assert_conforms(LANGUAGES["lua"])


@pytest.mark.parametrize("name", LANGUAGES)
def test_it_has_what_training_and_verification_need(name: str) -> None:
    language = LANGUAGES[name]
    assert language.examples
    assert language.guidance
    assert language.fences == tuple(tag.lower() for tag in language.fences)
    answering = [test for test in language.self_tests if test.answer is not None]
    assert answering and len(answering) < len(language.self_tests)
    needed = {"hello", "runtime_error", "syntax_error", "loop", "memory", "flood", "state", "write_outside"}
    assert needed <= set(language.snippets)
