from __future__ import annotations

import pytest
from lowres_code.completion import Output, parse_completion
from lowres_code.errors import UsageError
from lowres_code.prompt import INSTRUCTIONS, Prompt
from lowres_code.recipe.stages import PromptTable

from tests.conftest import PROLOG


def test_braces_that_are_written_twice_stay_braces() -> None:
    system, user = Prompt("{title}: answer as {{X = 42}}", "Q: {question}").messages(PROLOG, "6 * 7?")
    assert (system["content"], user["content"]) == ("Prolog: answer as {X = 42}", "Q: 6 * 7?")


@pytest.mark.parametrize("template", ["{question} {X = 42}", "{question} {", "{question} }", "{question} {}"])
def test_other_braces_are_refused_with_the_hint(template: str) -> None:
    with pytest.raises(UsageError, match=r"for a brace that is to stay one, write \{\{ or \}\}"):
        Prompt("", template).messages(PROLOG, "6 * 7?")


def test_worked_examples_come_first_in_their_order() -> None:
    messages = Prompt("", "Q: {question}", shots=2).messages(PROLOG, "6 * 7?")
    first, second = PROLOG.examples[:2]
    assert [message["role"] for message in messages] == ["user", "assistant"] * 2 + ["user"]
    assert [message["content"] for message in messages[::2]] == [
        f"Q: {first.question}",
        f"Q: {second.question}",
        "Q: 6 * 7?",
    ]
    assert second.reasoning in messages[3]["content"] and second.program in messages[3]["content"]


def test_too_few_worked_examples_are_refused_with_what_there_is() -> None:
    with pytest.raises(UsageError, match=r"'prolog' has 6 worked examples, and the prompt shows 7: .*prompt.shots=6"):
        Prompt("", shots=7).messages(PROLOG, "6 * 7?")


@pytest.mark.parametrize(
    ("output", "asked", "written"),
    [
        ("reasoning", "First think inside <reasoning>", "<reasoning>\n"),
        ("code", "program inside <code> and </code>", "<code>\nsolve(X)"),
        ("fence", "begins with ```prolog,", "```prolog\nsolve(X)"),
    ],
)
def test_the_form_of_the_output_is_asked_for_and_shown(output: Output, asked: str, written: str) -> None:
    system, _, shown, _ = Prompt("{output}", shots=1, output=output).messages(PROLOG, "6 * 7?")
    assert asked in system["content"]
    assert shown["content"].startswith(written)
    program = parse_completion(shown["content"], PROLOG.fences).program
    assert program and program.strip() == PROLOG.examples[0].program


def test_a_recipe_knows_all_forms() -> None:
    for output in INSTRUCTIONS:
        assert PromptTable(output=output).prompt().output == output
    default = PromptTable().prompt().messages(PROLOG, "6 * 7?")[0]["content"]
    assert default.startswith(
        "You write Prolog programs that answer questions. First think inside <reasoning> and </reasoning>, then write "
        "one complete program inside <code> and </code>, and nothing else. The program is read by SWI-Prolog."
    )
