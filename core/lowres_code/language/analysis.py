"""What a language's reader sees in a program, told without running it: the optional fourth question."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

MOST_LITERALS, LONGEST_LITERAL = 1_000, 200  # of a program; of one, in characters: of longer ones, so many are kept
MOST_PLACES = 5_000  # of a program that has more, none is kept: a name is changed everywhere or nowhere

Span = tuple[int, int]  # begin and end in a text, in characters from 0


@dataclass(frozen=True, slots=True)
class Places:
    """Where in a program's text others can be put in the places of its names and numbers.

    Attributes:
        names: that are the program's own, each with all its places: nobody else gives them a meaning, so that a program
            with others means the same.
        numbers: places of numbers that are data; of a negative one with its sign.
    """

    names: Mapping[str, tuple[Span, ...]] = field(default_factory=lambda: MappingProxyType({}))
    numbers: tuple[Span, ...] = ()

    @classmethod
    def of_rows(cls, names: Iterable[Sequence[Any]], numbers: Iterable[Sequence[Any]]) -> Places:
        """From rows of name, begin and end, and of begin and end.

        Raises:
            ValueError, TypeError: they are something else.
        """
        spans: dict[str, list[Span]] = {}
        for name, *span in names:
            spans.setdefault(str(name), []).append(_span(span))
        found = cls({name: tuple(places) for name, places in spans.items()}, tuple(map(_span, numbers)))
        return found if found.count() <= MOST_PLACES else cls()

    def count(self) -> int:
        """How many places there are."""
        return len(self.numbers) + sum(map(len, self.names.values()))

    def rows(self) -> dict[str, list[list[Any]]]:
        """What `of_rows` takes, by the names of its arguments."""
        names = [[name, *span] for name, spans in self.names.items() for span in spans]
        return {"names": names, "numbers": list(map(list, self.numbers))}


def _span(pair: Sequence[Any]) -> Span:
    begin, end = map(int, pair)
    if not 0 <= begin < end < 2**31:
        raise ValueError(f"no place in a text: {begin} to {end}")
    return begin, end


_COUNTS = ("clauses", "predicates", "constraints", "operations")


@dataclass(frozen=True, slots=True)
class Analysis:
    """What a program consists of.

    Attributes:
        clauses: facts and rules; in languages without them, definitions.
        predicates: how many of different name or arity they define; or functions.
        constraints: relations that are left to a constraint solver.
        operations: arithmetic, comparisons, constraints, negations, and calls of what the program does not define
            itself and that is more than control, equality or output. Where there is none, Prolog's reader counts the
            choices among the program's own clauses, but for one: a single look-up derives nothing. 0 where nothing is
            computed.
        literals: numbers, strings and names that are written in it as data, as text and in order; at most
            `MOST_LITERALS`, and of each the first `LONGEST_LITERAL` characters.
        places: of its names and numbers, for a language that can tell; where they are makes no other analysis of it.
    """

    clauses: int
    predicates: int
    constraints: int
    operations: int
    literals: tuple[str, ...]
    places: Places = field(default_factory=Places, compare=False, repr=False)

    def as_text(self) -> str:
        """As JSON, for the way out of a sandbox."""
        kept = [text[:LONGEST_LITERAL] for text in self.literals[:MOST_LITERALS]]
        counts = {name: getattr(self, name) for name in _COUNTS}
        return json.dumps({**counts, "literals": kept, **self.places.rows()}, ensure_ascii=False)

    @classmethod
    def of_text(cls, text: str) -> Analysis | None:
        """What `as_text` has written, or a language's own reader; ``None`` if it is damaged. Places may be left out."""
        try:
            found = json.loads(text)
            counts = [found[name] for name in _COUNTS]
            literals = found["literals"]
            places = Places.of_rows(found.get("names", ()), found.get("numbers", ()))
        except (ValueError, OverflowError, KeyError, TypeError, AttributeError, RecursionError):
            return None
        if not all(type(count) is int and 0 <= count < 2**31 for count in counts):
            return None
        if not isinstance(literals, list) or not all(isinstance(literal, str) for literal in literals):
            return None
        clauses, predicates, constraints, operations = counts
        kept = tuple(literal[:LONGEST_LITERAL] for literal in literals[:MOST_LITERALS])
        return cls(clauses, predicates, constraints, operations, kept, places)
