"""Fenced code blocks of a model's text, read as CommonMark reads them, and a little more kindly."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

# Its indentation with the mark of a list item, an element that a model may put around it; its marks; its info string.
_OPENING = re.compile(r"([ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?)(?:<\w{1,20}>)?(`{3,}|~{3,})(.*)")
_CLOSING = re.compile(r"[ \t]*(`{3,}|~{3,})[ \t]*(?:</\w{1,20}>)?[ \t]*")
_TAG = re.compile(r"[ \t]*\{?[ \t]*\.?(?:language-)?([\w+#.-]*)")


class Fence(NamedTuple):
    """A fenced block.

    Attributes:
        tag: what it says of the language, in lower case; empty if nothing.
        body: what it holds.
        closed: whether a closing fence ends it, and not the text.
        line: the number of the line that opens it, counted from 0.
    """

    tag: str
    body: str
    closed: bool
    line: int


class _Opening(NamedTuple):
    indentation: int
    marks: str
    tag: str
    line: int


def fenced_blocks(text: str, tags: Collection[str]) -> Iterator[Fence]:
    """The fenced blocks of a text, in order.

    Inside a block, a line that would open one of ``tags`` does so: no program has such a line, and a model forgets to
    close a block now and then, or puts a whole answer into a block of Markdown.
    """
    opened: _Opening | None = None
    body: list[str] = []
    for number, line in enumerate(text.removesuffix("\n").split("\n")):
        opening = _opening(line, number)
        if opened is None or (opening and opening.tag in tags):
            opened, body = opening, []
        elif _closes(line, opened.marks):
            yield Fence(opened.tag, _joined(body), True, opened.line)
            opened = None
        else:
            body.append(_indented_less(line, opened.indentation))
    if opened:
        if body and body[-1].strip() in ("`", "``", "~", "~~"):  # a closing fence that was cut off
            del body[-1]
        yield Fence(opened.tag, _joined(body), False, opened.line)


def _opening(line: str, number: int) -> _Opening | None:
    match = _OPENING.match(line) if "```" in line or "~~~" in line else None
    if match is None or (match[2][0] == "`" and "`" in match[3]):  # the latter: code in the midst of a line
        return None
    tag = _TAG.match(match[3])
    return _Opening(len(match[1]), match[2], tag[1].lower() if tag else "", number)


def _closes(line: str, marks: str) -> bool:
    """Whether this line closes a block that was opened with these marks: as many of them, or more."""
    match = _CLOSING.fullmatch(line)
    return match is not None and match[1].startswith(marks)


def _indented_less(line: str, by: int) -> str:
    """The line without as much of its indentation as its fence has."""
    return line[:by].lstrip(" \t") + line[by:]


def _joined(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
