"""Verification passes what is sound, and says what is wrong with what is not."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest
from lowres_code.conformance import Report, assert_conforms, verify
from lowres_code.conformance.checks import first_steps
from lowres_code.conformance.result import Outcome
from lowres_code.conformance.verify import LIMITS
from lowres_code.errors import UsageError
from lowres_code.judge import Judge
from lowres_code.language.base import Language, SelfTest, Status
from lowres_code.language.command import CommandLanguage

from tests.conftest import Cli
from tests.core.conformance.bad_backends import Generous, Indifferent

SHELL = CommandLanguage(
    name="shell",
    title="Shell",
    suffix=".sh",
    run=("sh", "{file}"),
    check=("sh", "-n", "{file}"),
    self_tests=(SelfTest("echo $((6 * 7))", Status.OK, "42"), SelfTest("exit 3", Status.RUNTIME_ERROR)),
    snippets={
        "hello": "echo hello",
        "syntax_error": "echo hello\nif then\n",
        "runtime_error": "exit 1",
        "loop": "while :; do :; done",
        "flood": "while :; do echo spam; done",
        "fork": "bomb() { bomb | bomb & }; bomb; wait",
        "stdin": "read line; echo $line",
        "close_stdout": "exec >&-; echo hello",
        "exit_early": "exit 0; echo hello",
        "write_outside": "echo spam > @PATH@",
        "environment": "echo ${@VARIABLE@:-none}",
        "state": "if [ -e state ]; then echo seen; else touch state; echo clean; fi",
        "non_utf8": "printf '\\377'",
    },
)


def failures(report: Report) -> dict[str, str]:
    return {check.name: check.detail for check in report.failures}


def first_failures(language: Language) -> dict[str, str]:
    """What the first steps of a verification find, without the seconds that hostile programs take."""
    with Judge(language, LIMITS, workers=1) as judge:
        return {check.name: check.detail for check in first_steps(judge) if check.outcome is Outcome.FAILED}


def outcomes(report: Report) -> dict[str, Outcome]:
    return {check.name: check.outcome for check in report.checks}


def test_a_sound_backend_conforms_and_what_was_not_tried_is_told() -> None:
    report = verify(SHELL, soak_of=40)
    assert report.passed, failures(report)
    found = outcomes(report)
    assert {name for name, outcome in found.items() if outcome is Outcome.NOT_TRIED} == {"memory", "network"}
    assert {name for name, outcome in found.items() if outcome is Outcome.ADVICE} == {"example"}
    for name in (
        "isolation: fork bomb",
        "isolation: writes outside",
        "fork",
        "state",
        "self-test 2",
        "soak of 40 programs",
    ):
        assert found[name] is Outcome.PASSED
    assert report.isolation == "namespaces"
    assert 0 < report.p50_ms <= report.p90_ms


def test_limits_that_are_too_low_for_the_tools_are_told() -> None:
    """A run-time that reserves 3 GiB which it never uses, one that takes 300 MiB, one that is wrong however it runs."""
    reserving, taking = "import mmap; mmap.mmap(-1, 3 << 30, prot=mmap.PROT_READ)", "x = b'x' * (300 << 20)"
    judge = verify_first_steps(reserving), verify_first_steps(taking), verify_first_steps("raise SystemExit(1)")
    assert [detail.partition("higher limits")[2].strip(": ") for detail in judge] == [
        "[limits] reserve_mb = 8192",
        "[limits] memory_mb = 1024",
        "it ends as runtime_error (it ended with exit code 1)",
    ]


def verify_first_steps(before: str) -> str:
    """What verification says of a language whose hello-world does something before."""
    python = CommandLanguage(name="p", title="P", suffix=".py", run=("python3", "{file}"))
    return detail_of("right program", dataclasses.replace(python, snippets={"hello": f"{before}\nprint('hello')"}))


def detail_of(name: str, language: CommandLanguage) -> str:
    with Judge(language, LIMITS) as judge:
        return next(check.detail for check in first_steps(judge) if check.name == name)


def test_what_the_tools_cannot_see_is_told_with_the_key_that_opens_it(tmp_path: Path) -> None:
    tool, library = tmp_path / "bin" / "tool", tmp_path / "lib" / "start.sh"
    for file, text in ((tool, f"#!/bin/sh\n. {library}\nsh $1\n"), (library, "# nothing\n")):
        file.parent.mkdir()
        file.write_text(text)
    tool.chmod(0o755)
    language = dataclasses.replace(SHELL, run=(str(tool), "{file}"), check=(), snippets=only())
    assert detail_of("right program", language).endswith(f'cannot see {tool}: reads = ["{tool.parent}"]')
    half = dataclasses.replace(language, reads=(str(tool.parent),))
    assert detail_of("right program", half).endswith(f'cannot see {library}: reads = ["{library.parent}"]')
    whole = dataclasses.replace(language, reads=(str(tool.parent), str(library.parent)))
    assert detail_of("right program", whole) == ""


def test_a_tool_that_finds_no_file_that_it_does_not_name_is_told_of_reads_too() -> None:
    vague = dataclasses.replace(SHELL, run=("sh", "-c", 'echo "Can\'t find unit system" >&2; exit 1'), check=())
    assert "of the tools' own is missing, name it or its folder, as in reads = [" in detail_of("right program", vague)


def test_a_language_that_ignores_what_stands_behind_a_program_is_told_of_the_snippet() -> None:
    ending = dataclasses.replace(SHELL, check=(), snippets={"hello": "echo hello\nexit 0\n"})
    told = detail_of("broken program", ending)
    assert "if that is right in this language, give a snippet syntax_error: its first line is right" in told
    cured = dataclasses.replace(ending, snippets={**ending.snippets, "syntax_error": "echo hello\nif then\n"})
    assert detail_of("broken program", cured) == ""


def only(**snippets: str) -> dict[str, str]:
    return {"hello": "echo hello", **snippets}


def test_a_run_that_ignores_failure_is_found() -> None:
    ignoring = dataclasses.replace(SHELL, run=("sh", "-c", "sh {file} || true"), snippets=only(runtime_error="exit 1"))
    found = failures(verify(ignoring, soak_of=2))
    assert {"broken program", "runtime error"} <= set(found)
    assert "ends as ok 'hello'" in found["broken program"]
    with pytest.raises(AssertionError, match=r"shell does not conform:\n(.*\n)*runtime error: no_answer"):
        assert_conforms(ignoring, soak_of=2)


def test_conformance_is_also_asserted_where_asserts_are_left_out() -> None:
    script = (
        "import dataclasses\nfrom lowres_code.conformance import assert_conforms\n"
        "from lowres_code import plugin_manager\nlua = plugin_manager().languages['lua'].thing\n"
        "assert_conforms(dataclasses.replace(lua, snippets={'hello': 'print(1)'}), soak_of=1)\n"
    )
    done = subprocess.run([sys.executable, "-O", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "AssertionError: lua does not conform:\nright program: hello ends as ok '1'" in done.stderr


def test_a_backend_that_calls_everything_correct_is_found() -> None:
    found = first_failures(Generous())
    assert found["wrong output"] == "with another answer expected, hello is correct"
    assert "compare" in found


def test_a_backend_that_does_not_run_the_program_is_found() -> None:
    assert "ends as ok 'hello'" in first_failures(Indifferent())["broken program"]


def test_a_check_that_accepts_or_refuses_everything_is_found() -> None:
    refusing = first_failures(dataclasses.replace(SHELL, check=("false",)))
    assert "syntax check of a right program" in refusing
    accepting = first_failures(dataclasses.replace(SHELL, check=("true",)))
    assert accepting["line of a syntax error"].endswith("the check finds nothing wrong")


def test_a_snippet_that_cannot_be_read_proves_nothing() -> None:
    broken = dict.fromkeys(("write_outside", "network", "environment", "fork", "close_stdout"), "if then")
    found = failures(verify(dataclasses.replace(SHELL, snippets=only(**broken)), soak_of=2))
    assert {name.replace("_", " ") for name in broken} <= set(found)


def test_a_backend_without_isolation_is_found_and_nothing_hostile_is_tried() -> None:
    report = verify(SHELL, isolation="limits", soak_of=2)
    found = failures(report)
    assert {"isolation: reads the user's files", "isolation: writes outside", "isolation: network"} <= set(found)
    assert found["hostile programs"] == "not tried, since the isolation does not hold"
    assert not {"isolation: fork bomb", "fork", "loop"} & set(outcomes(report))


def test_a_backend_that_opens_the_isolation_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o755)
    monkeypatch.setenv("HOME", str(tmp_path))
    found = failures(verify(dataclasses.replace(SHELL, reads=(str(tmp_path),)), soak_of=2))
    assert set(found) == {"isolation: reads the user's files", "hostile programs"}


def test_a_backend_that_leaks_state_is_found(tmp_path: Path) -> None:
    """It keeps what programs were in a folder outside, and runs them all again with the next one."""
    everything = tmp_path / "everything.sh"
    tmp_path.chmod(0o777)
    leaking = dataclasses.replace(
        SHELL, run=("sh", "-c", f"cat {{file}} >> {everything}; echo >> {everything}; sh {everything}"), check=()
    )
    report = verify(leaking, isolation="limits", soak_of=3)
    found = failures(report)
    assert "deterministic" in found
    assert found["soak of 3 programs"] == "3 of 3 did not answer hello"


def test_what_cannot_be_verified_is_said() -> None:
    with pytest.raises(UsageError, match="has no snippet 'hello'"):
        verify(dataclasses.replace(SHELL, snippets={}))
    with pytest.raises(UsageError, match="needs no-such-tool, which is not installed: apt install it"):
        verify(dataclasses.replace(SHELL, run=("no-such-tool",), install="apt install it"))


def test_the_command_prints_what_it_found(tmp_path: Path, cli: Cli) -> None:
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text('name = "sh"\nsuffix = ".sh"\nrun = "sh {file}"\n[snippets]\nhello = "echo hello"\n')
    bad.write_text(good.read_text().replace("echo hello", "echo goodbye"))
    done = cli("lang", "verify", good, "--soak", 20, "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["passed"], report["programs"]) == (0, True, 20), done.stderr
    failed = cli("lang", "verify", bad, "--soak", 2)
    assert failed.returncode == 1
    assert "sh does not conform: 2 failed" in failed.stdout
    assert "hello ends as ok 'goodbye'" in failed.stdout
