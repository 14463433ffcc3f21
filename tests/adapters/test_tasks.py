"""Problems of a file as rows and prompts."""

from __future__ import annotations

from pathlib import Path

import pytest
from lowres_code.adapters.tasks import answer_of, asked, read_rows
from lowres_code.errors import UsageError
from lowres_code.plugins.manager import find_language

LUA = find_language("lua").thing


def test_rows_are_problems_as_they_stand_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "some.jsonl"
    file.write_text(
        '{"question": "q", "answer": 0}\n{"id": "x", "question": "r", "tests": [{"stdout": "1"}], "tag": 1}\n'
    )
    rows = read_rows(str(file), LUA)
    assert rows == [
        {"question": "q", "answer": 0, "id": "some-1"},
        {"id": "x", "question": "r", "tests": [{"stdout": "1"}], "tag": 1},
    ]
    assert [answer_of(row) for row in rows] == ["0", ""]


def test_a_file_that_holds_no_problems_is_refused(tmp_path: Path) -> None:
    (tmp_path / "none.jsonl").write_text("")
    (tmp_path / "bad.csv").write_text("question,anser\nq,42\n")
    with pytest.raises(UsageError, match=r"none\.jsonl' has no rows"):
        read_rows(str(tmp_path / "none.jsonl"), LUA)
    with pytest.raises(UsageError, match=r"bad\.csv: row 1: needs 'answer', or 'tests'"):
        read_rows(str(tmp_path / "bad.csv"), LUA)
    with pytest.raises(UsageError, match=r"there\.jsonl"):
        read_rows(str(tmp_path / "there.jsonl"), LUA)


def test_an_empty_cell_is_none(tmp_path: Path) -> None:
    file = tmp_path / "some.csv"
    file.write_text('question,answer,tests,checker,query,limits\nq,42,,,,\nr,,"[{""stdout"": ""1""}]",,,\n')
    rows = read_rows(str(file), LUA)
    assert rows[0] == {"question": "q", "answer": "42", "id": "some-1"}
    assert rows[1] == {"question": "r", "tests": '[{"stdout": "1"}]', "id": "some-2"}


def test_what_the_language_cannot_do_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    file = tmp_path / "some.jsonl"
    file.write_text('{"question": "q", "answer": "42", "query": "solve(X)"}\n')
    with pytest.raises(UsageError, match=r"some\.jsonl:1 asks the query 'solve\(X\)', but Lua has no queries"):
        read_rows(str(file), LUA)


def test_a_question_is_asked_with_as_many_examples_as_one_likes() -> None:
    assert [message["role"] for message in asked(LUA, "What is 6 times 7?")] == ["system", "user"]
    shown = asked(LUA, "What is 6 times 7?", shots=1)
    assert [message["role"] for message in shown] == ["system", "user", "assistant", "user"]
    assert shown[-1]["content"] == "What is 6 times 7?"
