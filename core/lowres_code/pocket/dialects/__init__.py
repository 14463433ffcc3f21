"""How the pocket model's teacher writes each language: one module a language, each with a ``DIALECT``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lowres_code.pocket.ideas import Claim, Idea

Mistake = Callable[[str], str]
FORMULAS = ("expression", "left")  # the fields that hold one, as Python writes it


def as_it_is(formula: str) -> str:
    """The formula as Python writes it, which is how most languages do."""
    return formula


@dataclass(frozen=True, slots=True)
class Dialect:
    """A language as the teacher knows it.

    Attributes:
        language: the name as prompts say it.
        templates: for each kind of idea, the right program, with the idea's fields in braces.
        claims: how a claim about two people is written, by its operator; ``{0}`` is a person's name or a claim.
        mistakes: what people get wrong who come from elsewhere; each gives back the program unchanged where it does
            not apply.
        formula: how the language writes a formula, given as Python writes it.
        variable: how ``{VARIABLE}`` and ``{LEFT}`` spell the unknown of an equation.
    """

    language: str
    templates: Mapping[str, str]
    claims: Mapping[str, str]
    mistakes: tuple[Mistake, ...] = ()
    formula: Callable[[str], str] = as_it_is
    variable: Callable[[str], str] = str.upper

    def write(self, idea: Idea) -> str:
        """The right program for an idea."""
        fields = {name: self.formula(text) if name in FORMULAS else text for name, text in idea.fields.items()}
        if idea.kind == "equation":
            fields["VARIABLE"] = self.variable(fields["variable"])
            fields["LEFT"] = fields["left"].replace(fields["variable"], fields["VARIABLE"])
        if idea.claims:
            people = (fields["a"], fields["b"])
            fields["first"], fields["second"] = (self._claim(claim, people) for claim in idea.claims)
        return self.templates[idea.kind].format(**fields)

    def _claim(self, claim: Claim, people: tuple[str, str]) -> str:
        operator, *parts = claim
        if operator in ("telling-truth", "lying"):
            return self.claims[operator].format(people[parts[0]])
        if operator == "not" and parts[0][0] in ("telling-truth", "lying"):
            opposite = "lying" if parts[0][0] == "telling-truth" else "telling-truth"
            return self._claim((opposite, parts[0][1]), people)
        return self.claims[operator].format(*(self._claim(part, people) for part in parts))
