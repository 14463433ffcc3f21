"""The ways to judge an answer to a reasoning-gym entry, and what makes an entry fit to be asked.

Where a question has one right answer, that is compared with as everywhere (`Text`), or as a word in whatever case
(`Word`). Where it has many, or one that can be written in many ways, reasoning-gym's own checker decides (`Checker`),
in the judge's process and on nothing but the text of an answer.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

from lowres_code.forms import Check, bare
from lowres_code.problem import Test
from lowres_code.sources.syllogisms import verdict

Entry = Mapping[str, Any]  # "question", "answer" and "metadata" of one question

LONGEST_ANSWER = 10_000  # characters that a checker is given, or twice the known answer if that is longer


@dataclass(frozen=True, slots=True)
class Text:
    """The entry has one right answer.

    Attributes:
        form: how it must be written.
        gold: the answer in an entry.
        sound: whether an entry is fit to be asked, where reasoning-gym is known to slip.
    """

    form: Check | None = None
    gold: Callable[[Entry], str] = lambda entry: str(entry["answer"])
    sound: Callable[[Entry], bool] = lambda entry: True

    def test(self, dataset: Any, entry: Entry) -> Test | None:
        """The test of an entry; ``None`` if it is not fit to be asked."""
        if entry["answer"] is None or not self.sound(entry):
            return None
        gold = self.gold(entry).strip()
        return Test(gold, check=self.form) if gold and (self.form is None or self.form(gold)) else None


@dataclass(frozen=True, slots=True)
class Word:
    """The entry has one right answer, a word; capitals do not count, for in some languages they are more than letters.

    Attributes:
        sound: as for `Text`.
    """

    sound: Callable[[Entry], bool] = lambda entry: True

    def test(self, dataset: Any, entry: Entry) -> Test | None:
        """The test of an entry; ``None`` if it is not fit to be asked."""
        return Test(check=partial(_same_word, str(entry["answer"]))) if self.sound(entry) else None


def _same_word(one: str, other: str) -> bool:
    return bare(one).casefold() == bare(other).casefold()


@dataclass(frozen=True, slots=True)
class Checker:
    """The generator's own ``score_answer`` decides; an answer is right at the full score alone.

    Three things are asked of one: it does not evaluate the answer as code, it is quick for any text of bounded length,
    and it gives its full score for right answers only.

    Attributes:
        shape: the pattern of the answers that it is given, all others being wrong: those for which that holds.
        sound: as for `Text`.
    """

    shape: str = r"(?s).+"
    sound: Callable[[Entry], bool] = lambda entry: True

    def test(self, dataset: Any, entry: Entry) -> Test | None:
        """The test of an entry of ``dataset``; ``None`` if it is not fit to be asked."""
        known = entry["answer"]
        check = EntryCheck(dataset, entry, re.compile(self.shape), max(LONGEST_ANSWER, 2 * len(known or "")))
        return Test(check=check) if self.sound(entry) and (known is None or check(known)) else None


@dataclass(frozen=True, slots=True, eq=False)
class EntryCheck:
    """Whether reasoning-gym gives an answer to one of its entries the full score; never raises."""

    dataset: Any
    entry: Entry
    shape: re.Pattern[str]
    longest: int

    def __call__(self, answer: str) -> bool:
        """Whether the answer is right."""
        text = bare(answer)
        if len(text) > self.longest or not self.shape.fullmatch(text):
            return False
        try:
            return bool(self.dataset.score_answer(text, deepcopy(self.entry)) == 1.0)  # some write into the entry
        except Exception:  # what they raise for a text that they cannot read
            return False


@dataclass(frozen=True, slots=True)
class Refused:
    """The task cannot be used.

    Attributes:
        reason: why not, to be read after the task's name.
    """

    reason: str


def not_given(entry: Entry) -> bool:
    """Whether the answer is something else than what the question ends with: a copy of that would be right."""
    return not entry["question"].rstrip().endswith(str(entry["answer"]).strip())


def has_variable(entry: Entry) -> bool:
    """Whether an equation still has its variable; some come out as ``0 = 0``."""
    meta = entry["metadata"]
    return re.search(rf"\b{meta['variable']}\b", meta["equation"]) is not None


def has_known_relation(entry: Entry) -> bool:
    """Whether a relationship is that of the first person to the second.

    Of nieces, nephews and in-laws reasoning-gym says what the second is to the first, or whether the second is a woman.
    """
    return entry["answer"] not in ("niece", "nephew", "mother-in-law", "father-in-law")


def follows_or_not(entry: Entry) -> bool:
    """Whether the answer to a syllogism is right, and beyond dispute: see `lowres_code.sources.syllogisms`.

    reasoning-gym's rules do not see that "all A are B, some B are C" says nothing about A and C.
    """
    meta = entry["metadata"]
    return verdict((meta["premise1"], meta["premise2"]), meta["conclusion"]) is (str(entry["answer"]) == "Yes")


def says_enough(entry: Entry) -> bool:
    """Whether a question of ``aiw`` can be answered.

    Some ask for the sisters of a stranger's brother. With colleagues, the answer would depend on whether somebody who
    is a colleague of one is a colleague of the others around him.
    """
    kind, question = str(entry["metadata"]["task_type"]), str(entry["question"])
    name = question.partition(" ")[0]
    return kind == "friends" or (kind == "siblings" and question.endswith(f"{name}'s brother have?"))


def divides_exactly(entry: Entry) -> bool:
    """Whether the answer is the value of the expression; some quotients are no integers, and are given as 0."""
    expression = entry["metadata"]["expression"]
    return "/" not in expression or _value(ast.parse(expression, mode="eval").body) == Fraction(entry["answer"])


_OPERATORS: dict[type[ast.AST], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def _value(node: ast.expr) -> Fraction:
    match node:
        case ast.BinOp(left, op, right):
            return _OPERATORS[type(op)](_value(left), _value(right))
        case ast.UnaryOp(ast.USub(), operand):
            return -_value(operand)
        case ast.Constant(value=int(number)):
            return Fraction(number)
    raise ValueError(f"cannot read {ast.unparse(node)!r} as arithmetic")
