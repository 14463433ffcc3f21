"""What public functions are given: a wrong type is told in a sentence, before something deep within fails at it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sized
from pathlib import Path
from types import UnionType
from typing import TypeVar

from lowres_code._util.records import shown
from lowres_code.errors import UsageError

PATH = str | Path
T = TypeVar("T")


def must_be(value: object, kind: type | UnionType, what: str) -> None:
    """See that a value is of a kind.

    Args:
        value: that was given.
        kind: as `isinstance` takes it.
        what: the beginning of the sentence, up to what it must be: ``check: the program must be text``.

    Raises:
        UsageError: it is not.
    """
    if not isinstance(value, kind):
        raise UsageError(f"{what}, not {shown(value)}")


def must_be_list(values: Iterable[T], kind: type, what: str, each: str) -> tuple[T, ...]:
    """A list, or whatever else can be gone through in order, as a tuple; see that it is of things of a kind.

    Args:
        values: that was given: a generator, a column of a frame, the keys of a table are as good as a list.
        kind: of each thing in it.
        what: the beginning of the sentence: ``judge: completions must be a list, as ["..."]``.
        each: the same of one thing: ``judge: each completion must be text``.

    Raises:
        UsageError: it is not; of text, tables and sets nobody means the parts, or knows their order.
    """
    if isinstance(values, str | bytes | Mapping | set | frozenset) or not isinstance(values, Iterable):
        raise UsageError(f"{what}, not {shown(values)}")
    must_be_all(made := tuple(values), kind, each)
    return made


def must_be_all(values: Iterable[object], kind: type, each: str) -> None:
    """See that all things are of a kind; ``each`` as in `must_be_list`.

    Raises:
        UsageError: one is not; its number, counted from 1, is told.
    """
    for number, value in enumerate(values, 1):
        if not isinstance(value, kind):
            raise UsageError(f"{each}, not {shown(value)} (number {number})")


def must_match(one: Sized, other: Sized, where: str, names: tuple[str, str]) -> None:
    """See that two lists are as long.

    Raises:
        UsageError: they are not, as in ``judge takes as many problems as completions, ...; got 3 and 2``.
    """
    if len(one) != len(other):
        asked = f"{where} takes as many {names[1]} as {names[0]}, in the same order"
        raise UsageError(f"{asked}; got {len(other)} and {len(one)}")
