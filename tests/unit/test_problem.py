from __future__ import annotations

from typing import Any

import pytest
from lowres_code._util.records import difficulty_text, make_each
from lowres_code.checkers import find_checker
from lowres_code.errors import UsageError
from lowres_code.forms import lowest_terms
from lowres_code.problem import Problem, Test, problem_of, unique


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
        ({"question": "q", "answer": "1", "checker": "token"}, "no checker 'token'; did you mean 'tokens'"),
        ({"question": "q", "answer": "1", "checker": {"float": {}}}, "'checker' must be text, as \"tokens\""),
        ({"question": "q", "answer": "one", "checker": "number"}, "the expected answer 'one' is not a number"),
        ({"question": "q", "tests": [{"stdout": "{"}], "checker": "json"}, "the expected answer '{' is not JSON"),
        ({"question": "q", "append": "f()", "checker": "tokens"}, "'checker' is for answers, and 'append' tests none"),
        ({"question": "q", "answer": "1", "limits": {"cpu": 2}}, "there is no limit 'cpu'; did you mean 'cpu_s'"),
        ({"question": "q", "answer": "1", "limits": {"cpu_s": 0}}, "limits.cpu_s must be a whole number from 1"),
        ({"question": "q", "answer": "1", "limits": {"cpu_s": True}}, "limits.cpu_s must be a whole number"),
        ({"question": "q", "answer": "1", "limits": "cpu_s=2"}, "'limits' must be an object, or JSON of one"),
        ({"question": "q", "answer": "1", "limits": [2]}, "'limits' must be an object as {\"cpu_s\": 2}, not"),
        ({"question": "q", "answer": "1", "query": 3}, "query"),
        ({"question": "q", "answer": [1]}, "answer"),
        ({"question": "q", "answer": True}, "answer"),
        ({"question": "q", "answer": None}, "needs 'answer'"),
        ({"question": "q", "answer": ""}, "'answer' must not be empty"),
        ({"question": "q", "answer": " \n"}, "'answer' must not be empty"),
        ({"question": "q", "answer": float("nan")}, "nan"),
        ({"question": "q", "answer": {"a": 1}}, "answer"),
        ({"question": "q", "answer": b"1"}, "answer"),
        ({"question": None, "answer": "1"}, "question"),
        ({"question": "q", "answer": "1", "id": [1]}, "'id' must be text or a number"),
        ({"question": "q", "answer": "1", "task": {"a": 1}}, "'task' must be text or a number"),
        ({"question": "q", "answer": "1/2", "form": "lowest"}, "no form 'lowest'; did you mean 'lowest_terms'"),
        ({"question": "q", "answer": "1", "tests": [{"stdout": "1"}]}, "both 'answer' and 'tests'"),
        ({"question": "q", "append": "f()", "tests": [{"stdout": "1"}]}, "both 'tests' and 'append'"),
        ({"question": "q", "append": 1}, "'append' must be text, not 1"),
        ({"question": "q", "append": " "}, "'append' must not be empty"),
        ({"question": "q", "append": "f()", "prefix": ["f"]}, "'prefix' must be text"),
        ({"question": "q", "tests": [{"stdin": ["1"], "stdout": "1"}]}, "stdin"),
    ],
)
def test_bad_records_are_refused_by_their_place(record: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=f"f.jsonl:1.*{message}"):
        problem_of(record, "d/f.jsonl:1")


def test_limits_and_a_checker_go_with_every_test() -> None:
    record = {
        "question": "q",
        "tests": [{"stdout": "1"}, {"stdin": "x", "stdout": ""}],
        "checker": "float(rel=0.1)",
        "limits": {"cpu_s": 2, "memory_mb": None, "wall_s": 0.5},
    }
    problem = problem_of(record, "f:1")
    float_ = find_checker("float(rel=0.1)")
    lower = {"cpu_s": 2, "wall_s": 0.5}
    assert problem.tests == (
        Test("1", checker=float_, limits=lower),
        Test("", "x", checker=float_, limits=lower),
    )
    assert problem.metadata == {}
    assert problem_of({**record, "limits": '{"cpu_s": 2, "wall_s": 0.5}'}, "f:1").tests == problem.tests
    code = problem_of({"question": "q", "append": "assert(f())", "limits": {"cpu_s": 2}}, "f:1")
    assert [test.limits for test in code.tests] == [{"cpu_s": 2}] * 2


def test_the_record_of_an_evaluation_tells_checkers_and_limits_apart() -> None:
    from lowres_code.evaluation.folder import problem_record

    record = {"question": "q", "answer": "1"}
    plain = {"expected": "1", "stdin": "", "query": None, "checked": False}
    assert problem_record(problem_of(record, "f:1"), []).tests == (plain,)
    more = problem_of({**record, "checker": "float(abs=1)", "limits": {"cpu_s": 2}}, "f:1")
    forms = [problem_record(problem_of({**record, "form": f}, "f:1"), []).tests for f in ("lowest_terms", "worked_out")]
    assert forms[0] == ({**plain, "checked": True, "form": "lowest_terms"},)  # or it would be gone on with
    assert forms[1] == ({**plain, "checked": True, "form": "worked_out"},)
    assert problem_record(more, []).tests == ({**plain, "checker": "float(abs=1)", "limits": {"cpu_s": 2}},)


def test_a_checker_needs_something_to_compare_with() -> None:
    with pytest.raises(UsageError, match="checker 'tokens' needs an expected answer"):
        Test(checker=find_checker("tokens"))


def test_what_is_null_is_absent() -> None:
    problem = problem_of({"id": None, "task": None, "difficulty": None, "question": "q", "answer": 1}, "d/f.jsonl:3")
    assert (problem.id, problem.task, problem.difficulty) == ("f-3", "", "")


def test_a_form_and_a_difficulty_are_no_metadata() -> None:
    record = {"question": "q", "answer": "1/2", "form": "lowest_terms", "difficulty": 3, "source": "me"}
    problem = problem_of(record, "f:1")
    assert problem.tests == (Test("1/2", check=lowest_terms),)
    assert (problem.difficulty, problem.metadata) == ("3", {"source": "me"})


@pytest.mark.parametrize("tests", [(), (Test(),), (Test("1"), Test(stdin="2"))])
def test_a_problem_that_does_not_say_what_is_right_is_refused(tests: tuple[Test, ...]) -> None:
    with pytest.raises(UsageError, match="problem 'p' does not say which answer is right"):
        Problem("p", "q", tests)


def test_a_worker_is_told_nothing_of_the_answer() -> None:
    test = Test("1/2", "in", "q(X)", lowest_terms)
    assert test.without_answer() == Test(stdin="in", query="q(X)")
    float_ = Test("1", checker=find_checker("float(abs=1)"), limits={"cpu_s": 2})
    assert float_.without_answer() == Test(limits={"cpu_s": 2})
    assert len({float_, float_.without_answer()}) == 2
    assert hash(test) != hash(test.without_answer())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("easy", "easy"),
        (0.5, "0.5"),
        ({"terms": (2, 4), "digits": [1, 4]}, "digits=1..4, terms=2..4"),
        ({"kinds": ["a", "b", "c"], "n": None}, "kinds=a/b/c, n=None"),
        ([[[1]]], "[[1]]"),
    ],
)
def test_difficulties_are_short_and_in_one_order(value: object, text: str) -> None:
    assert difficulty_text(value) == text


def test_a_hostile_value_is_quoted_in_a_line() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    for value in ("x" * 10**6, deep, {"k" * 10**6: 1}, [deep] * 1000):
        with pytest.raises(UsageError) as refused:
            problem_of({"question": "q", "answer": value if not isinstance(value, str) else [value]}, "f:1")
        assert len(str(refused.value)) < 1000


def test_standard_input_that_is_null_is_empty() -> None:
    assert problem_of({"question": "q", "tests": [{"stdin": None, "stdout": "1"}]}, "f:1").tests == (Test("1"),)


def test_unique_keeps_the_first_of_each_question() -> None:
    problems = [Problem("a", "q", (Test("1"),)), Problem("b", "r", (Test("1"),)), Problem("c", "q", (Test("2"),))]
    assert [problem.id for problem in unique(problems)] == ["a", "b"]


def test_good_rows_are_not_told_of() -> None:
    assert make_each([("1", 1), ("2", 2)], lambda row, where: (where, row), pytest.fail) == [("1", 1), ("2", 2)]


def test_the_record_of_an_evaluation_holds_code_that_is_appended() -> None:
    """Else evaluations with other tests would pass for the same."""
    from lowres_code.evaluation.folder import problem_record

    problem = problem_of({"question": "q", "append": "assert(f())", "prefix": "function f()"}, "f:1")
    code = {"append": "assert(f())", "prefix": "function f()"}
    assert problem_record(problem, []).tests == ({**code, "control": False}, {**code, "control": True})


@pytest.mark.parametrize("given", [{"expected": 1}, {"expected": "1", "checker": "exact"}])
def test_a_test_of_other_types_is_refused_when_it_is_made(given: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="expected answer as text, and a checker as find_checker gives it"):
        Test(**given)
