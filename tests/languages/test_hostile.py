"""Programs that mean harm: each has the outcome that is expected, and nothing happens outside.

Before anything hostile runs, harmless programs must prove that the isolation holds (`holes`).
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import asdict

import pytest
from lowres_code.judge import Judge
from lowres_code.language.base import Execution, Status
from lowres_code.problem import Test

from tests.conftest import PROLOG
from tests.languages.hostile_programs import ALL, DIFFERS, PAIRS, PROGRAMS, Program, read_outcomes
from tests.languages.outside import LIMITS, SECRET, Outside, holes

GOLD = f"gold-{secrets.token_hex(8)}"

pytestmark = pytest.mark.skipif(
    not (shutil.which("swipl") and shutil.which("bwrap")), reason="needs SWI-Prolog (swipl) and bubblewrap (bwrap)"
)


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    outside = Outside(tmp_path_factory.mktemp("canary"))
    yield outside
    outside.close()


@pytest.fixture(scope="module")
def executions(outside: Outside) -> dict[str, Execution]:
    """What came of all programs; the workers that ran them have ended."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOWRES_HOSTILE_SECRET", SECRET)
        with Judge(PROLOG, LIMITS, "namespaces", 2) as judge, Judge(PROLOG, LIMITS, "namespaces", 1) as in_order:
            if missing := holes(judge, outside):
                pytest.fail(f"no hostile program is run, for the isolation has holes: {missing}", pytrace=False)
            pairs = [program for program in ALL if program.name.startswith(f"{PAIRS}:")]
            others = [program for program in ALL if program not in pairs]
            return run_all(in_order, pairs, outside) | run_all(judge, others, outside)


def run_all(judge: Judge, programs: list[Program], outside: Outside) -> dict[str, Execution]:
    texts = [outside.fill_in(program.text) for program in programs]
    done = judge.execute(texts, [Test(GOLD)] * len(texts))
    return {program.name: execution for program, execution in zip(programs, done, strict=True)}


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_has_an_expected_outcome(name: str, executions: dict[str, Execution]) -> None:
    program, execution = PROGRAMS[name], executions[name]
    outcomes = read_outcomes(DIFFERS[name][0]) if name in DIFFERS else program.outcomes
    assert (execution.status.value, execution.answer) in outcomes, f"{program.text[:2000]}\n{execution}"[:5000]


def test_every_program_ran_isolated(executions: dict[str, Execution]) -> None:
    assert {execution.isolation for execution in executions.values()} == {"namespaces"}


def test_no_program_is_the_judges_failure(executions: dict[str, Execution]) -> None:
    assert [name for name, execution in executions.items() if execution.status is Status.INFRA_ERROR] == []


def test_no_file_outside_was_changed(executions: dict[str, Execution], outside: Outside) -> None:
    assert outside.changed_files() == set()


def test_nobody_was_called(executions: dict[str, Execution], outside: Outside) -> None:
    assert outside.calls() == []


def test_no_process_is_left(executions: dict[str, Execution], outside: Outside) -> None:
    assert outside.new_processes() == []


@pytest.mark.parametrize("secret", [SECRET, GOLD], ids=["of_the_user", "expected_answer"])
def test_no_secret_came_out(secret: str, executions: dict[str, Execution]) -> None:
    told = {name: json.dumps(asdict(execution)) for name, execution in executions.items()}
    assert [name for name, text in told.items() if secret in text] == []


def test_no_answer_is_taken_for_the_expected_one(executions: dict[str, Execution]) -> None:
    answers = {name: execution.answer for name, execution in executions.items()}
    assert [name for name, answer in answers.items() if answer is not None and PROLOG.compare(GOLD, answer)] == []


def test_names_are_unique_and_every_status_is_expected() -> None:
    assert len(PROGRAMS) == len(ALL)
    expected = {status for program in ALL for status, _ in program.outcomes}
    assert expected == {status.value for status in Status} - {Status.INFRA_ERROR.value}
    firsts = [name for name in PROGRAMS if name.startswith(f"{PAIRS}:") and not name.endswith(".then")]
    assert all(f"{name}.then" in PROGRAMS for name in firsts)
