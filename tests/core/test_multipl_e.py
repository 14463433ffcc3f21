"""Problems of our own in the form of MultiPL-E, with programs that are right or wrong, crash, end early, or forge."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from lowres_code.judge import Judge
from lowres_code.judgement import Judgement
from lowres_code.language.base import Limits
from lowres_code.plugins.manager import plugin_manager
from lowres_code.sources.data_sets import File

FILES = {path.stem: path for path in sorted(Path(__file__).with_name("multipl_e").glob("*.jsonl"))}
DESERVED = {
    "right": "correct",
    "wrong": "runtime_error",  # a test of its own ends it
    "crashing": "runtime_error",
    "early_exit": "no_answer",  # exit code 0 is no success
}

Found = Mapping[tuple[str, str], Judgement]


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in FILES[name].read_text().splitlines()]


@pytest.fixture(scope="module", params=FILES)
def judged(request: pytest.FixtureRequest, isolated: None) -> tuple[str, Found]:
    """The verdict on every program, read as a recipe reads such a table."""
    language = plugin_manager().languages[request.param].thing
    if missing := language.missing():
        pytest.skip(missing.message(language.name))
    columns = {"path": str(FILES[language.name]), "id": "name", "question": "prompt", "prefix": "prompt"}
    problems = {p.id: p for p in File().load({**columns, "append": "tests"}, "eval", 100, seed=0)}
    asked = [(row["name"], kind, text) for row in rows(language.name) for kind, text in row["programs"].items()]
    with Judge(language, Limits(cpu_s=5), "namespaces") as judge:
        texts = [f"<code>\n{text}</code>" for _, _, text in asked]
        found = judge.judge(texts, [problems[name] for name, _, _ in asked])
    return language.name, {(name, kind): one for (name, kind, _), one in zip(asked, found, strict=True)}


def test_each_file_has_ten_problems_with_five_programs() -> None:
    assert set(FILES) == {"lua", "ocaml"}
    for name in FILES:
        assert len({row["name"] for row in rows(name)}) == 10
        assert all(set(row["programs"]) == {*DESERVED, "forging"} for row in rows(name))


@pytest.mark.parametrize("kind", DESERVED)
def test_programs_are_judged_as_they_deserve(kind: str, judged: tuple[str, Found]) -> None:
    verdicts = {name: one.verdict for (name, which), one in judged[1].items() if which == kind}
    assert verdicts == dict.fromkeys(verdicts, DESERVED[kind])
    passed = {one.passed for (_, which), one in judged[1].items() if which == kind}
    assert passed == {1 if kind == "right" else 0}


def test_forged_output_is_no_success(judged: tuple[str, Found]) -> None:
    language, found = judged
    forged = {row["name"]: row["forged"] for row in rows(language)}
    assert {name: found[name, "forging"].verdict for name in forged} == forged
    assert "correct" not in forged.values()
    by_control = [name for name in forged if found[name, "forging"].failed_test == 1]
    assert len(by_control) >= 3  # these would have passed their tests
    assert all(found[name, "forging"].passed == 0 for name in forged)
