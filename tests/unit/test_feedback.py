"""What a model is told, by hand: of each verdict, of hostile output, and of tests that are code."""

from __future__ import annotations

import pytest
from lowres_code.appended import Appended
from lowres_code.completion import Completion
from lowres_code.errors import UsageError
from lowres_code.feedback import Feedback
from lowres_code.judgement import Judgement
from lowres_code.language.base import Diagnostic, Execution, Status
from lowres_code.problem import Problem, Test
from lowres_code.recipe.stages import RolloutTable
from pydantic import ValidationError

GOLD = "8191"
KNOWN = Problem("p", "q", (Test(GOLD),))
BY_CODE = Problem("p", "q", (Test(appended=Appended(f"assert(add() == {GOLD})")),))
ALL = Feedback("{verdict}|{diagnostics}|{output}")


def judged(verdict: str, **execution: object) -> Judgement:
    status = Status(verdict) if verdict in {it.value for it in Status} else Status.OK
    ran = None if verdict == "no_code" else Execution(status, **execution)  # type: ignore[arg-type]
    return Judgement(verdict, Completion("text", None, "program", False), ran)


@pytest.mark.parametrize("verdict", ["correct", "infra_error", "wrong_answer"])
def test_a_program_that_gave_an_answer_ends_the_conversation(verdict: str) -> None:
    assert ALL.message(judged(verdict, answer="7"), KNOWN) is None


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        ("no_code", "There is no program in your answer.||"),
        ("syntax_error", "The program has a syntax error.||"),
        ("runtime_error", "The program ended with an error.||"),
        ("no_answer", "The program ran, but gave no answer.||"),
        ("timeout", "The program was not done when its time was over.||"),
        ("memory_limit", "The program needed more memory than it may use.||"),
        ("output_limit", "The program printed more than it may.||"),
    ],
)
def test_each_failure_in_a_sentence(verdict: str, said: str) -> None:
    assert ALL.message(judged(verdict), KNOWN) == said


def test_messages_with_their_places_once_each_and_what_was_printed() -> None:
    notes = (Diagnostic("bad", line=3, column=5), Diagnostic("worse", line=4), Diagnostic("worse", line=4))
    told = ALL.message(judged("syntax_error", diagnostics=notes, stdout="hi\n", stderr="unused"), KNOWN)
    assert told == "The program has a syntax error.|line 3, column 5: bad\nline 4: worse|It printed:\nhi"
    assert ALL.message(judged("runtime_error", stderr="boom\n"), KNOWN) == "The program ended with an error.|boom|"


def test_lines_that_are_left_empty_go() -> None:
    table = RolloutTable()
    assert table.told().message(judged("no_code"), KNOWN) == (
        "There is no program in your answer.\n"
        "Write your whole answer again, in the same form, with a program that works."
    )


def test_a_wrong_answer_is_named_where_a_recipe_says_so_and_the_right_one_never() -> None:
    told = Feedback("{verdict}|{output}", tell_wrong=True)
    assert told.message(judged("wrong_answer", answer="7", stdout="so\n"), KNOWN) == (
        "The answer 7 is not right.|It printed:\nso"
    )
    assert told.message(judged("wrong_answer", answer="7", stdout="7\n"), KNOWN) == "The answer 7 is not right.|"


def test_of_tests_that_are_code_nothing_is_shown() -> None:
    shown = {"stderr": f"assertion failed: add() == {GOLD}", "stdout": GOLD, "answer": GOLD}
    wrong = Feedback("{verdict}|{diagnostics}|{output}", tell_wrong=True)
    for verdict in ("runtime_error", "no_answer", "wrong_answer"):  # which may be an assertion that failed
        assert ALL.message(judged(verdict, **shown), BY_CODE) is None
        assert wrong.message(judged(verdict, **shown), BY_CODE) == "The program does not pass its tests.||"
    assert ALL.message(judged("syntax_error", **shown), BY_CODE) == "The program has a syntax error.||"


def test_what_a_program_prints_is_cut_and_the_template_is_not() -> None:
    told = Feedback("{verdict}|{diagnostics}|{output}|END", longest=40)
    notes = (Diagnostic("d" * 30),)
    message = told.message(judged("no_answer", diagnostics=notes, stdout="o" * 1_000_000), KNOWN)
    assert message == f"The program ran, but gave no answer.|{'d' * 30}|It printed:\n{'o' * 7}...|END"
    long = Feedback("{verdict}", tell_wrong=True).message(judged("wrong_answer", answer="9" * 10_000), KNOWN)
    assert long == f"The answer {'9' * 197}... is not right."


def test_the_same_program_is_told_the_same_whatever_it_prints() -> None:
    """Addresses, the folder of the run, control characters, halves of characters, braces."""
    texts = {
        "table: 0x560dac0ccf40": "table: 0x...",
        "/tmp/x-17/program/program.lua:1: boom": "program.lua:1: boom",
        "a\x00b\x1b[31mc": "a\ufffdb\ufffd[31mc",
        "half \ud83d": f"half {3 * chr(0xFFFD)}",
        "{verdict} {0}": "{verdict} {0}",
    }
    for printed, shown in texts.items():
        assert Feedback("{output}").message(judged("no_answer", stdout=printed), KNOWN) == f"It printed:\n{shown}"


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{verdict} {gold}", "no placeholder {gold}; known: diagnostics, output, verdict"),
        ("{verdicts}", "no placeholder {verdicts}; did you mean"),
        ("{output} only", "must hold {verdict} or {diagnostics}"),
        ("{verdict} {", "a brace itself is written {{ or }}"),
        ("{verdict:d}", "feedback"),
    ],
)
def test_templates_that_cannot_be_used_are_refused(template: str, said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        RolloutTable(feedback=template)
    assert said in str(refused.value)


def test_a_template_that_was_not_checked_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match=r"may hold \{verdict\}, \{diagnostics\}, \{output\} only"):
        Feedback("{gold}").message(judged("no_code"), KNOWN)
