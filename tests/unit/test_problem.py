from __future__ import annotations

from pathlib import Path

import pytest
from lowres_code.errors import UsageError
from lowres_code.problem import Problem, Test, problem_of, read_each, read_records, unique


def test_a_record_with_an_answer() -> None:
    problem = problem_of({"id": 7, "question": "q", "answer": 3, "level": "easy"}, "d/f.jsonl:1")
    assert problem == Problem("7", "q", (Test("3"),), metadata={"level": "easy"})


def test_a_record_with_tests() -> None:
    record = {"question": "q", "tests": [{"stdin": "1", "stdout": "2"}, {"stdout": "0"}], "query": "main(X)"}
    problem = problem_of(record, "d/f.jsonl:1")
    assert problem.id == "f-1"
    assert problem.tests == (Test("2", "1", "main(X)"), Test("0", "", "main(X)"))


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"answer": "1"}, "question"),
        ({"question": " ", "answer": "1"}, "question"),
        ({"question": "q"}, "answer"),
        ({"question": "q", "tests": []}, "tests"),
        ({"question": "q", "tests": [{"stdin": "1"}]}, "stdout"),
        ({"question": "q", "tests": [{"stdout": "\n"}]}, "'stdout' must not be empty"),
        ({"question": "q", "answer": "1", "query": 3}, "query"),
        ({"question": "q", "answer": [1]}, "answer"),
        ({"question": "q", "answer": True}, "answer"),
        ({"question": "q", "answer": "1", "tests": [{"stdout": "1"}]}, "both 'answer' and 'tests'"),
        ({"question": "q", "tests": [{"stdin": ["1"], "stdout": "1"}]}, "stdin"),
    ],
)
def test_bad_records_are_refused_by_their_place(record: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=f"f.jsonl:1.*{message}"):
        problem_of(record, "d/f.jsonl:1")


def test_a_bad_line_is_named(tmp_path: Path) -> None:
    file = tmp_path / "problems.jsonl"
    file.write_text('{"question": "q", "answer": "1"}\n\n{"question"\n')
    with pytest.raises(UsageError, match=r"problems\.jsonl:3: not JSON"):
        list(read_records(file))


@pytest.mark.parametrize("value", ["9" * 5000, "[" * 100_000])
def test_json_that_python_cannot_read_is_told(value: str, tmp_path: Path) -> None:
    file = tmp_path / "problems.jsonl"
    file.write_text(f'{{"question": "q", "answer": {value}\n')
    with pytest.raises(UsageError, match=r"problems\.jsonl:1: "):
        list(read_records(file))


def test_standard_input_that_is_null_is_empty() -> None:
    assert problem_of({"question": "q", "tests": [{"stdin": None, "stdout": "1"}]}, "f:1").tests == (Test("1"),)


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        list(read_records(tmp_path / "none.jsonl"))


def test_unique_keeps_the_first_of_each_question() -> None:
    problems = [Problem("a", "q", (Test("1"),)), Problem("b", "r", (Test("1"),)), Problem("c", "q", (Test("2"),))]
    assert [problem.id for problem in unique(problems)] == ["a", "b"]


def test_all_bad_records_are_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "problems.jsonl"
    file.write_text('{"question": "q", "answer": "1"}\n' + '{"question": "q"}\n' * 7)
    with pytest.raises(UsageError) as refused:
        read_each(file, problem_of)
    lines = str(refused.value).splitlines()
    assert [line.partition("problems.jsonl:")[2][:8] for line in lines[:5]] == [f"{n}: needs" for n in range(2, 7)]
    assert lines[5:] == ["and 2 more of 8 lines"]
