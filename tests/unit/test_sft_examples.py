"""What the supervised stage learns from, worked out by hand."""

from __future__ import annotations

from lowres_code.evaluation.record import SampleRecord
from lowres_code.prompt import Message, Prompt
from lowres_code.train.examples import Example, Examples, rewritten

from tests.conftest import PROLOG

FORM = (Prompt(""), PROLOG)


def record(problem: str, sample: int, program: str, verdict: str = "correct") -> SampleRecord:
    text = f"<reasoning>\nr{sample}\n</reasoning>\n<code>\n{program}\n</code>"
    return SampleRecord(problem=problem, sample=sample, completion=text, program=program, verdict=verdict)


def prompt(problem: str) -> list[Message]:
    return [{"role": "user", "content": f"Q {problem}"}]


def test_wrong_repeated_and_surplus_programs_are_left_out_and_counted() -> None:
    examples = Examples([], 2, *FORM)
    records = [
        record("a", 3, "solve(4)."),  # a has two by then
        record("a", 0, "solve(1)."),
        record("a", 1, "solve( 1 )."),
        record("a", 2, "solve(1)."),  # as sample 0
        record("b", 0, "solve(9).", "wrong_answer"),
        record("b", 1, "solve(", "syntax_error"),
        record("c", 0, "solve(7)."),
    ]
    examples.add(records, 1, prompt)
    assert [(e.problem, e.program) for e in examples.all] == [
        ("a", "solve(1)."),
        ("c", "solve(7)."),
        ("a", "solve( 1 )."),
    ]
    counts = examples.counts
    assert (counts.samples, counts.wrong, counts.repeated, counts.surplus, counts.unusable) == (7, 2, 1, 1, 0)
    assert (counts.learned, counts.examples, counts.problems) == (3, 3, 2)
    assert [examples.lacks(problem) for problem in "abc"] == [False, True, True]


def test_a_later_round_adds_to_what_is_there() -> None:
    first = Example("a", 1, "solve(1).", prompt("a"), "<code>\nsolve(1).\n</code>")
    examples = Examples([first], 2, *FORM)
    examples.add([record("a", 0, "solve(1)."), record("a", 1, "solve(2).")], 2, prompt)
    assert [(e.round, e.program) for e in examples.all] == [(1, "solve(1)."), (2, "solve(2).")]
    assert (examples.counts.repeated, examples.counts.learned, examples.counts.examples) == (1, 1, 2)


def test_a_completion_is_rewritten_to_the_form_that_is_asked_for() -> None:
    chatty = "Sure!\n```prolog\nsolve(X) :- X = 1.\n```\nThis prints 1."
    assert rewritten(chatty, *FORM) == "<code>\nsolve(X) :- X = 1.\n</code>"
    unclosed = "<reasoning>one</reasoning>\n<code>\nsolve(1)."
    assert rewritten(unclosed, *FORM) == "<reasoning>\none\n</reasoning>\n<code>\nsolve(1).\n</code>"
    assert rewritten(unclosed, Prompt("", output="code"), PROLOG) == "<code>\nsolve(1).\n</code>"
    assert rewritten(unclosed, Prompt("", output="fence"), PROLOG) == "```prolog\nsolve(1).\n```"
    asked = "<code>\np(1).\n</code>\n<query>p(X)</query>"
    assert rewritten(asked, *FORM) == "<code>\np(1).\n</code>\n<query>\np(X)\n</query>"


def test_a_completion_whose_program_would_change_is_not_used() -> None:
    """Inside of a fence ``</code>`` is part of the program; inside of <code> it would end it."""
    assert rewritten("```prolog\nsolve(X) :- X = '\n</code>\n'.\n```", *FORM) is None


def test_an_example_is_a_row_for_trl() -> None:
    example = Example("a", 1, "p.", prompt("a"), "text")
    assert example.as_row() == {"prompt": prompt("a"), "completion": [{"role": "assistant", "content": "text"}]}
