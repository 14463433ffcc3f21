"""A completion: the text that a model writes, with its reasoning and its program in it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from lowres_code._util.fences import Fence, fenced_blocks
from lowres_code._util.tags import Block, Tag, closed_blocks, find_tags, open_blocks, outermost

Extraction = Literal[
    "code",  # a <code> block
    "code_unclosed",  # a <code> block in which the text ends
    "fence",  # a fenced block with a tag of the language
    "fence_unclosed",  # such a block in which the text ends
    "untagged_fence",  # a fenced block without a tag
    "given",  # nothing was taken apart: somebody has given the program
    "none",  # there is no program
]

Output = Literal[
    "reasoning",  # <reasoning> and then <code>
    "code",  # <code> alone
    "fence",  # a fenced block with a tag of the language
]


@dataclass(frozen=True, slots=True)
class Completion:
    """A model's text taken apart.

    Attributes:
        text: all of it.
        reasoning: what stands in ``<reasoning>``, or ``None``.
        program: what is to be run, or ``None`` if there is nothing.
        well_formed: exactly ``<reasoning>…</reasoning>`` and then ``<code>…</code>``, perhaps with ``<query>…</query>``
            behind it, and with nothing else around.
        query: what stands in ``<query>``, for languages that have queries, or ``None``.
        extraction: where the program was found.
    """

    text: str
    reasoning: str | None
    program: str | None
    well_formed: bool
    query: str | None = None
    extraction: Extraction = "given"


def format_completion(
    reasoning: str | None,
    program: str,
    query: str | None = None,
    output: Output = "reasoning",
    fences: Collection[str] = (),
) -> str:
    """A completion as a model is asked to write it.

    Args:
        reasoning: left out where it is ``None``, and in all forms but ``"reasoning"``.
        program: the whole of it.
        query: left out where it is ``None``.
        output: the form.
        fences: tags of the language; a fenced block bears the first.
    """
    blocks = {"reasoning": reasoning if output == "reasoning" else None, "code": program, "query": query}
    written = {tag: f"<{tag}>\n{text}\n</{tag}>" for tag, text in blocks.items() if text is not None}
    if output == "fence":
        written["code"] = f"```{next(iter(fences), '')}\n{program}\n```"
    return "\n".join(written.values())


def parse_completion(text: str, fences: Collection[str]) -> Completion:
    """Take a completion apart.

    What stands in ``<think>`` or ``<reasoning>`` is never a program. Of the rest the program is, in this order: the
    last ``<code>`` block; one in which the text ends; the last fenced block whose tag is in ``fences``; one in which
    the text ends; the last fenced block without a tag. A fence inside ``<code>`` is taken off. A tag that is only
    named, in quotes or in the midst of a sentence, counts after all fences of the language. Lines may end as on
    Windows.

    Args:
        text: what the model wrote.
        fences: the tags that mark a fenced block as this language, lower case.
    """
    answer = _without_thinking(text.replace("\r\n", "\n"))
    reasoning = closed_blocks(find_tags(answer, "reasoning"), "reasoning")
    shown = _without(answer, reasoning)
    tags = find_tags(shown, "reasoning", "code", "query")
    found = next((it for it in _candidates(shown, tags, fences) if _has_content(it.program)), _NOTHING)
    return Completion(
        text=text,
        reasoning=_first(reasoning, answer),
        program=found.program or None,
        well_formed=_is_well_formed(text),
        query=_query(shown, tags, found.block, fences),
        extraction=found.extraction,
    )


def _without_thinking(text: str) -> str:
    """The text without what a model thinks; chat templates may open the first block, and a model not close the last."""
    kept, begin, thinking = list[str](), 0, False
    for tag in find_tags(text, "think", "thinking"):
        if not tag.closing and not thinking:
            kept.append(text[begin : tag.start])
        elif tag.closing and not thinking:
            kept.clear()
        begin, thinking = tag.end, not tag.closing
    return "\n".join(kept if thinking else [*kept, text[begin:]])


def _without(text: str, blocks: list[Block]) -> str:
    edges = [0, *(edge for block in outermost(blocks) for edge in (block.start, block.end)), len(text)]
    return "\n".join(text[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True))


def _first(blocks: list[Block], text: str) -> str | None:
    """What stands in the first block, or rather in the first whose tag is not in the midst of a line."""
    first = min(blocks, key=lambda block: (not block.firm, block.start), default=None)
    return first and first.inside(text).strip()


class _Candidate(NamedTuple):
    """What could be the program, and where it was found; ``block`` if it was in ``<code>``."""

    extraction: Extraction
    program: str
    block: Block | None = None


_NOTHING = _Candidate("none", "")


def _candidates(text: str, tags: list[Tag], fences: Collection[str]) -> Iterator[_Candidate]:
    """All that could be the program, the best first."""
    closed = closed_blocks(tags, "code")[::-1]
    for block in (block for block in closed if block.firm):
        yield _Candidate("code", _unfenced(block.inside(text), fences), block)
    for block in open_blocks(tags, "code", closed, len(text)):
        yield _Candidate("code_unclosed", _unfenced(_without_half_a_tag(block.inside(text)), fences), block)
    fenced = list(fenced_blocks(text, fences))[::-1]
    tagged = [fence for fence in fenced if fence.tag in fences]
    yield from (_Candidate("fence", fence.body) for fence in tagged if fence.closed)
    yield from (_Candidate("fence_unclosed", _before_tags(fence.body)) for fence in tagged if not fence.closed)
    for block in closed:  # of which the opening tag stands in the midst of a line; the others were tried above
        yield _Candidate("code", _unfenced(block.inside(text), fences), block)
    yield from (_Candidate("untagged_fence", fence.body) for fence in fenced if fence.closed and not fence.tag)


_NAMED_ONLY = re.compile(r"and|or|to|\.{2,}|…", re.IGNORECASE)  # "between <code> and </code>"


def _has_content(text: str) -> bool:
    return bool(text.strip()) and not _NAMED_ONLY.fullmatch(text.strip())


def _unfenced(block: str, fences: Collection[str]) -> str:
    """The block, or what a fence in it holds: one of the language, or one with which it begins."""
    fenced = list(fenced_blocks(block, fences))
    tagged = [fence for fence in fenced[::-1] if fence.tag in fences]
    first = [fence for fence in fenced[:1] if not _lines_before(block, fence).strip()]
    for fence in [*(fence for fence in tagged if fence.closed), *tagged, *first]:
        if fence.body.strip():
            return fence.body
    if len(fenced) == 1 and not (fenced[0].closed or fenced[0].tag):  # a closing fence that nothing has opened
        block = _lines_before(block, fenced[0])
    lines = block.strip("\n") if "\n" in block.strip() else block.strip()
    return f"{lines}\n" if lines.strip() else ""


def _lines_before(block: str, fence: Fence) -> str:
    return "\n".join(block.split("\n")[: fence.line])


def _without_half_a_tag(text: str) -> str:
    """The text without the beginning of a closing tag at its end, where it was cut off."""
    return text[: -len(half[0])] if (half := re.search(r"</(?:c|co|cod|code)?$", text[-8:])) else text


def _before_tags(text: str) -> str:
    """The text up to a tag at the begin or end of a line, with which a model has closed a fence."""
    tags = find_tags(text, "code", "reasoning", "query", "answer")
    return text[: next((tag.start for tag in tags if tag.firm), len(text))]


def _query(text: str, tags: list[Tag], program: Block | None, fences: Collection[str]) -> str | None:
    """What stands in the last ``<query>`` that is not in the program, closed or not."""
    closed = closed_blocks(tags, "query")[::-1]
    blocks = [*closed, *open_blocks(tags, "query", closed, len(text))]
    outside = (b for b in blocks if program is None or b.end <= program.start or b.start >= program.end)
    queries = (_unfenced(block.inside(text), fences).strip() for block in outside)
    return next(filter(_has_content, queries), None)


_FORMAT = ["<reasoning>", "</reasoning>", "<code>", "</code>", "<query>", "</query>"]


def _is_well_formed(text: str) -> bool:
    """Whether the blocks are there, once each, with nothing but space before, between and after them."""
    found = list(re.finditer("|".join(_FORMAT), text))
    if [match.group() for match in found] not in (_FORMAT[:4], _FORMAT):
        return False
    edges = [0, *(edge for match in found for edge in match.span()), len(text)]
    return not any(text[start:end].strip() for start, end in zip(edges[::4], edges[1::4], strict=True))
