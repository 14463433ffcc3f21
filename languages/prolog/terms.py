"""Prolog's ground terms, read without Prolog: answers are compared in a process that has no SWI-Prolog.

They are read as SWI-Prolog 9 reads them: numbers, atoms, strings, lists, compound terms, and the operators that it
starts with. Not read are variables, comments, dicts, a program's own operators, and what is nested deeper than
`DEEPEST`. Reading takes time in proportion to the length.
"""

from __future__ import annotations

from typing import NamedTuple

from lowres_code.answers import same_number

from .tokens import Token, UnreadableError, tokens

DEEPEST = 100


class Number(NamedTuple):
    """A number, written as `lowres_code.answers` reads numbers."""

    text: str


class Text(NamedTuple):
    """An atom or a string; ``kind`` tells which. The empty list is of a kind of its own."""

    kind: str
    text: str


class Compound(NamedTuple):
    """A compound term; a list is made of those named ``[|]``."""

    name: str
    arguments: tuple[Term, ...]


Term = Number | Text | Compound

_NIL = Text("reserved", "[]")


def same_term(expected: str, actual: str) -> bool | None:
    """Whether two answers are the same term, numbers being compared by their values.

    An answer that is an atom or a string is written without quotes, so that for these the text alone decides.

    Returns:
        ``None`` if one of them cannot be read.
    """
    left, right = read_term(expected), read_term(actual)
    if _is_text(left) or _is_text(right):
        return _shown(left, expected) == _shown(right, actual)
    return None if left is None or right is None else _same(left, right)


def read_term(text: str) -> Term | None:
    """The ground term that a text is; ``None`` if it is none, or one that is not read here."""
    try:
        return _Reader(text).whole()
    except (UnreadableError, ValueError, OverflowError):  # the latter two: a character's number, or one too long
        return None


def _is_text(term: Term | None) -> bool:
    return isinstance(term, Text) and term != _NIL


def _shown(term: Term | None, text: str) -> str:
    return term.text if isinstance(term, Text) else text.strip()


def _same(left: Term, right: Term) -> bool:
    pairs = [(left, right)]
    while pairs:
        a, b = pairs.pop()
        if isinstance(a, Compound) and isinstance(b, Compound):
            if a.name != b.name or len(a.arguments) != len(b.arguments):
                return False
            pairs.extend(zip(a.arguments, b.arguments, strict=True))
        elif isinstance(a, Number) and isinstance(b, Number):
            if a != b and not same_number(a.text, b.text):
                return False
        elif type(a) is not type(b) or a != b:
            return False
    return True


class _Operator(NamedTuple):
    """How tightly an operator binds: its priority, and the most that may stand before it and behind it."""

    priority: int
    left: int
    right: int


def _operators(x_left: int, x_right: int, names: dict[int, str]) -> dict[str, _Operator]:
    """Operators by their priorities; 1 for a side where their type has an ``x``: that side must bind tighter."""
    return {name: _Operator(n, n - x_left, n - x_right) for n, line in names.items() for name in line.split()}


_COMPARISONS = "< = =.. =:= =< == =@= =\\= > >= @< @=< @> @>= \\= \\== \\=@= :< >:< as is"
_DECLARATIONS = (
    "discontiguous dynamic initialization meta_predicate module_transparent multifile public table "
    "thread_initialization thread_local volatile"
)
_INFIX = {
    **_operators(1, 1, {200: "**", 700: _COMPARISONS, 800: ":=", 1200: "--> :- =>"}),
    **_operators(1, 0, {200: "^", 600: ":", 1000: ",", 1050: "-> *->", 1100: ";", 1105: "|"}),
    **_operators(0, 1, {400: "* / // << >> div mod rdiv rem xor", 500: "+ - /\\ \\/"}),
}
_PREFIX = {
    **_operators(0, 0, {200: "+ - \\", 900: "\\+"}),
    **_operators(0, 1, {1: "$", 1150: _DECLARATIONS, 1200: ":- ?-"}),
}
_LOOSEST = 1200
_END = Token("end", "")


class _Reader:
    """Reads one term, by the priorities of operators."""

    def __init__(self, text: str) -> None:
        self._rest = tokens(text)
        self._next = next(self._rest, _END)
        self._depth = 0
        self._separators: tuple[str, ...] = ()  # marks that are no operators where the reader is now

    def whole(self) -> Term:
        """The term that the whole text is."""
        term = self._term(_LOOSEST)
        if self._next is not _END:
            raise UnreadableError(self._next.text)
        return term

    def _take(self) -> Token:
        token, self._next = self._next, next(self._rest, _END)
        return token

    def _found(self, mark: str) -> bool:
        """Whether this mark comes next; it is taken then."""
        found = (self._next.kind, self._next.text) == ("punctuation", mark)
        if found:
            self._take()
        return found

    def _expect(self, mark: str) -> None:
        if not self._found(mark):
            raise UnreadableError(self._next.text)

    def _term(self, most: int) -> Term:
        """A term whose operator has at most this priority."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise UnreadableError
        term, priority = self._operand(most)
        while operator := self._infix(priority, most):
            name = self._take().text
            term, priority = Compound(name, (term, self._term(operator.right))), operator.priority
        self._depth -= 1
        return term

    def _infix(self, priority: int, most: int) -> _Operator | None:
        """The infix operator that comes next, if it may stand behind a term of this priority."""
        coming = self._next
        if coming.kind not in ("name", "punctuation") or coming.text in self._separators:
            return None
        operator = _INFIX.get(coming.text)
        return operator if operator and operator.priority <= most and priority <= operator.left else None

    def _operand(self, most: int) -> tuple[Term, int]:
        """A term without an infix operator, and its priority."""
        token = self._take()
        if token.kind == "name" and token.text in _PREFIX and not token.calls and self._operand_follows(token):
            operator = _PREFIX[token.text]
            term = Compound(token.text, (self._term(min(operator.right, most)),))
            return term, operator.priority if operator.priority <= most else 0  # writeq leaves out the brackets then
        return self._simple(token), 0

    def _operand_follows(self, operator: Token) -> bool:
        """Whether this is a prefix operator here, and not an atom or the sign of a number."""
        coming = self._next
        if coming.kind == "end" or (coming.kind == "punctuation" and coming.text not in ("(", "[", "{")):
            return False
        if coming.kind == "number" and coming.glued and operator.text == "-":
            return False
        return coming.kind != "name" or coming.text not in _INFIX or coming.text in _PREFIX or coming.calls

    def _simple(self, token: Token) -> Term:
        """A term without operators, of which this is the first token."""
        if token.kind == "punctuation":
            return self._bracketed(token.text)
        if token.kind in ("name", "atom"):
            return self._named(token)
        if token.kind == "codes":
            return _list([Number(str(ord(character))) for character in token.text], _NIL)
        if token.kind == "end":
            raise UnreadableError
        return Number(token.text) if token.kind == "number" else Text(token.kind, token.text)

    def _named(self, token: Token) -> Term:
        if token.calls:
            self._take()
            arguments = self._items(",")
            self._expect(")")
            return Compound(token.text, tuple(arguments))
        if token.kind == "name" and token.text == "-" and self._next.kind == "number" and self._next.glued:
            return Number(f"-{self._take().text}")
        return _NIL if token.kind == "name" and token.text == _NIL.text else Text("atom", token.text)

    def _bracketed(self, opening: str) -> Term:
        """What stands in brackets; the opening one is taken already."""
        term: Term
        if opening == "(":
            (term,), closing = self._items(), ")"
        elif opening == "{":
            term, closing = Compound("{}", tuple(self._items())), "}"
        elif opening == "[":
            term, closing = _list(self._items(",", "|"), self._items()[0] if self._found("|") else _NIL), "]"
        else:
            raise UnreadableError(opening)
        self._expect(closing)
        return term

    def _items(self, *separators: str) -> list[Term]:
        """Terms with commas between them, if a comma is a separator here; else one term."""
        around, self._separators = self._separators, separators
        items = [self._term(_LOOSEST)]
        while "," in separators and self._found(","):
            items.append(self._term(_LOOSEST))
        self._separators = around
        return items


def _list(items: list[Term] | list[Number], tail: Term) -> Term:
    for item in reversed(items):
        tail = Compound("[|]", (item, tail))
    return tail
