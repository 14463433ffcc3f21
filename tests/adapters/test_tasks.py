"""Problems of a file as rows and prompts."""

from __future__ import annotations

from pathlib import Path

import pytest
from lowres_code.adapters.tasks import answer_of, asked, read_rows
from lowres_code.errors import UsageError
from lowres_code.plugins.manager import find_language


def test_rows_are_problems_as_they_stand_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "some.jsonl"
    file.write_text(
        '{"question": "q", "answer": 0}\n{"id": "x", "question": "r", "tests": [{"stdout": "1"}], "tag": 1}\n'
    )
    rows = read_rows(str(file))
    assert rows == [
        {"question": "q", "answer": 0, "id": "some-1"},
        {"id": "x", "question": "r", "tests": [{"stdout": "1"}], "tag": 1},
    ]
    assert [answer_of(row) for row in rows] == ["0", ""]


def test_a_file_that_holds_no_problems_is_refused(tmp_path: Path) -> None:
    (tmp_path / "none.jsonl").write_text("")
    (tmp_path / "bad.csv").write_text("question,anser\nq,42\n")
    with pytest.raises(UsageError, match=r"none\.jsonl' has no rows"):
        read_rows(str(tmp_path / "none.jsonl"))
    with pytest.raises(UsageError, match=r"bad\.csv: row 1: needs 'answer', or 'tests'"):
        read_rows(str(tmp_path / "bad.csv"))
    with pytest.raises(UsageError, match=r"there\.jsonl"):
        read_rows(str(tmp_path / "there.jsonl"))


def test_a_question_is_asked_with_as_many_examples_as_one_likes() -> None:
    lua = find_language("lua").thing
    assert [message["role"] for message in asked(lua, "What is 6 times 7?")] == ["system", "user"]
    shown = asked(lua, "What is 6 times 7?", shots=1)
    assert [message["role"] for message in shown] == ["system", "user", "assistant", "user"]
    assert shown[-1]["content"] == "What is 6 times 7?"
