"""A completion: the text that a model writes, with its reasoning and its program in it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Completion:
    """A model's text taken apart.

    Attributes:
        text: all of it.
        reasoning: what stands in ``<reasoning>``, or ``None``.
        program: what is to be run, or ``None`` if there is nothing.
        well_formed: exactly ``<reasoning>…</reasoning>`` and then ``<code>…</code>``, with nothing else around.
    """

    text: str
    reasoning: str | None
    program: str | None
    well_formed: bool


_TAGS = ("<reasoning>", "</reasoning>", "<code>", "</code>")
_OPENING = re.compile(r"([ \t]*)```[ \t]*([\w+#.-]*)")  # its indentation, if it stands in a list; its tag


def format_completion(reasoning: str, program: str) -> str:
    """The text that the default format asks a model for."""
    return f"<reasoning>\n{reasoning}\n</reasoning>\n<code>\n{program}\n</code>"


def parse_completion(text: str, fences: Collection[str]) -> Completion:
    """Take a completion apart.

    The program is the last ``<code>`` block; without one, the last fenced block whose tag is in ``fences`` or empty.
    A fence inside ``<code>`` is taken off. Text that is in neither is never run. Lines may end as on Windows.

    Args:
        text: what the model wrote.
        fences: the tags that mark a fenced block as this language, lower case.
    """
    lines = text.replace("\r\n", "\n")
    reasoning = next(_blocks(lines, "<reasoning>", "</reasoning>"), None)
    *_, code = None, *_blocks(lines, "<code>", "</code>")
    program = _fenced(lines, fences) if code is None else _unfenced(code, fences)
    return Completion(
        text=text,
        reasoning=None if reasoning is None else reasoning.strip(),
        program=program if program and program.strip() else None,
        well_formed=_is_well_formed(text),
    )


# By hand and not by regular expressions, some of which take minutes for 100,000 characters of a hostile completion.


def _blocks(text: str, opening: str, closing: str) -> Iterator[str]:
    """What stands between an opening and the next closing, one block after another."""
    end = 0
    while (start := text.find(opening, end)) >= 0:
        start += len(opening)
        end = text.find(closing, start)
        if end < 0:
            return
        yield text[start:end]
        end += len(closing)


def _is_well_formed(text: str) -> bool:
    """Whether each tag is there once, in order, with nothing but space before, between and after the blocks."""
    places = [text.find(tag) for tag in _TAGS]
    if places != sorted(places) or any(text.count(tag) != 1 for tag in _TAGS):
        return False
    outside = (text[: places[0]], text[places[1] + len(_TAGS[1]) : places[2]], text[places[3] + len(_TAGS[3]) :])
    return not any(part.strip() for part in outside)


def _fenced(text: str, fences: Collection[str]) -> str | None:
    blocks = [body for tag, body in _fenced_blocks(text) if not tag or tag.lower() in fences]
    return blocks[-1] if blocks else None


def _fenced_blocks(text: str) -> Iterator[tuple[str, str]]:
    """The tag and the body of each fenced block that is closed."""
    opening, body = None, list[str]()
    for line in text.split("\n"):
        if opening is None:
            opening, body = _OPENING.match(line), []
        elif _closes(line):
            yield opening[2], "".join(f"{line}\n" for line in body)
            opening = None
        else:
            body.append(_indented_less(line, len(opening[1])))


def _indented_less(line: str, by: int) -> str:
    """The line without as much of its indentation as its fence has."""
    return line[:by].lstrip(" \t") + line[by:]


def _closes(line: str) -> bool:
    return line.strip(" \t") == "```"


def _unfenced(block: str, fences: Collection[str]) -> str:
    """The block, or what a fence around all of it holds."""
    first, *body = block.strip().split("\n")
    opening = _OPENING.match(first)
    if opening and body and _closes(body[-1]) and (not opening[2] or opening[2].lower() in fences):
        return "".join(f"{line}\n" for line in body[:-1])
    return block.strip("\n") + "\n" if block.strip() else ""
