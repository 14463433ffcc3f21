from __future__ import annotations

import pytest
from lowres_code.completion import Completion, format_completion, parse_completion
from lowres_code.prompt import INSTRUCTIONS
from lowres_code.recipe.stages import DEFAULT_SYSTEM

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
        "<reasoning>r</reasoning><code>a.",
        "<reasoning>r</reasoning><query>a</query><code>a.</code>",
        "<reasoning>r</reasoning><code>a.</code><query>a",
        "```prolog\na.\n```",
    ],
)
def test_not_well_formed(text: str) -> None:
    assert not parse_completion(text, FENCES).well_formed


def test_newlines_and_blanks_inside_a_program_are_kept() -> None:
    program = "a:-\n\tb.\n\n% c\n"
    assert parse_completion(f"<reasoning>\nx\n</reasoning>\n<code>\n{program}</code>", FENCES).program == program


A, B = "solve(X) :- X is 6 * 7.\n", "solve(41).\n"
PROMPT = DEFAULT_SYSTEM.format(
    title="Prolog", output=INSTRUCTIONS["reasoning"], guidance="Every clause ends with a full stop."
)

# What models write, and what somebody who reads it would take for the program.
COMPLETIONS = {
    # as asked
    "as asked": (f"<reasoning>\nSix times seven.\n</reasoning>\n<code>\n{A}</code>", A, "code"),
    "on one line": (f"<reasoning>r</reasoning><code>{A.strip()}</code>", A, "code"),
    "as asked, and a fence inside": (f"<reasoning>r</reasoning>\n<code>\n```prolog\n{A}```\n</code>", A, "code"),
    "a fence right behind the tag": (f"<code>```prolog\n{A}```</code>", A, "code"),
    "a fence without a tag inside": (f"<code>\n```\n{A}```\n</code>", A, "code"),
    "a fence inside, and prose around it": (
        f"<code>\nHere it is:\n```prolog\n{A}```\nIt is right.\n</code>",
        A,
        "code",
    ),
    "a fence that nothing opens inside": (f"<code>\n{A}```\n</code>", A, "code"),
    "capitals": (f"<REASONING>r</REASONING>\n<CODE>\n{A}</CODE>", A, "code"),
    "an attribute": (f'<code language="prolog">\n{A}</code>', A, "code"),
    "blanks around one line": ("<code> solve(41). </code>", B, "code"),
    "indentation of the first line": ("<code>\n  p :-\n    q.\n</code>", "  p :-\n    q.\n", "code"),
    # more than one
    "a first try": (f"<code>\n{B}</code>\nNo, that is wrong.\n<code>\n{A}</code>", A, "code"),
    "a correction in the midst of a line": (
        f"<code>\n{B}</code> then better:\n<code>{A.strip()}</code> is it.",
        A,
        "code",
    ),
    "code, then its output": (f"<code>\n{A}</code>\nIt prints:\n```\n42\n```", A, "code"),
    "code, then a query in a fence": (f"<code>\n{A}</code>\n```prolog\n?- solve(X).\n```", A, "code"),
    "an empty block behind it": (f"<code>\n{A}</code>\n<code></code>", A, "code"),
    "an empty block, then a fence": (f"<code>\n</code>\n```prolog\n{A}```", A, "fence"),
    # tags that are only named
    "named before": (f"Now `<code>` follows.\n<code>\n{A}</code>", A, "code"),
    "named before without quotes": (f"Now <code> follows.\n<code>\n{A}</code>", A, "code"),
    "named before on the same line": (f"Now <code> follows: <code>{A.strip()}</code>", A, "code"),
    "named at the begin of a line": (f"<code> is the tag.\nProgram: <code>{A.strip()}</code>\n", A, "code"),
    "named at the end of a line": (f"It goes between <code>\nand so on.\n<code>\n{A}</code>", A, "code"),
    "named behind": (f"<code>\n{A}</code>\nThe `<code>` block holds it.", A, "code"),
    "its end named behind": (f"<code>\n{A}</code>\nI have closed it with `</code>`.", A, "code"),
    "its end named behind without quotes": (f"<code>\n{A}</code>\nThe </code> tag ends it.", A, "code"),
    "both named behind": (f"<code>\n{A}</code>\nIt stands between <code> and </code> as asked.", A, "code"),
    "both named, and a fence": (f"I cannot use <code> and </code> here:\n```prolog\n{A}```", A, "fence"),
    "both named, and no program": ("The program goes between <code> and </code>.", None, "none"),
    "both named with dots": ("I shall write <code>...</code> now.", None, "none"),
    "a predicate in HTML": (f"Use the <code>is/2</code> predicate:\n```prolog\n{A}```", A, "fence"),
    "the program in HTML": (f"The program is <code>{A.strip()}</code>, which is right.", A, "code"),
    "the prompt before": (f"{PROMPT}\n<reasoning>r</reasoning>\n<code>\n{A}</code>", A, "code"),
    "the prompt behind": (f"<reasoning>r</reasoning>\n<code>\n{A}</code>\n{PROMPT}", A, "code"),
    "the prompt and a fence": (f"{PROMPT}\n\n```prolog\n{A}```", A, "fence"),
    "the prompt and code cut off": (f"{PROMPT}\n<reasoning>r</reasoning>\n<code>\n{A}", A, "code_unclosed"),
    "nothing but the prompt": (PROMPT, None, "none"),
    "named in reasoning": (
        f"<reasoning>\nI write <code>{B.strip()}</code>, no, I use <code> later.\n</reasoning>\n<code>\n{A}</code>",
        A,
        "code",
    ),
    "tags in the program": (
        "<code>\nsolve(X) :- X = '<code>1</code>'.\n</code>",
        "solve(X) :- X = '<code>1</code>'.\n",
        "code",
    ),
    "a tag in the program": ("<code>\nsolve('the <code> tag').\n</code>", "solve('the <code> tag').\n", "code"),
    "a think tag in the program": ("<code>\nsolve('<think>').\n</code>", "solve('<think>').\n", "code"),
    # reasoning
    "only in reasoning": (f"<reasoning>\n<code>\n{A}</code>\n</reasoning>", None, "none"),
    "only a fence in reasoning": (f"<reasoning>\n```prolog\n{A}```\n</reasoning>", None, "none"),
    "reasoning that is not closed": (f"<reasoning>\nSix times seven.\n<code>\n{A}</code>", A, "code"),
    "reasoning that is not opened": (f"Six times seven.\n</reasoning>\n<code>\n{A}</code>", A, "code"),
    "reasoning behind": (f"<code>\n{A}</code>\n<reasoning>\nSo <code>{B}</code>\n</reasoning>", A, "code"),
    "reasoning that names itself": (
        f"<reasoning>\nI think in <reasoning> and write <code>{B.strip()}</code>.\n</reasoning>\n```prolog\n{A}```",
        A,
        "fence",
    ),
    # thinking: Qwen3, DeepSeek-R1
    "thought first": (f"<think>\nHm.\n```prolog\n{B}```\n</think>\n\n```prolog\n{A}```", A, "fence"),
    "thought code first": (f"<think>\n<code>\n{B}</code>\n</think>\n<code>\n{A}</code>", A, "code"),
    "thought nothing": (f"<think>\n\n</think>\n\n<code>\n{A}</code>", A, "code"),
    "thought, opened by the template": (f"Hm. <code>{B}</code>\n</think>\n\n```prolog\n{A}```", A, "fence"),
    "thought, and then only text": (f"<think>\n```prolog\n{B}```\n</think>\nThe answer is 42.", None, "none"),
    "thought to the end": (f"<think>\nHm.\n<code>\n{B}</code>\nBut", None, "none"),
    "thought to the end after an answer": (f"<code>\n{A}</code>\n<think>\nOr\n<code>\n{B}</code>", A, "code"),
    "thought of thinking": (f"<think>\nThe `</think>` tag. <code>{B}</code>\n</think>\n<code>\n{A}</code>", A, "code"),
    "thought twice": (f"<think>a</think>\n<think>\n```prolog\n{B}```\n</think>\n```prolog\n{A}```", A, "fence"),
    "thought within": (f"<think>\n<think>\na\n</think>\n```prolog\n{B}```\n</think>\n```\n{A}```", A, "untagged_fence"),
    "thought with an open fence": (f"<think>\n```prolog\n{B}</think>\n```prolog\n{A}```", A, "fence"),
    "thought and a fence on one line": (f"<think>Hm.</think>```prolog\n{A}```", A, "fence"),
    "answer tags of R1": (f"<think>Hm.</think>\n<answer>\n```prolog\n{A}```\n</answer>", A, "fence"),
    "answer tags around the fence": (f"<think>Hm.</think>\n<answer>```prolog\n{A}```</answer>", A, "fence"),
    # cut off, or ended by the model itself
    "code cut off": (f"<reasoning>r</reasoning>\n<code>\n{A}", A, "code_unclosed"),
    "code cut off in its tag": (f"<code>\n{A}</co", A, "code_unclosed"),
    "code cut off on one line": (f"<code>{A}", A, "code_unclosed"),
    "code cut off, with a fence": (f"<code>\n```prolog\n{A}```", A, "code_unclosed"),
    "code cut off, with a fence cut off": (f"<code>\n```prolog\n{A}``", A, "code_unclosed"),
    "code ended by a fence": (f"<code>\n{A}```\n", A, "code_unclosed"),
    "code ended by its own tag": (f"<code>\n{A}<code>", A, "code_unclosed"),
    "code ended by the query": (f"<code>\n{A}<query>\nsolve(X).\n</query>", A, "code_unclosed"),
    "code cut off after a fence": (f"```prolog\n{B}```\nIn the format:\n<code>\n{A}", A, "code_unclosed"),
    "nothing behind the tag": ("<reasoning>r</reasoning>\n<code>\n", None, "none"),
    "code in HTML behind code cut off": (f"I use <code>is/2</code> here.\n<code>\n{A}", A, "code_unclosed"),
    "only named at the end": (f"```prolog\n{A}```\nThis is what I would put into <code>", A, "fence"),
    "fence cut off": (f"Here:\n```prolog\n{A}", A, "fence_unclosed"),
    "fence cut off in its end": (f"Here:\n```prolog\n{A}``", A, "fence_unclosed"),
    "fence ended by a tag": (f"```prolog\n{A}</code>", A, "fence_unclosed"),
    "untagged fence cut off": (f"Here:\n```\n{A}", None, "none"),
    "fence cut off behind another": (f"```prolog\n{A}```\nOr shorter:\n```prolog\nsol", A, "fence"),
    # fences: Llama, GPT
    "fence, then output": (f"Here is it:\n\n```prolog\n{A}```\n\nIt prints:\n\n```\n42\n```", A, "fence"),
    "fence, then output with a tag": (f"```prolog\n{A}```\n\n```text\n42\n```", A, "fence"),
    "fence, then how to run it": (f"```prolog\n{A}```\nRun it:\n```bash\nswipl p.pl\n```", A, "fence"),
    "last of two": (f"```prolog\n{B}```\nBetter:\n```prolog\n{A}```", A, "fence"),
    "short tag": (f"```pl\n{A}```", A, "fence"),
    "tag in capitals": (f"```Prolog\n{A}```", A, "fence"),
    "tag behind a blank": (f"``` prolog\n{A}```", A, "fence"),
    "tag with more": (f'```prolog title="p.pl"\n{A}```', A, "fence"),
    "tag of Pandoc": (f"```{{.prolog}}\n{A}```", A, "fence"),
    "no tag": (f"```\n{A}```", A, "untagged_fence"),
    "another language": ("```python\nprint(42)\n```", None, "none"),
    "tildes": (f"~~~prolog\n{A}~~~", A, "fence"),
    "tildes without a tag": (f"~~~\n{A}~~~", A, "untagged_fence"),
    "four": (f"````prolog\n{A}````", A, "fence"),
    "four, closed by five": (f"````prolog\n{A}`````", A, "fence"),
    "four, with three inside": (f"````prolog\n{A}/*\n```\n*/\n````", f"{A}/*\n```\n*/\n", "fence"),
    "tildes in backticks": (f"```prolog\n{A}/*\n~~~\n*/\n```", f"{A}/*\n~~~\n*/\n", "fence"),
    "Markdown in Markdown": (f"````markdown\n# Answer\n```prolog\n{A}```\n````", A, "fence"),
    "an answer in Markdown": (f"```markdown\n# Answer\n```prolog\n{A}```\n```", A, "fence"),
    "a fence not closed before": (f"```\nfirst:\n```prolog\n{A}```", A, "fence"),
    "in a list": ("1. So:\n\n   ```prolog\n   p :-\n     q.\n   ```\n", "p :-\n  q.\n", "fence"),
    "in the line of a list": ("- ```prolog\n  p :-\n    q.\n  ```\n", "p :-\n  q.\n", "fence"),
    "in a list by a tab": ("\t```prolog\n\tp.\n\t```", "p.\n", "fence"),
    "three within a line": (f"Put it between ``` and ```.\n```prolog\n{A}```", A, "fence"),
    "three within a line at its begin": (f"```solve(41).``` is wrong.\n```prolog\n{A}```", A, "fence"),
    "three behind a word": (f"as in ```prolog\nsolve(41).\n\n```prolog\n{A}```", A, "fence"),
    "one backtick": ("The program is `solve(41).`", None, "none"),
    "Windows": (f"```prolog\r\n{A.strip()}\r\n```\r\n", A, "fence"),
    # neither
    "nothing": ("", None, "none"),
    "plain text": ("solve(X) :- X is 6 * 7.", None, "none"),
    "only a number": ("42", None, "none"),
    "only closed": (f"{A}</code>", None, "none"),
}


@pytest.mark.parametrize("name", COMPLETIONS)
def test_what_models_write(name: str) -> None:
    text, program, extraction = COMPLETIONS[name]
    completion = parse_completion(text, FENCES)
    assert (completion.program, completion.extraction) == (program, extraction)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("<code>a(1).</code><query>a(X)</query>", "a(X)"),
        ("<code>\na(1).\n</code>\n<query>\na(X).\n</query>\n", "a(X)."),
        ("<query>a(X)</query>\n<code>a(1).</code>", "a(X)"),
        ("<code>a(1).</code>\n<query>\n```prolog\n?- a(X).\n```\n</query>", "?- a(X)."),
        ("```prolog\na(1).\n```\n<query>a(X)</query>", "a(X)"),
        ("<code>a(1).</code>\n<query>a(X).", "a(X)."),
        ("<code>\na(1).\n<query>\na(X).\n</query>", "a(X)."),
        ("<code>a(1).</code>\n<query>a(Y)</query>\nNo:\n<query>a(X)</query>", "a(X)"),
        ("<code>a(1).</code>\n<query></query>", None),
        ("<think><query>a(X)</query></think><code>a(1).</code>", None),
        ("<reasoning><query>a(X)</query></reasoning><code>a(1).</code>", None),
        ("<code>\na('<query>b(X)</query>').\n</code>", None),
        ("<code>\na(1).\n<query>\nb(X)\n</query>\n</code>", None),
        ("<code>a(1).</code> The query goes between <query> and </query>.", None),
        ("<code>a(1).</code>", None),
    ],
)
def test_the_query_of_a_completion(text: str, query: str | None) -> None:
    assert parse_completion(text, FENCES).query == query


@pytest.mark.parametrize(
    ("text", "reasoning"),
    [
        ("<reasoning>r</reasoning><code>a.</code>", "r"),
        ("<think>t</think><reasoning>\nr\n</reasoning>", "r"),
        ("I write <reasoning> and </reasoning>.\n<reasoning>\nr\n</reasoning>", "r"),
        (f"{PROMPT}\n<reasoning>r</reasoning>", "r"),
        ("<think>t</think><code>a.</code>", None),
        ("<reasoning>r", None),
    ],
)
def test_the_reasoning_of_a_completion(text: str, reasoning: str | None) -> None:
    assert parse_completion(text, FENCES).reasoning == reasoning


def test_a_program_that_somebody_gives_is_taken_as_it_is() -> None:
    given = Completion(text="<code>", reasoning=None, program="<code>", well_formed=False)
    assert (given.extraction, given.query) == ("given", None)


@pytest.mark.parametrize(
    "text",
    [
        "<reasoning>r</reasoning><code>a.</code>",
        " <reasoning>r</reasoning>\n\n<code>\na.\n</code>\n",
        "<reasoning>r</reasoning><code>a.</code>\n<query>a</query>",
    ],
)
def test_well_formed(text: str) -> None:
    assert parse_completion(text, FENCES).well_formed


@pytest.mark.parametrize(
    "part",
    [
        *("<code>", "<reasoning>", "<query>", "<think>", "</think>", "</code>", "<code></code>", "<code "),
        *("```x\n", "```prolog\n", "~~~~\n", "- ```\n", "<reasoning></reasoning><code>", "a <code> b `<code>` "),
    ],
)
def test_a_hostile_completion_is_soon_read(part: str) -> None:
    """A time that grows with the square of the length would be many minutes here."""
    assert parse_completion(part * 40_000, FENCES).program is None


@pytest.mark.parametrize("name", ["code", "reasoning", "query", "think"])
def test_deep_nesting_is_soon_read(name: str) -> None:
    parse_completion(f"<{name}>\n" * 20_000 + f"</{name}>\n" * 20_000, FENCES)
    parse_completion(f"<{name}>" * 20_000 + "x" + f"</{name}>" * 20_000, FENCES)
    parse_completion(f"<{name}>\n" * 20_000 + "```prolog\n```\n" + f"</{name}>\n" * 20_000, FENCES)
    parse_completion(f"<{name}>\n" * 20_000 + "and\n```\n" + f"</{name}>\n" * 20_000, FENCES)
