"""The language ``sqlite``: scripts of SQL statements, through Python's own sqlite3.

A program means what ``sqlite3 :memory: < FILE`` makes of it, but for two things: its answer is what the last query
prints there, without what others have printed before; and the first error ends it.
"""

from __future__ import annotations

import contextlib
import functools
import re
import sqlite3
from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import NamedTuple

from lowres_code import (
    Diagnostic,
    EmbeddedLanguage,
    Example,
    Execution,
    Language,
    Limits,
    SelfTest,
    Status,
    Test,
    hookimpl,
)


class SQLite(EmbeddedLanguage):
    """SQLite's SQL, in an empty database in memory."""

    name = "sqlite"
    title = "SQLite SQL"
    suffix = ".sql"
    fences = ("sql", "sqlite", "sqlite3")
    guidance = (
        "The program is a script of SQL statements for SQLite, each ended by a semicolon; the database is empty when "
        "it begins. The answer is what the last SELECT gives, which should be one row with one column. Dividing two "
        "integers gives an integer: write 7 / 2.0 for 3.5. There is no generate_series: count with WITH RECURSIVE."
    )
    examples = (
        Example(
            question="Anna has 3 boxes of 12 pencils each. She gives 7 pencils away. How many pencils has she left?",
            reasoning="Anna starts with 3 times 12 pencils and gives 7 away. What is left is 3 * 12 - 7.",
            program=(
                "WITH anna(boxes, pencils_per_box, given_away) AS (VALUES (3, 12, 7))\n"
                "SELECT boxes * pencils_per_box - given_away FROM anna;"
            ),
            answer="29",
        ),
    )
    self_tests = (
        SelfTest("SELECT 6 * 7;", Status.OK, "42"),
        SelfTest("CREATE TABLE t (x);\nINSERT INTO t VALUES (1), (2), (4);\nSELECT sum(x) FROM t;", Status.OK, "7"),
        SelfTest("VALUES (1, 'one'), (2, 'two')", Status.OK, "1|one\n2|two"),
        SelfTest("SELECT NULL;", Status.NO_ANSWER),
        SelfTest("SELECT 1;\nSELEC 2;", Status.SYNTAX_ERROR),
        SelfTest("SELECT x FROM no_table;", Status.RUNTIME_ERROR),
    )
    snippets = MappingProxyType(
        {
            "hello": "SELECT 'hello';",
            "syntax_error": "SELECT 'hello';\nSELECT FROM WHERE;",
            "runtime_error": "SELECT abs(-9223372036854775808);",
            "loop": "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n;",
            "memory": (
                "CREATE TABLE kept (x);\n"
                "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n)\n"
                "INSERT INTO kept SELECT hex(zeroblob(500000)) FROM n;"
            ),
            "flood": "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT i FROM n;",
            "write_outside": "ATTACH '@PATH@' AS outside;\nCREATE TABLE outside.spam (x);",
            "state": (
                "ATTACH 'state' AS state;\n"
                "CREATE TABLE IF NOT EXISTS state.visits (n);\n"
                "INSERT INTO state.visits VALUES (1);\n"
                "SELECT CASE count(*) WHEN 1 THEN 'clean' ELSE 'seen' END FROM state.visits;"
            ),
            "non_utf8": "SELECT CAST(x'ff' AS TEXT);",
        }
    )
    plain = ("sqlite3", ":memory:", ".read {file}")

    def load(self, warm_up: str) -> None:
        """Let the library set itself up, which it does when it is first used."""
        with contextlib.closing(_empty_database()) as database:
            database.execute("SELECT 1")

    def check_syntax(self, program: str) -> tuple[Diagnostic, ...]:
        """Have each statement explained, in an empty database: that reads it and does not run it."""
        if stranger := re.search("[\0\ud800-\udfff]", program):
            line = program.count("\n", 0, stranger.start()) + 1
            return (Diagnostic("a character that cannot be in a text", line=line),)
        with contextlib.closing(_empty_database()) as database:
            found = (statement.syntax_error(database) for statement in _statements(program))
            return tuple(diagnostic for diagnostic in found if diagnostic)

    def execute(self, program: str, test: Test, limits: Limits) -> Execution:
        """Run statement after statement; the answer is what the last query gives."""
        if found := self.check_syntax(program):
            return Execution(Status.SYNTAX_ERROR, diagnostics=found)
        answer, line = "", 1
        with contextlib.closing(_empty_database()) as database:
            try:
                for statement in _statements(program):
                    line = statement.line
                    rows = database.execute(statement.text)
                    if rows.description:  # it is a query
                        answer = _printed(database, rows, limits.output_kb * 1024)
            except OutputLimitError:
                return Execution(Status.OUTPUT_LIMIT)
            except ERRORS as error:
                # What a trigger does is read only when its table is there: a syntax error can come as late as here.
                status = Status.SYNTAX_ERROR if _is_syntax(error) else Status.RUNTIME_ERROR
                return Execution(status, diagnostics=(Diagnostic(str(error), line=line),))
        # No query, no rows and NULL print nothing that could be an answer.
        return Execution(Status.OK, answer) if answer else Execution(Status.NO_ANSWER)


class Statement(NamedTuple):
    """One statement of a program, and the line in which it begins."""

    text: str
    line: int

    def syntax_error(self, database: sqlite3.Connection) -> Diagnostic | None:
        """What is wrong with it for whoever knows no tables; anything else comes out when it is run."""
        asks_itself = re.match(r"explain\b", self.text, re.IGNORECASE)
        try:
            database.execute(self.text if asks_itself else f"EXPLAIN {self.text}")
        except ERRORS as error:
            return Diagnostic(str(error), line=self.line) if _is_syntax(error) else None
        return None


class OutputLimitError(Exception):
    """A query gives more than a program may print."""


# sqlite3 raises the latter if a message quotes bytes of the program's that are no text.
ERRORS = (sqlite3.Error, UnicodeDecodeError)
BLANKS = re.compile(r"(?:[ \t\n\f\r]|--[^\n]*|/\*.*?(?:\*/|\Z))*", re.DOTALL)  # comments are blanks too
SYNTAX = re.compile(r'near ".*": syntax error|incomplete input|unrecognized token: .*', re.DOTALL)


def _empty_database() -> sqlite3.Connection:
    database = sqlite3.connect(":memory:", isolation_level=None)  # no transaction but the program's own
    database.text_factory = functools.partial(str, encoding="utf-8", errors="replace")
    database.execute("PRAGMA temp_store = memory")  # large sorts are for the limit of memory, not for that of files
    return database


def _statements(program: str) -> Iterator[Statement]:
    """The statements of a program; SQLite says which semicolons end one."""
    begin = 0
    semicolons = (place + 1 for place, character in enumerate(program) if character == ";")
    for end in (*semicolons, len(program)):
        if end == len(program) or sqlite3.complete_statement(program[begin:end]):
            blanks = BLANKS.match(program, begin, end)
            first = blanks.end() if blanks else begin
            if program[first:end] not in ("", ";"):
                yield Statement(program[first:end], program.count("\n", 0, first) + 1)
            begin = end


def _printed(database: sqlite3.Connection, rows: sqlite3.Cursor, most: int) -> str:
    """The rows of a query as the command ``sqlite3`` prints them, if they are no longer than ``most`` bytes."""
    lines = []
    for row in rows:
        lines.append("|".join(_text(database, value) for value in row))
        most -= len(lines[-1].encode()) + 1
        if most < 0:
            raise OutputLimitError
    return "\n".join(lines)


def _text(database: sqlite3.Connection, value: object) -> str:
    """A value as SQLite itself writes it: 0.1 + 0.2 is 0.3, NULL is nothing."""
    return str(database.execute("SELECT coalesce(CAST(? AS TEXT), '')", (value,)).fetchone()[0])


def _is_syntax(error: Exception) -> bool:
    """Whether SQLite could not read a statement; all its errors are of one kind, and only the words tell."""
    return SYNTAX.fullmatch(str(error)) is not None


@hookimpl
def register_languages(register: Callable[[Language], None]) -> None:
    """The plugin: lowres-code calls this when it looks for languages."""
    register(SQLite())
