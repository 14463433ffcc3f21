"""Tags in a model's text, such as ``<code>``: which are marks, and which are only spoken of.

Models write tags into their prose as well; where a tag stands tells what it is. One that begins or ends its line is
*firm*. One in the midst of a line may be meant as a mark or not. One in quotes is none. All of this takes time in
proportion to the text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

_QUOTES = ("`", '"', "'")


class Tag(NamedTuple):
    """One tag; ``begins``, ``ends``: whether only blanks and other tags are on its line, before it or behind it."""

    name: str
    closing: bool
    start: int
    end: int
    begins: bool
    ends: bool

    @property
    def firm(self) -> bool:
        """Whether it begins or ends its line."""
        return self.begins or self.ends


class Block(NamedTuple):
    """Where a block is in its text, with its tags and within them; ``firm`` is the opening tag's."""

    start: int
    begin: int
    close: int
    end: int
    firm: bool

    def inside(self, text: str) -> str:
        """What stands between its tags."""
        return text[self.begin : self.close]


def find_tags(text: str, *names: str) -> list[Tag]:
    """All tags of these names, in any case and perhaps with attributes, but for those in quotes."""
    found = list(re.finditer(rf"<(/?)({'|'.join(names)})(?:\s[^<>\n]{{0,80}})?>", text, re.IGNORECASE))
    edges = [0, *(edge for match in found for edge in match.span()), len(text)]
    gaps = [text[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)]
    tags = []
    for match, before, behind in zip(found, gaps, gaps[1:], strict=False):
        begins = before.rstrip(" \t")[-1:] in ("", "\n")
        ends = behind.lstrip(" \t")[:1] in ("", "\n")
        if not _is_quote(behind[:3] if match[1] else before[-1:-4:-1]):
            tags.append(Tag(match[2].lower(), bool(match[1]), *match.span(), begins, ends))
    return tags


def _is_quote(outside: str) -> bool:
    """Whether a tag is quoted, from what is next to it outside; three backticks are a fence's."""
    return outside[:1] in _QUOTES and outside != "```"


def closed_blocks(tags: Iterable[Tag], name: str) -> list[Block]:
    """The blocks of a name, in the order in which they end.

    A closing tag belongs to the last opening one before it. Tags that enclose whole lines are matched first, so that
    no tag in the midst of a line comes between them; the others after that, where those have left room.
    """
    own = [tag for tag in tags if tag.name == name]
    lines = list(_matched([tag for tag in own if (tag.firm if tag.closing else tag.ends)]))
    around = outermost(lines)
    starts = [block.start for block in around]
    others: list[Block] = []
    for number, group in groupby(own, lambda tag: bisect_right(starts, tag.start)):
        after = around[number - 1].end if number else 0
        others += _matched([tag for tag in group if tag.start >= after])
    return sorted([*lines, *others], key=lambda block: block.end)


def open_blocks(tags: Sequence[Tag], name: str, closed: Sequence[Block], end: int) -> Iterator[Block]:
    """Blocks that are never closed, the last one first: from a firm tag to the next firm tag, or to the text's end.

    A tag that has text behind it on its line opens none if a closed block comes later.

    Args:
        tags: all of the text's.
        name: of the blocks.
        closed: the blocks of that name which are closed.
        end: of the text.
    """
    around = outermost(block for block in closed if block.firm)
    starts = [block.start for block in around]
    last = max((block.end for block in closed), default=0)
    for tag in reversed(tags):
        number = bisect_right(starts, tag.start)
        if not tag.firm or (number and tag.start < around[number - 1].end):
            continue
        if tag.name == name and not tag.closing and (tag.ends or tag.start >= last):
            yield Block(tag.start, tag.end, end, end, firm=True)
        end = tag.start


def outermost(blocks: Iterable[Block]) -> list[Block]:
    """The blocks that stand in no other, in order."""
    found: list[Block] = []
    for block in sorted(blocks, key=lambda block: block.start):
        if not found or block.start >= found[-1].end:
            found.append(block)
    return found


def _matched(tags: Iterable[Tag]) -> Iterator[Block]:
    opened: list[Tag] = []
    for tag in tags:
        if not tag.closing:
            opened.append(tag)
        elif opened:
            opening = opened.pop()
            yield Block(opening.start, opening.end, tag.start, tag.end, opening.firm)
