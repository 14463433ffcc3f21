"""Whether a conclusion follows from two premises: by looking at every way in which three sets can lie.

Three sets make eight regions, and each is empty or not. A statement is true or false of such a diagram, so 256 of them
decide everything that can be said with "all", "no", "some" and "some are not".
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Sequence
from typing import NamedTuple

Region = tuple[bool, ...]  # in which of the three sets its members are
Diagram = frozenset[Region]  # the regions that are not empty

_STATEMENT = re.compile(r"(All|No|Some) (\w+) are (not )?(\w+)")
_REGIONS: tuple[Region, ...] = tuple(itertools.product((False, True), repeat=3))


class Statement(NamedTuple):
    """``All A are B`` and its like: the quantifier, the numbers of the two sets, and whether it says ``are not``."""

    quantifier: str
    subject: int
    predicate: int
    negated: bool

    def holds(self, diagram: Diagram) -> bool:
        """Whether it is true."""
        members = [region for region in diagram if region[self.subject]]
        inside = [region[self.predicate] != self.negated for region in members]
        return all(inside) if self.quantifier == "All" else any(inside) != (self.quantifier == "No")


def verdict(premises: Sequence[str], conclusion: str) -> bool | None:
    """Whether the conclusion follows.

    Returns:
        ``None`` where that depends on whether a set may be empty, on which ancient and modern logic differ.
    """
    *given, claimed = _read([*premises, conclusion])
    anywhere = [diagram for diagram in _diagrams() if all(statement.holds(diagram) for statement in given)]
    inhabited = [d for d in anywhere if all(any(region[number] for region in d) for number in range(3))]
    modern, ancient = (all(claimed.holds(diagram) for diagram in some) for some in (anywhere, inhabited))
    return modern if modern == ancient else None


@functools.cache
def _diagrams() -> tuple[Diagram, ...]:
    chosen = itertools.product((False, True), repeat=len(_REGIONS))
    return tuple(frozenset(itertools.compress(_REGIONS, inhabited)) for inhabited in chosen)


def _read(texts: Sequence[str]) -> list[Statement]:
    """Raises `ValueError` for a text that is none of these, or where there are more than three sets."""
    numbers: dict[str, int] = {}
    found = []
    for text in texts:
        match = _STATEMENT.fullmatch(text)
        if match is None:
            raise ValueError(f"cannot read {text!r} as a statement")
        quantifier, subject, negated, predicate = match.groups()
        places = [numbers.setdefault(name, len(numbers)) for name in (subject, predicate)]
        found.append(Statement(quantifier, places[0], places[1], negated is not None))
    if len(numbers) > 3:
        raise ValueError(f"more than three sets: {', '.join(numbers)}")
    return found
