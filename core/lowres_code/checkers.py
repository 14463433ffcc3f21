"""Other ways to say whether an answer is the expected one, named by a problem instead of its language's comparison.

A checker is written as its name, or with options as ``float(rel=1e-4, abs=0.01)``: in Python, in a row of JSON, and in
a cell of CSV alike. It sees texts only (what is expected, the answer, and what the program has read), in the judge's
own process and never in the sandbox. Plugins bring others (``register_checkers``); those run in a process of their
own, which can be ended (`lowres_code.plugins.checking`).
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from lowres_code._util.given import must_be
from lowres_code.answers import clean_gold, same_number, same_text, unquoted
from lowres_code.errors import UsageError, near_match

NAME = r"[a-z][a-z0-9_-]*"  # what a checker's name looks like
LONGEST = 200  # characters of a checker as it is written
_WRITTEN = re.compile(rf"({NAME})\s*(?:\((.*)\))?", re.DOTALL)
_OPTION = re.compile(r"\s*([A-Za-z_]\w*)\s*=\s*(\"(?:[^\"\\]|\\.)*\"|[^,\"]+?)\s*(?:,|$)", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)

Option = bool | int | float | str


class CheckerError(Exception):
    """A checker has raised, or taken too long: the judge's own failure, never the program's."""


@dataclass(frozen=True, slots=True)
class Checker:
    """Says whether an answer is right.

    Attributes:
        name: as problems name it: lower case, digits, ``-`` and ``_``.
        meaning: one line for people.
        accepts: called with the expected answer, the answer and what the program has read, three texts; whether the
            answer is right. Its keyword-only parameters are the options that a problem may set; each needs a default,
            which says of what kind it is. Of an expected answer or options that make no sense it raises `ValueError`,
            and the problem is refused with that.
        options: those that a problem has set.

    Raises:
        UsageError: the name is none, or a keyword-only parameter has no default that is text, a number or a bool.
    """

    name: str
    meaning: str
    accepts: Callable[..., bool]
    options: Mapping[str, Option] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        must_be(self.name, str, "Checker: the name must be text")
        if not re.fullmatch(NAME, self.name):
            raise UsageError(f"a checker's name is of lower case, digits, '-' and '_', not {self.name!r}")
        for name, default in self.defaults.items():
            if not isinstance(default, Option):
                raise UsageError(f"checker {self.name!r}: option {name!r} needs a default: text, a number or a bool")

    @property
    def defaults(self) -> dict[str, Option]:
        """The options that there are."""
        every = inspect.signature(self.accepts).parameters.values()
        return {one.name: one.default for one in every if one.kind is one.KEYWORD_ONLY}

    def with_options(self, options: Mapping[str, Option]) -> Checker:
        """The same with a problem's options.

        Raises:
            UsageError: there is no such option, or it has a value of another kind.
        """
        defaults = self.defaults
        for name, value in options.items():
            if name not in defaults:
                raise UsageError(f"checker {self.name!r} has no option {name!r}; {near_match(name, defaults)}")
            if not _is_like(value, defaults[name]):
                kind = _KINDS[type(defaults[name])]
                raise UsageError(f"checker {self.name!r}: option {name!r} must be {kind}, not {value!r}")
        return dataclasses.replace(self, options=dict(options))

    def check(self, expected: str, actual: str, stdin: str) -> bool:
        """Whether the answer is right.

        Raises:
            CheckerError: the checker fails.
        """
        try:
            said = self.accepts(expected, actual, stdin, **self.options)
        except CheckerError:
            raise
        except Exception as error:
            raise CheckerError(f"checker {str(self)!r} fails: {type(error).__name__}: {error}") from error
        if said not in (True, False):
            raise CheckerError(f"checker {str(self)!r} fails: it says {said!r}, neither True nor False")
        return bool(said)

    def try_on(self, expected: str, stdin: str) -> None:
        """See that the checker can be asked about an expected answer.

        Raises:
            UsageError: it cannot: the expected answer or an option makes no sense to it.
        """
        try:
            self.accepts(expected, expected, stdin, **self.options)
        except Exception as error:
            said = str(error) if isinstance(error, ValueError | CheckerError) else f"{type(error).__name__}: {error}"
            raise UsageError(f"checker {str(self)!r} cannot be used: {said}") from error

    def __str__(self) -> str:
        options = ", ".join(f"{name}={json.dumps(value)}" for name, value in self.options.items())
        return f"{self.name}({options})" if options else self.name


_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text in double quotes"}


def _is_like(value: Option, default: Option) -> bool:
    if isinstance(value, bool) or isinstance(default, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    if isinstance(default, float):
        return isinstance(value, int | float) and math.isfinite(value)
    return isinstance(value, type(default))


def find_checker(written: str) -> Checker:
    """The checker that is written so, as ``tokens`` or ``float(rel=1e-4)``.

    Raises:
        UsageError: there is none of that name, or it has not such options.
    """
    must_be(written, str, 'find_checker takes text, as "tokens" or "float(rel=1e-4)"')
    match = _WRITTEN.fullmatch(written.strip()) if len(written) <= LONGEST else None
    if match is None:
        raise UsageError(f"a checker is a name, or a name with options as float(rel=1e-4), not {written[:80]!r}")
    name, options = match.groups()
    known = dict(_BUILT_IN)
    for bring in _BRINGERS if name not in known else ():
        known.update(bring())
    if name not in known:
        raise UsageError(f"there is no checker {name!r}; {near_match(name, known)}")
    return known[name].with_options(_options(name, options or ""))


def _options(name: str, written: str) -> dict[str, Option]:
    """``rel=1e-4, abs=0.01`` as a dictionary."""
    found: dict[str, Option] = {}
    place = 0
    while written[place:].strip():
        match = _OPTION.match(written, place)
        if match is None:
            raise UsageError(f"options of a checker are written {name}(NAME=VALUE, ...), not {written[:80]!r}")
        found[match[1]] = _value(name, match[1], match[2])
        place = match.end()
    return found


def _value(name: str, option: str, written: str) -> Option:
    try:
        value = json.loads(written)
    except ValueError:
        value = None
    if not isinstance(value, Option):
        raise UsageError(
            f"checker {name!r}: option {option!r} must be a number, true, false, or text in double quotes, "
            f"not {written[:80]!r}"
        )
    return value


def exact(expected: str, actual: str, _: str) -> bool:
    """See `lowres_code.answers.same_text`."""
    return same_text(expected, actual)


def tokens(expected: str, actual: str, _: str) -> bool:
    """The same words in the same order, however many blanks and line ends stand between them."""
    return expected.split() == actual.split()


def lines_any_order(expected: str, actual: str, _: str) -> bool:
    """The same lines, each as often; blanks at line ends and blank lines at the end do not count."""
    left, right = (Counter(line.rstrip() for line in text.rstrip().split("\n")) for text in (expected, actual))
    return left == right


def close_numbers(expected: str, actual: str, _: str, *, rel: float = 1e-6, abs: float = 1e-9) -> bool:
    """Word by word: equal, or two decimal numbers that differ by at most ``abs``, or by ``rel`` times the expected."""
    if rel < 0 or abs < 0:
        raise ValueError("rel and abs must not be negative")
    left, right = expected.split(), actual.split()
    return len(left) == len(right) and all(_close(a, b, rel, abs) for a, b in zip(left, right, strict=True))


def _close(expected: str, actual: str, relative: float, absolute: float) -> bool:
    if expected == actual:
        return True
    if not (_DECIMAL.fullmatch(expected) and _DECIMAL.fullmatch(actual)):
        return False
    wanted, given = float(expected), float(actual)
    near = abs(given - wanted) <= max(absolute, relative * abs(wanted))
    return near and math.isfinite(wanted) and math.isfinite(given)


def number(expected: str, actual: str, _: str) -> bool:
    """One number and nothing else, the same by value as `lowres_code.answers` compares numbers."""
    left, right = (clean_gold(unquoted(text.strip())) for text in (expected, actual))
    if not same_number(left, left):
        raise ValueError(f"the expected answer {expected[:80]!r} is not a number")
    return same_number(left, right)


def json_value(expected: str, actual: str, _: str) -> bool:
    """The same JSON value: neither blanks, nor the order of keys, nor how a number is written counts."""
    wanted = _json(expected)
    if wanted is None:
        raise ValueError(f"the expected answer {expected[:80]!r} is not JSON")
    given = _json(actual)
    try:
        return given is not None and _same_json(wanted[0], given[0])
    except RecursionError:
        return False


def _json(text: str) -> tuple[object] | None:
    """The value, by itself in a tuple; ``None`` if the text is not JSON."""
    try:
        return (json.loads(text, parse_int=Decimal, parse_float=Decimal, parse_constant=_no_json),)
    except (ValueError, ArithmeticError, RecursionError):
        return None


def _no_json(constant: str) -> object:
    raise ValueError(f"{constant} is not JSON")


def _same_json(left: object, right: object) -> bool:
    """Equal, where ``true`` is not 1."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same_json(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same_json, left, right))
    return type(left) is type(right) and left == right


CHECKERS = (
    Checker("exact", "the same text; only how lines end does not count", exact),
    Checker("tokens", "the same words in the same order; blanks and line ends between them do not count", tokens),
    Checker("lines-any-order", "the same lines, each as often, in any order", lines_any_order),
    Checker("float", "word by word the same, or decimal numbers within a tolerance", close_numbers),
    Checker("number", "one number and nothing else, of the same value however it is written", number),
    Checker("json", "the same JSON value", json_value),
)
_BUILT_IN = {checker.name: checker for checker in CHECKERS}
_BRINGERS: list[Callable[[], Mapping[str, Checker]]] = []


def bring_checkers(bring: Callable[[], Mapping[str, Checker]]) -> None:
    """Let `find_checker` know others by name; asked each time, so that nothing is loaded before it is needed."""
    _BRINGERS.append(bring)
