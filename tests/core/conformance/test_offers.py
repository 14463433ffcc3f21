"""What verification finds in tests that are code, and in an analysis, where they are not as they must be."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import Any

import pytest
from lowres_code.conformance import offers
from lowres_code.conformance.verify import LIMITS
from lowres_code.judge import Judge
from lowres_code.language.base import Language
from lowres_code.language.command import CommandLanguage
from lowres_code.plugins.manager import find_language

pytestmark = pytest.mark.skipif(not shutil.which("lua5.4"), reason="Lua is not installed")


@pytest.fixture(scope="module")
def lua() -> CommandLanguage:
    language = find_language("lua").thing
    assert isinstance(language, CommandLanguage)
    return language


def found(language: Language) -> dict[str, tuple[str, str]]:
    with Judge(language, LIMITS, workers=1) as judge:
        checks = [*offers.appended_tests(judge), *offers.analysis(judge)]
    return {check.name: (check.outcome.value, check.detail) for check in checks}


def with_append(language: CommandLanguage, **changes: Any) -> CommandLanguage:
    assert language.append is not None
    return replace(language, append=replace(language.append, **changes))


def with_reader(language: CommandLanguage, old: str, new: str) -> CommandLanguage:
    assert any(old in text for text in language.reader.values())
    return replace(language, reader={name: text.replace(old, new) for name, text in language.reader.items()})


def test_what_is_right_passes(lua: CommandLanguage) -> None:
    assert {outcome for outcome, _ in found(lua).values()} == {"passed"}
    assert len(found(lua)) == 8


def test_checks_that_check_nothing_are_found(lua: CommandLanguage) -> None:
    blind = found(
        with_append(lua, checks={"lu.assertEquals(": "lu.assertEquals({one}, {one})", "assert(": "assert(false)"})
    )
    assert blind["tests that check by lu.assertEquals("][0] == "failed"
    assert "does not end the tests" in blind["tests that check by lu.assertEquals("][1]
    assert "ends the tests or cannot be read" in blind["tests that check by assert("][1]
    other = found(with_append(lua, checks={"assert(": "assert({one} == {other})", "expect(": "expect({one}, {other})"}))
    assert other["tests that check by expect("][0] == "not tried"


def test_a_success_that_is_not_printed_is_found(lua: CommandLanguage) -> None:
    quiet = found(with_append(lua, success="local secret = '{secret}'"))
    assert quiet["appended tests"] == ("failed", "the snippets belong together and are no_answer")


def test_without_the_snippets_it_is_told_which_to_give(lua: CommandLanguage) -> None:
    few = {name: text for name, text in lua.snippets.items() if name != "appended"}
    assert found(replace(lua, snippets=few))["appended tests"] == (
        "not tried",
        "give a snippet appended: tests that are code and pass behind defines, with a line for each of the checks; "
        "only for an [append]",
    )


BROKEN_READERS = [  # a change of the reader; the check that finds it
    ("local tokens = {}", "local tokens = {}; os.exit(1)", "analysis"),
    ("literals[#literals + 1] = value", "", "analysis of hello"),
    ("own[name] and _G[name] == nil", "true", "names that are the program's own"),
]


@pytest.mark.parametrize(("old", "new", "name"), BROKEN_READERS)
def test_a_reader_that_reads_wrongly_is_found(old: str, new: str, name: str, lua: CommandLanguage) -> None:
    assert found(with_reader(lua, old, new))[name][0] == "failed"
