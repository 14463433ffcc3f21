"""A completion: the text that a model writes, with its reasoning and its program in it."""

from __future__ import annotations

import re
from collections.abc import Collection
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


_REASONING = re.compile(r"<reasoning>(.*?)</reasoning>", re.DOTALL)
_CODE = re.compile(r"<code>(.*?)</code>", re.DOTALL)
_WHOLE = re.compile(
    r"\s*<reasoning>(?:(?!</?reasoning>|</?code>).)*</reasoning>\s*<code>(?:(?!</?reasoning>|</?code>).)*</code>\s*",
    re.DOTALL,
)
_FENCE = re.compile(r"^```[ \t]*([\w+#.-]*)[^\n]*\n(.*?)^```[ \t]*$", re.DOTALL | re.MULTILINE)


def format_completion(reasoning: str, program: str) -> str:
    """The text that the default format asks a model for."""
    return f"<reasoning>\n{reasoning}\n</reasoning>\n<code>\n{program}\n</code>"


def parse_completion(text: str, fences: Collection[str]) -> Completion:
    """Take a completion apart.

    The program is the last ``<code>`` block; without one, the last fenced block whose tag is in ``fences`` or empty.
    A fence inside ``<code>`` is taken off. Text that is in neither is never run.

    Args:
        text: what the model wrote.
        fences: the tags that mark a fenced block as this language, lower case.
    """
    reasoning = _REASONING.search(text)
    blocks = _CODE.findall(text)
    program = _unfenced(blocks[-1], fences) if blocks else _fenced(text, fences)
    return Completion(
        text=text,
        reasoning=reasoning.group(1).strip() if reasoning else None,
        program=program if program and program.strip() else None,
        well_formed=_WHOLE.fullmatch(text) is not None,
    )


def _fenced(text: str, fences: Collection[str]) -> str | None:
    blocks = [body for tag, body in _FENCE.findall(text) if not tag or tag.lower() in fences]
    return blocks[-1] if blocks else None


def _unfenced(block: str, fences: Collection[str]) -> str:
    inner = _FENCE.fullmatch(block.strip())
    if inner and (not inner.group(1) or inner.group(1).lower() in fences):
        return inner.group(2)
    return block.strip("\n") + "\n" if block.strip() else ""
