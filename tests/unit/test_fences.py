"""Fenced blocks are those that CommonMark has, by markdown-it, which rich brings; and a few that a model has meant."""

from __future__ import annotations

import random

import pytest
from lowres_code._util.fences import fenced_blocks
from markdown_it import MarkdownIt

LINES = [
    *("```", "```x", "````", "`````y", "~~~", "~~~~ z", "   ```", "  ~~~", "```` ", "``` x y"),
    *("a", "  b", "", "```a`b", "~~~ `q`", "x ```", "a ``` b", "~~", "`` c"),
]


def test_random_lines_against_markdown_it() -> None:
    rng, markdown = random.Random(3), MarkdownIt("commonmark")
    blocks = 0
    for _ in range(3000):
        text = "\n".join(rng.choice(LINES) for _ in range(rng.randint(1, 8))) + "\nend\n"
        found = [(fence.tag, fence.body) for fence in fenced_blocks(text, ())]
        tokens = [token for token in markdown.parse(text) if token.type == "fence"]
        blocks += len(tokens)
        assert [body for _, body in found] == [token.content for token in tokens], text
        plain = [(token.info.split() or [""])[0] for token in tokens]
        assert [tag for tag, _ in found] == ["" if "`" in tag else tag for tag in plain], text
    assert blocks > 2000


@pytest.mark.parametrize(
    ("text", "tag", "body", "closed"),
    [
        ("```prolog\na.\n```", "prolog", "a.\n", True),
        ("```prolog\na.\n``", "prolog", "a.\n", False),
        ("```text\nThe program:\n```prolog\na.\n```\n", "prolog", "a.\n", True),
        ("<answer>```prolog\na.\n```</answer>", "prolog", "a.\n", True),
        ("2. ```prolog\n   a.\n   ```", "prolog", "a.\n", True),
        ("```{.prolog .numberLines}\na.\n```", "prolog", "a.\n", True),
        ("```language-prolog\na.\n```", "prolog", "a.\n", True),
    ],
)
def test_what_a_model_means(text: str, tag: str, body: str, closed: bool) -> None:
    *_, last = fenced_blocks(text, ("prolog",))
    assert (last.tag, last.body, last.closed) == (tag, body, closed)
