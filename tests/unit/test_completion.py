from __future__ import annotations

import pytest
from lowres_code.completion import format_completion, parse_completion

FENCES = ("prolog", "pl")


def test_what_is_formatted_is_parsed_back() -> None:
    completion = parse_completion(format_completion("Add them.", "solve(X) :-\n    X is 1 + 2."), FENCES)
    assert completion.reasoning == "Add them."
    assert completion.program == "solve(X) :-\n    X is 1 + 2.\n"
    assert completion.well_formed


@pytest.mark.parametrize(
    ("text", "program"),
    [
        ("<code>a.</code>", "a.\n"),
        ("<code>\na.\n</code> so <code>\nb.\n</code>", "b.\n"),
        ("<code>\n```prolog\na.\n```\n</code>", "a.\n"),
        ("Here:\n```prolog\na.\nb.\n```\nDone.", "a.\nb.\n"),
        ("```\na.\n```", "a.\n"),
        ("```python\nprint(1)\n```\n```pl\na.\n```", "a.\n"),
        ("```python\nprint(1)\n```", None),
        ("```prolog\r\na :-\r\n  b.\r\n```\r\n", "a :-\n  b.\n"),
        ("<code>\r\na.\r\n</code>", "a.\n"),
        ("1. So:\n\n   ```prolog\n   a :-\n     b.\n c.\n   ```\n2. Done.", "a :-\n  b.\nc.\n"),
        ("<code></code>", None),
        ("<code>\n\n</code>", None),
        ("solve(X) :- X is 1.", None),
        ("<code>\nsolve(X) :- X is 1.", None),  # cut off: not finished, so not run
        ("", None),
    ],
)
def test_the_program_of_a_completion(text: str, program: str | None) -> None:
    assert parse_completion(text, FENCES).program == program


@pytest.mark.parametrize(
    "text",
    [
        "<reasoning>r</reasoning><code>a.</code> and more",
        "<code>a.</code><reasoning>r</reasoning>",
        "<reasoning>r</reasoning><code>a.</code><code>b.</code>",
        "<reasoning>r<code>a.</code></reasoning><code>b.</code>",
        "<reasoning>r</reasoning>",
        "```prolog\na.\n```",
    ],
)
def test_not_well_formed(text: str) -> None:
    assert not parse_completion(text, FENCES).well_formed


def test_newlines_and_blanks_inside_a_program_are_kept() -> None:
    program = "a:-\n\tb.\n\n% c\n"
    assert parse_completion(f"<reasoning>\nx\n</reasoning>\n<code>\n{program}</code>", FENCES).program == program


@pytest.mark.parametrize("part", ["<code>", "<reasoning>", "```x\n", "<reasoning></reasoning><code>"])
def test_a_hostile_completion_is_soon_read(part: str) -> None:
    """A time that grows with the square of the length would be hours here, and the suite would not end."""
    assert parse_completion(part * 500_000, FENCES).program is None
