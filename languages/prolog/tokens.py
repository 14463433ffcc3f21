"""The tokens of a Prolog term, as SWI-Prolog 9 reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple


class UnreadableError(Exception):
    """A text is no term, or one that is not read here."""


class Token(NamedTuple):
    """One token.

    Attributes:
        kind: ``number``, ``name``, ``atom`` (with quotes), ``string``, ``codes``, ``punctuation`` or ``end``.
        text: what it stands for: without quotes and escapes; a number as decimal digits.
        glued: whether nothing stands between it and the token before.
        calls: whether an opening parenthesis stands right behind it.
    """

    kind: str
    text: str
    glued: bool = False
    calls: bool = False


_ESCAPED = r"\\(?:x[0-9a-fA-F]+\\?|[0-7]+\\?|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)"
_TOKEN = re.compile(
    rf"""
      (?P<code>0'(?:{_ESCAPED}|''|[^'\\]))
    | (?P<radix>0x[0-9a-fA-F]+|0o[0-7]+|0b[01]+|[0-9]{{1,2}}'[0-9a-zA-Z]+)
    | (?P<number>[0-9]+(?:_[0-9]+)*(?:r[0-9]+|(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)(?!\w))
    | (?P<name>[^\W\d_]\w*|[-+*/\\^<>=~:.?@\#&$]+|[!;]|\[\s*\]|\{{\s*\}})
    | (?P<quote>['"`])
    | (?P<punctuation>[][(){{}},|])
    """,
    re.VERBOSE | re.DOTALL,
)
_PIECE = re.compile(rf"""{_ESCAPED}|[^\\'"`]+|['"`]""", re.DOTALL)  # of what stands in quotes
_LAYOUT = re.compile(r"\s*")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "e": "\x1b", "s": " "}
_ESCAPES |= {"\n": "", **{character: character for character in "\\'\"`"}}


_QUOTES = {"'": "atom", '"': "string", "`": "codes"}


def tokens(text: str) -> Iterator[Token]:
    """The tokens of a text, without a full stop that ends it.

    Raises:
        UnreadableError: at a variable, a comment, or what no token begins with.
        ValueError: a number has too many digits, or is no character's.
    """
    at, end = 0, len(text.rstrip())
    while at < end:
        layout = _LAYOUT.match(text, at)
        begin = layout.end() if layout else at
        match = _TOKEN.match(text, begin, end)
        if match is None:
            raise UnreadableError(text[begin : begin + 20])
        after, kind, found = match.end(), str(match.lastgroup), match.group()
        if kind == "quote":
            kind, (found, after) = _QUOTES[found], _quoted(text, found, after, end)
        elif kind == "name":
            found = _name(found)
        elif kind in ("code", "radix", "number"):
            kind, found = "number", _decimal(kind, found)
        if (kind, found, after) == ("name", ".", end):
            return
        yield Token(kind, found, glued=begin == at, calls=text.startswith("(", after))
        at = after


def _quoted(text: str, quote: str, at: int, end: int) -> tuple[str, int]:
    """What stands in quotes from ``at`` on, and where the text goes on behind them."""
    pieces: list[str] = []
    while piece := _PIECE.match(text, at, end):
        at = piece.end()
        if piece.group() == quote:
            if not text.startswith(quote, at):
                return "".join(pieces), at
            at += 1  # doubled
        pieces.append(_character(piece.group()) if piece.group()[0] == "\\" else piece.group())
    raise UnreadableError(quote)


def _character(escape: str) -> str:
    """What an escape sequence stands for."""
    number = escape[1:].rstrip("\\")
    if number[:1] in ("x", "u", "U") and number[1:]:
        return chr(int(number[1:], 16))
    if number[:1].isdigit():
        return chr(int(number, 8))
    if escape[1:] not in _ESCAPES:
        raise UnreadableError(escape)
    return _ESCAPES[escape[1:]]


def _name(found: str) -> str:
    if found[0].isupper() or found[0].istitle() or found.startswith("/*"):
        raise UnreadableError(found)
    return "".join(found.split()) if found[0] in "[{" else found


def _decimal(kind: str, found: str) -> str:
    """A number in decimal digits."""
    if kind == "number":
        return found.replace("_", "")
    if kind == "code":
        return str(ord(_character(found[2:]) if found[2] == "\\" else found[2]))
    base, quote, digits = found.partition("'")
    return str(int(digits, max(2, int(base))) if quote else int(found, 0))
