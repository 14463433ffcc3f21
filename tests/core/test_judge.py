from __future__ import annotations

import pytest
from lowres_code.completion import format_completion, parse_completion
from lowres_code.errors import UsageError
from lowres_code.forms import lowest_terms
from lowres_code.judge import Judge
from lowres_code.judgement import Judgement
from lowres_code.plugins.manager import plugin_manager
from lowres_code.problem import Problem, Test
from lowres_code.reward import TERMS


def problem(answer: str) -> Problem:
    return Problem("p", "q", (Test(answer),))


CASES = [
    (format_completion("r", "solve(X) :- X is 6 * 7."), "42", "correct"),
    (format_completion("r", "solve(X) :- X is 6 * 7."), "41", "wrong_answer"),
    (format_completion("r", "solve(X) :- X is 7 rdiv 2."), "3.50", "correct"),
    (format_completion("r", "solve(X) :- X is 1200 * 1."), "1,200", "correct"),
    (format_completion("r", "solve(X) :- X is 9867630.0."), "9867630", "correct"),
    (format_completion("r", "solve(X) :- X is 9867631."), "9867630.0", "wrong_answer"),
    (format_completion("r", "solve([1, anna, f(x)])."), "[1, 'anna', f( x )]", "correct"),
    (format_completion("r", "solve([1, 2, 3])."), "[1, 2]", "wrong_answer"),
    ("```prolog\nsolve(42).\n```", "42", "correct"),
    ("```prolog\nsolve(42).\n```\nIt prints:\n```\n41\n```", "42", "correct"),
    ("<reasoning>r</reasoning>\n<code>\nsolve(42).\n", "42", "correct"),
    ("<think><code>solve(42).</code></think>\nIt is 42.", "42", "no_code"),
    ("42", "42", "no_code"),
    (format_completion("r", "solve(X) :- X is"), "42", "syntax_error"),
    (format_completion("r", "solve(X) :- X is foo."), "42", "runtime_error"),
    (format_completion("r", "solve(X) :- fail."), "42", "no_answer"),
    (format_completion("r", "solve(_)."), "42", "no_answer"),
    (format_completion("r", "solve(40 + 2)."), "42", "no_answer"),
    (format_completion("r", ":- write(42), halt."), "42", "no_answer"),
    (format_completion("r", "solve(X) :- solve(X)."), "42", "timeout"),
    (format_completion("r", "solve(X) :- numlist(1, 100000000, L), sum_list(L, X)."), "42", "memory_limit"),
    (format_completion("r", "solve(42) :- repeat, write('42\\n'), fail."), "42", "output_limit"),
]


def test_verdicts_in_order(judge: Judge) -> None:
    completions, answers, verdicts = zip(*CASES, strict=True)
    judged = judge.judge(completions, [problem(answer) for answer in answers])
    assert [judgement.verdict for judgement in judged] == list(verdicts)


def test_every_test_of_a_problem_must_pass(judge: Judge) -> None:
    program = format_completion("r", "solve(X) :- read(N), X is N * N.")
    both = Problem("p", "q", (Test("9", stdin="3."), Test("16", stdin="4.")))
    second_wrong = Problem("p", "q", (Test("9", stdin="3."), Test("15", stdin="4.")))
    right, wrong = judge.judge([program] * 2, [both, second_wrong])
    assert right.correct
    assert wrong.verdict == "wrong_answer"
    assert wrong.execution is not None
    assert (wrong.execution.answer, wrong.failed_test, right.failed_test) == ("16", 1, None)
    no_code, failed = judge.judge(["no program", format_completion("r", "solve(X) :- X is foo.")], [both, both])
    assert (no_code.failed_test, failed.failed_test) == (None, 0)


def test_a_problem_may_ask_its_own_query(judge: Judge) -> None:
    asked = Problem("p", "q", (Test("[1,2]", query="pair(L)."),))
    assert judge.judge([format_completion("r", "pair([1, 2]).")], [asked])[0].correct


def test_a_check_decides_where_many_answers_are_right(judge: Judge) -> None:
    seen: list[str] = []

    def is_even(answer: str) -> bool:  # nothing that could be sent to a worker
        seen.append(answer)
        return int(answer) % 2 == 0

    even = Problem("p", "q", (Test(check=is_even),))
    programs = [format_completion("r", f"solve({n}).") for n in (42, 44, 43)]
    assert [j.verdict for j in judge.judge(programs, [even] * 3)] == ["correct", "correct", "wrong_answer"]
    assert sorted(seen) == ["42", "43", "44"]


def test_a_form_is_asked_for_beside_the_value(judge: Judge) -> None:
    simplified = Problem("p", "simplify 92/524", (Test("23/131", check=lowest_terms),))
    answers = ["X is 92 rdiv 524", "X = '23/131'", "X = '92/524'", "X is 92 / 524.0", "X = '23/132'"]
    programs = [format_completion("r", f"solve(X) :- {answer}.") for answer in answers]
    verdicts = [j.verdict for j in judge.judge(programs, [simplified] * len(programs))]
    assert verdicts == ["correct", "correct", "wrong_answer", "wrong_answer", "wrong_answer"]


def test_without_tests_nothing_is_judged(judge: Judge) -> None:
    completion = parse_completion(format_completion("r", "solve(42)."), judge.language.fences)
    with pytest.raises(UsageError, match="cannot be judged without tests"):
        judge.judge_parsed([completion], [()])
    with pytest.raises(UsageError, match="needs an expected answer or a check"):
        judge.verdict(judge.execute(["solve(42)."], [Test()])[0], Test())


@pytest.mark.parametrize(
    ("query", "own", "verdict"),
    [
        ("pair(L)", None, "correct"),
        ("?- pair(L).", None, "correct"),
        ("", None, "runtime_error"),  # there is no solve/1
        ("", "pair(L)", "correct"),
        ("pair(L), L = [3|_]", "pair(L)", "correct"),  # the problem's own decides
    ],
)
def test_a_completions_query_is_asked_where_its_problem_asks_none(
    query: str, own: str | None, verdict: str, judge: Judge
) -> None:
    completion = f"{format_completion('r', 'pair([1, 2]).')}\n<query>{query}</query>"
    asked = Problem("p", "q", (Test("[1, 2]", query=own),))
    assert judge.judge([completion], [asked])[0].verdict == verdict


def test_a_query_is_refused_where_a_language_has_none() -> None:
    python = plugin_manager().languages["python"].thing
    asked = Problem("p-17", "q", (Test("1"), Test("1", query="main(X)")))
    with Judge(python, workers=1) as judge:
        with pytest.raises(UsageError, match=r"problem 'p-17' asks the query 'main\(X\)', but Python has no queries"):
            judge.judge(["<code>print(1)</code>"], [asked])
        with pytest.raises(UsageError, match="asks the query"):
            judge.judge_parsed([parse_completion("<code>print(1)</code>", ())], [asked.tests])
        with pytest.raises(UsageError, match="a test asks"):
            judge.execute(["print(1)"], asked.tests[1:])
        own = judge.judge(["<code>print(1)</code><query>main(X)</query>"], [problem("1")])  # a model's is ignored
        assert own[0].correct


@pytest.mark.parametrize(
    ("program", "stdout", "verdict"),
    [
        ("for n in range(1, 4): print(n, end=' \\n')", "1\n2\n3\n", "correct"),
        ("print('1\\n2\\n3\\n\\n')", "1\n2\n3", "correct"),
        ("print('1\\n2\\n3')", "1\r\n2\r\n3\r\n", "correct"),
        ("print(0.1 + 0.2, 1.0)", "0.3 1.0", "correct"),
        ("print('1,200')", "1,200", "correct"),
        ("print('1 2 3')", "1\n2\n3", "wrong_answer"),
        ("print('1\\n2')", "1\n2\n3", "wrong_answer"),
    ],
)
def test_printed_output_is_compared_as_contest_judges_do(program: str, stdout: str, verdict: str) -> None:
    with Judge(plugin_manager().languages["python"].thing, workers=1) as judge:
        judged = judge.judge([format_completion("r", program)], [Problem("p", "q", (Test(stdout),))])
    assert judged[0].verdict == verdict


@pytest.mark.parametrize(
    ("verdict", "values"),
    [
        ("correct", {"correct": 1, "runs": 1, "syntax": 1, "format": 1}),
        ("wrong_answer", {"correct": 0, "runs": 1, "syntax": 1, "format": 1}),
        ("runtime_error", {"correct": 0, "runs": 0, "syntax": 1, "format": 1}),
        ("syntax_error", {"correct": 0, "runs": 0, "syntax": 0, "format": 1}),
        ("infra_error", {"correct": None, "runs": None, "syntax": None, "format": None}),
    ],
)
def test_reward_terms(verdict: str, values: dict[str, float | None], judge: Judge) -> None:
    completion = judge.judge([format_completion("r", "solve(1).")], [problem("1")])[0].completion
    judgement = Judgement(verdict, completion)
    terms = [term for term in TERMS if term.name in values]
    assert {term.name: term.score(problem("1"), judgement) for term in terms} == values


def test_no_code_earns_nothing_but_may_be_well_formed(judge: Judge) -> None:
    judgement = judge.judge(["<reasoning>r</reasoning><code> </code>"], [problem("1")])[0]
    assert [term.score(problem("1"), judgement) for term in TERMS if term.name in ("correct", "runs", "syntax")] == [
        0,
        0,
        0,
    ]


def test_a_stream_gives_each_completion_its_verdict_under_its_key(judge: Judge) -> None:
    squares = (Test("9", stdin="3."), Test("16", stdin="4."))
    texts = [("right", "solve(X) :- read(N), X is N * N."), ("wrong", "solve(9)."), ("none", " ")]
    items = [(key, parse_completion(format_completion("r", text), ()), squares) for key, text in texts]
    done = dict(judge.stream(items))
    assert {key: judgement.verdict for key, judgement in done.items()} == {
        "right": "correct",
        "wrong": "wrong_answer",
        "none": "no_code",
    }
    assert done["wrong"].execution is not None


def test_an_answer_that_cannot_be_compared_costs_one_verdict(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    compare = judge.language.compare

    def fragile(self: object, expected: str, actual: str) -> bool:
        if actual == "2":
            raise RecursionError("too deep")
        return compare(expected, actual)

    monkeypatch.setattr(type(judge.language), "compare", fragile)
    judged = judge.judge([f"<code>solve({n}).</code>" for n in (1, 2, 3)], [problem("1")] * 3)
    assert [judgement.verdict for judgement in judged] == ["correct", "infra_error", "wrong_answer"]
    assert judged[1].execution is not None
    assert judged[1].execution.diagnostics[0].message == "the answers cannot be compared: RecursionError: too deep"
