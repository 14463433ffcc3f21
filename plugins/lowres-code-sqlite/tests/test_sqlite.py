"""All that the judge relies on, in one line; then what is special about SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lowres_code import Execution, Judge, Limits, Status, Test, assert_conforms
from lowres_code_sqlite import SQLite


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    with Judge(SQLite(), Limits(cpu_s=5, memory_mb=128), workers=1) as judge:
        yield judge


def run(judge: Judge, program: str) -> Execution:
    return judge.execute([program], [Test()])[0]


def test_it_conforms() -> None:
    assert_conforms(SQLite(), soak_of=50)


@pytest.mark.parametrize(
    ("program", "answer"),
    [
        ("SELECT 1; SELECT 2; CREATE TABLE t (x);", "2"),
        ("SELECT 6 * 7 -- no semicolon; none is needed", "42"),
        ("SELECT 'a;b', /* ; */ 1.0, 0.1 + 0.2, NULL, 1e100;", "a;b|1.0|0.3||1.0e+100"),
        ("EXPLAIN QUERY PLAN SELECT 1; SELECT 'after';", "after"),
        (
            "CREATE TABLE t (x); CREATE TABLE log (x);\n"
            "CREATE TRIGGER kept AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.x); END;\n"
            "INSERT INTO t VALUES (3), (4); SELECT x FROM log;",
            "3\n4",
        ),
        ("SELECT 1; SELECT 2 WHERE 0;", None),
        ("", None),
    ],
)
def test_the_answer_is_what_the_last_query_prints(judge: Judge, program: str, answer: str | None) -> None:
    execution = run(judge, program)
    assert execution.status is (Status.NO_ANSWER if answer is None else Status.OK), execution
    assert execution.answer == answer


@pytest.mark.parametrize(
    ("program", "status", "line", "message"),
    [
        ("SELECT 1;\n\n-- here\nSELEC 2;", Status.SYNTAX_ERROR, 4, 'near "SELEC": syntax error'),
        ("SELECT 1;\nSELECT (2;\n", Status.SYNTAX_ERROR, 2, 'near ";": syntax error'),
        ("SELECT 1;\nSELECT 2 +", Status.SYNTAX_ERROR, 2, "incomplete input"),
        ("\n.tables", Status.SYNTAX_ERROR, 2, 'near ".": syntax error'),
        ("SELECT 1;\nSELECT 2\0;", Status.SYNTAX_ERROR, 2, "a character that cannot be in a text"),
        ("SELECT 1;\nSELECT x FROM t;", Status.RUNTIME_ERROR, 2, "no such table: t"),
        ("CREATE TABLE t (x UNIQUE);\nINSERT INTO t VALUES (1), (1);", Status.RUNTIME_ERROR, 2, "UNIQUE constraint"),
    ],
)
def test_an_error_has_its_line(judge: Judge, program: str, status: Status, line: int, message: str) -> None:
    execution = run(judge, program)
    (diagnostic,) = execution.diagnostics
    assert (execution.status, diagnostic.line) == (status, line)
    assert message in diagnostic.message


def test_reading_a_program_does_not_run_it(judge: Judge) -> None:
    assert judge.check_syntax([SQLite.snippets["loop"]])[0].status is Status.OK
    assert run(judge, f"{SQLite.snippets['loop']}\nSELEC;").status is Status.SYNTAX_ERROR


@pytest.mark.parametrize(
    "greedy", ["SELECT hex(zeroblob(200000000))", "SELECT hex(zeroblob(100000)) FROM n ORDER BY 1"]
)
def test_too_much_memory_is_told_from_an_error(judge: Judge, greedy: str) -> None:
    numbers = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n)"
    assert run(judge, f"{numbers} {greedy};").status is Status.MEMORY_LIMIT


def test_a_message_that_quotes_no_text_is_no_failure_of_the_judge(judge: Judge) -> None:
    assert run(judge, "ATTACH '/no_folder/' || CAST(x'ff' AS TEXT) AS x;").status is Status.RUNTIME_ERROR


def test_no_database_can_be_made_outside_the_working_directory(judge: Judge, tmp_path: Path) -> None:
    execution = run(judge, f"ATTACH '{tmp_path}/new' AS new;\nCREATE TABLE new.t (x);")
    assert execution.status is Status.RUNTIME_ERROR
    assert not list(tmp_path.iterdir())
