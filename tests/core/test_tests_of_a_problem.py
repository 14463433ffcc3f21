"""Several tests of one problem: which are run, how many were passed, and what they may ask for."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

import pytest
from lowres_code.checkers import Checker, find_checker
from lowres_code.completion import Completion
from lowres_code.judge import Judge
from lowres_code.judgement import Judgement
from lowres_code.language.base import Limits
from lowres_code.plugins.manager import plugin_manager
from lowres_code.problem import Test

from tests.core.sandbox.asked import begun

MANY = 12


@pytest.fixture(scope="module")
def lua(isolated: None) -> Iterator[Judge]:
    with Judge(plugin_manager().languages["lua"].thing, Limits(cpu_s=4), "namespaces", workers=2) as judge:
        yield judge


def completion(program: str | None) -> Completion:
    return Completion(text=program or "", reasoning=None, program=program, well_formed=False)


def judged(judge: Judge, program: str, *tests: Test, every_test: bool = False) -> Judgement:
    return judge.judge_parsed([completion(program)], [tests], every_test)[0]


@pytest.fixture
def run() -> Iterator[list[Test]]:
    """What is asked of workers, in this order."""
    with begun() as run:
        yield run


def read_by(run: list[Test]) -> list[str]:
    """What the programs that ran were given to read."""
    return [test.stdin for test in run]


DOUBLES = tuple(Test(str(2 * n), stdin=str(n)) for n in range(MANY))
UP_TO_THREE = "local n = io.read('n')\nif n == 3 then error('three') end\nprint(2 * n)"


def test_the_first_test_that_fails_spares_those_behind_it(lua: Judge, run: list[Test]) -> None:
    programs = [f"{UP_TO_THREE} -- {n}" for n in range(4)]  # more than workers
    found = lua.judge_parsed([completion(program) for program in programs], [DOUBLES] * 4)
    assert [(j.verdict, j.failed_test, j.passed, j.tests) for j in found] == [("runtime_error", 3, None, MANY)] * 4
    assert read_by(run)[:16].count("0") == 4  # side by side, each with one test at a time
    # Of the last programs, a worker without work may have begun one test more each; and one waits at each worker.
    assert 16 <= len(run) <= 16 + 4 + 2


def test_one_program_alone_uses_all_workers_and_is_told_of_the_first_failure(lua: Judge, run: list[Test]) -> None:
    slow_first = "local n = io.read('n')\nif n == 0 then for i = 1, 3e7 do end end\nerror(tostring(n))"
    found = judged(lua, slow_first, *DOUBLES)
    assert (found.failed_test, found.execution and "0" in found.execution.stderr) == (0, True)
    assert sorted(read_by(run)) == ["0", "1"]  # the second failed first, and began nothing more


def test_all_are_run_where_the_fraction_is_asked_for(lua: Judge, run: list[Test]) -> None:
    found = judged(lua, UP_TO_THREE, *DOUBLES, every_test=True)
    assert len(run) == MANY
    assert (found.verdict, found.failed_test, found.passed, found.tests) == ("runtime_error", 3, MANY - 1, MANY)
    assert found.fraction == pytest.approx(11 / 12)


@pytest.mark.parametrize("every_test", [False, True])
def test_how_many_are_passed_is_known_where_all_are_or_there_is_one(every_test: bool, lua: Judge) -> None:
    right = judged(lua, "print(2 * io.read('n'))", *DOUBLES[:3], every_test=every_test)
    assert (right.verdict, right.passed, right.tests, right.failed_test) == ("correct", 3, 3, None)
    wrong = judged(lua, "print(1)", Test("2"), every_test=every_test)
    assert (wrong.verdict, wrong.passed, wrong.tests, wrong.failed_test) == ("wrong_answer", 0, 1, 0)
    none = lua.judge_parsed([completion(None)], [DOUBLES], every_test)[0]
    assert (none.verdict, none.passed, none.tests) == ("no_code", 0, MANY)


def fails_on_two(expected: str, actual: str, stdin: str) -> bool:
    if stdin == "2":
        raise LookupError("two")
    return expected == actual.strip()


def test_a_failure_of_the_judge_is_the_verdict_where_the_fraction_is_asked_for(lua: Judge) -> None:
    tests = [Test(str(2 * n), stdin=str(n), checker=Checker("odd-one", "", fails_on_two)) for n in range(4)]
    wrong_at_one = "local n = io.read('n')\nprint(n == 1 and 7 or 2 * n)"
    stopped = judged(lua, wrong_at_one, *tests)
    assert (stopped.verdict, stopped.failed_test, stopped.passed) == ("wrong_answer", 1, None)
    every = judged(lua, wrong_at_one, *tests, every_test=True)
    assert (every.verdict, every.failed_test, every.passed) == ("infra_error", 2, None)
    assert every.execution is not None
    said = "the answers cannot be compared: checker 'odd-one' fails: LookupError: two"
    assert every.execution.diagnostics[0].message == said


def test_a_checker_decides_instead_of_the_language(lua: Judge) -> None:
    program = "print('b 1.00')\nprint('a')"
    expected = {
        None: "wrong_answer",
        "exact": "wrong_answer",
        "tokens": "wrong_answer",
        "lines-any-order": "wrong_answer",
        "float": "wrong_answer",
    }
    for name, verdict in expected.items():
        test = Test("a\nb 1.00001", checker=find_checker(name) if name else None)
        assert judged(lua, program, test).verdict == verdict, name
    right = {"exact": "b 1.00\na", "tokens": "b 1.00 a", "lines-any-order": "a\nb 1.00", "float(rel=0.1)": "b 0.95\na"}
    for name, text in right.items():
        assert judged(lua, program, Test(text, checker=find_checker(name))).verdict == "correct", name
    assert judged(lua, program, Test("b 1\na")).verdict == "correct"  # as the language has it
    assert judged(lua, program, Test("b 1\na", checker=find_checker("tokens"))).verdict == "wrong_answer"


def test_a_checker_compares_texts_where_the_language_compares_terms(judge: Judge) -> None:
    listed = [completion("solve([1, 2]).")] * 3
    checkers = [None, find_checker("json"), find_checker("exact")]
    tests = [(Test("[1,2]", checker=checker),) for checker in checkers]
    assert [j.verdict for j in judge.judge_parsed(listed, tests)] == ["correct", "correct", "correct"]
    blanks = [(Test("[1, 2]", checker=checker),) for checker in checkers]
    assert [j.verdict for j in judge.judge_parsed(listed, blanks)] == ["correct", "correct", "wrong_answer"]


# Nothing is to be printed

SILENT: list[tuple[str, dict[str, str]]] = [
    ("prints nothing", {"lua": "local x = 1", "tcl": "set x 1", "python": "x = 1"}),
    ("ends early with exit code 0", {"lua": "os.exit(0)", "tcl": "exit 0", "python": "import os\nos._exit(0)"}),
    ("prints blanks", {"lua": "print()", "tcl": "puts {}", "python": "print(' ')"}),
]
NOT_SILENT: list[tuple[str, dict[str, str], str]] = [
    ("prints", {"lua": "print(0)", "tcl": "puts 0", "python": "print(0)"}, "wrong_answer"),
    ("raises", {"lua": "error('no')", "tcl": "error no", "python": "raise ValueError"}, "runtime_error"),
    ("cannot be read", {"lua": "x = = 1", "tcl": "if {1} {", "python": "x = = 1"}, "syntax_error"),
    ("exits with 3", {"lua": "os.exit(3)", "tcl": "exit 3", "python": "import sys\nsys.exit(3)"}, "runtime_error"),
    (
        "is killed",
        {
            "lua": "os.execute('kill -9 $PPID')",
            "python": "import os\nos.kill(os.getpid(), 9)",
        },
        "runtime_error",
    ),
    (
        "loops",
        {"lua": "while true do end", "tcl": "while 1 {}", "python": "while True:\n  pass"},
        "timeout",
    ),
]


@pytest.mark.parametrize("name", ["lua", "tcl", "python"])
def test_nothing_is_right_where_nothing_is_expected_and_a_crash_never_is(name: str, isolated: None) -> None:
    language = plugin_manager().languages[name].thing
    if missing := language.missing():
        pytest.skip(missing.message(name))
    programs = {what: texts[name] for what, texts in SILENT}
    programs |= {what: texts[name] for what, texts, _ in NOT_SILENT if name in texts}
    expected = {what: verdict for what, _, verdict in NOT_SILENT}
    with Judge(language, Limits(cpu_s=1), "namespaces") as judge:
        found = judge.judge_parsed([completion(text) for text in programs.values()], [(Test(""),)] * len(programs))
        told = {what: judgement.verdict for what, judgement in zip(programs, found, strict=True)}
        assert told == {what: expected.get(what, "correct") for what in programs}
        silent = completion(programs["prints nothing"])
        for test in (Test("0"), Test("''"), Test('""'), Test(check=lambda answer: True)):
            assert judge.judge_parsed([silent], [(test,)])[0].verdict == "no_answer"
        exact = Test("  ", checker=find_checker("exact"))  # blanks are expected
        assert judge.judge_parsed([silent], [(exact,)])[0].verdict == "no_answer"
        assert judge.judge_parsed([silent], [(Test("\n", checker=find_checker("tokens")),)])[0].correct


def test_where_nothing_is_printed_no_answer_stays_none(judge: Judge) -> None:
    programs = ["solve(_) :- fail.", ":- halt(0).", "solve('')."]
    found = judge.judge_parsed([completion(text) for text in programs], [(Test(""),)] * 3)
    assert [j.verdict for j in found] == ["no_answer", "no_answer", "correct"]  # the last answers with the empty text


# Limits of a problem


def test_a_problem_lowers_limits_for_itself_alone(lua: Judge) -> None:
    busy = "local t = os.clock()\nwhile os.clock() - t < 2 do end\nprint(1)"
    found = lua.judge_parsed([completion(busy)] * 2, [(Test("1", limits={"cpu_s": 1}),), (Test("1"),)])
    assert [j.verdict for j in found] == ["timeout", "correct"]
    talks = "print(('x'):rep(3000))"
    for asked, verdict in (({"output_kb": 2}, "output_limit"), ({}, "wrong_answer")):
        assert judged(lua, talks, Test("1", limits=asked)).verdict == verdict


def test_a_problem_raises_no_limit_and_that_is_told_once(lua: Judge, caplog: pytest.LogCaptureFixture) -> None:
    endless = Test("1", limits={"cpu_s": 50, "output_kb": 1})
    with Judge(lua.language, Limits(cpu_s=1), "namespaces", workers=2) as judge, caplog.at_level(logging.WARNING):
        found = judge.judge_parsed([completion(f"while true do end -- {n}") for n in range(2)], [(endless,)] * 2)
        judge.execute(["print(1)"], [endless])
    assert [j.verdict for j in found] == ["timeout", "timeout"]
    told: Sequence[str] = [record.getMessage() for record in caplog.records]
    assert told == [
        "a problem asks for limits.cpu_s = 50; programs have 1 here at most: --set limits.cpu_s=50 allows it"
    ]


def test_what_a_language_needs_comes_before_what_a_problem_asks(isolated: None) -> None:
    lisp = plugin_manager().languages["common-lisp"].thing
    if missing := lisp.missing():
        pytest.skip(missing.message("common-lisp"))
    assert lisp.needs["memory_mb"] > 64
    with Judge(lisp, isolation="namespaces", workers=1) as judge:
        assert judged(judge, "(princ 1)", Test("1", limits={"memory_mb": 64})).correct
