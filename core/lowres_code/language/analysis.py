"""What a language's reader sees in a program, told without running it: the optional fourth question."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass

MOST_LITERALS, LONGEST_LITERAL = 1_000, 200  # of a program; of one, in characters: longer ones are left out


@dataclass(frozen=True, slots=True)
class Analysis:
    """What a program consists of.

    Attributes:
        clauses: facts and rules; in languages without them, definitions.
        predicates: how many of different name or arity they define; or functions.
        constraints: relations that are left to a constraint solver.
        operations: arithmetic, comparisons, constraints, negations, and calls of what the program does not define
            itself and that is more than control, equality or output: 0 where nothing is computed.
        literals: numbers, strings and names that are written in it as data, as text and in order; at most
            `MOST_LITERALS`.
    """

    clauses: int
    predicates: int
    constraints: int
    operations: int
    literals: tuple[str, ...]

    def as_text(self) -> str:
        """As JSON, for the way out of a sandbox."""
        kept = tuple(text for text in self.literals if len(text) <= LONGEST_LITERAL)[:MOST_LITERALS]
        return json.dumps(dataclasses.asdict(dataclasses.replace(self, literals=kept)), ensure_ascii=False)

    @classmethod
    def of_text(cls, text: str) -> Analysis | None:
        """What `as_text` has written; ``None`` if a program has damaged it."""
        try:
            found = json.loads(text)
            counts = [found[name] for name in ("clauses", "predicates", "constraints", "operations")]
            literals = found["literals"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return None
        if not all(type(count) is int and 0 <= count < 2**31 for count in counts):
            return None
        if not isinstance(literals, list) or not all(isinstance(literal, str) for literal in literals):
            return None
        clauses, predicates, constraints, operations = counts
        kept = tuple(literal[:LONGEST_LITERAL] for literal in literals[:MOST_LITERALS])
        return cls(clauses, predicates, constraints, operations, kept)
