"""What each checker takes for the same, how they are written, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from lowres_code.checkers import Checker, CheckerError, find_checker
from lowres_code.errors import UsageError


def accepts(checker: str, expected: str, actual: str) -> bool:
    return find_checker(checker).check(expected, actual, "")


@pytest.mark.parametrize(
    ("checker", "expected", "same", "others"),
    [
        ("exact", "a  b\n", ["a  b", "a  b\r\n", "a  b\n\n"], ["a b", " a  b", "a  b \n", "A  b", "", "a  b\n\nc"]),
        ("exact", "", ["", "\n"], [" ", "0"]),
        ("tokens", "1 2\n3", ["1 2 3", "1\n2\n3\n", "\t1  2 3 "], ["1 23", "1.0 2 3", "3 2 1", "1 2", "1 2 3 4", ""]),
        ("tokens", "", ["", " \n"], ["x"]),
        ("lines-any-order", "b\na\na\n", ["a\nb\na", "a \na\nb\r\n\n"], ["a\nb", "a\nb\nb", "a\na\nb\nc", " a\na\nb"]),
        ("lines-any-order", "a\n\nb", ["\nb\na"], ["a\nb"]),
        ("float", "3.0 x", ["3 x", "3.000002\nx", "2.999998 x"], ["3.00001 x", "3 y", "x 3", "3", "3 x x", "nan x"]),
        ("float", "0", ["1e-9", "-0.0", "0"], ["1e-8", "inf", ""]),
        ("float", "nan", ["nan"], ["0", "inf"]),
        ("float", "1e999", ["1e999"], ["5", "1e998", "inf"]),
        ("float(rel=0, abs=0.5)", "10", ["10.5", "9.5"], ["10.6", "1e1x"]),
        ("float(rel=0.1)", "-100", ["-110", "-90"], ["-111", "100"]),
        ("number", "3.50", ["7/2", "3.5", " 3.5\n", "$3.50", "'3.5'", "7r2"], ["3.5 m", "3", "", "3.5 3.5", "x"]),
        ("number", "1200", ["1,200", "1200.0", "1.2e3"], ["1200.1", "12 00"]),
        ("json", '{"a": [1, 2.50], "b": null}', ['{"b":null,"a":[1.0,2.5]}\n'], ['{"a": [2.5, 1], "b": null}', "{}"]),
        ("json", "true", ["true"], ["1", '"true"', "True", "true true"]),
        ("json", "[1]", ["[1]"], ["[true]", "[1,]", "[NaN]", "[" * 100_000, "9" * 100_000, "[1e99999999999999999999]"]),
        ("json", "null", ["null"], ["", "NaN", "0"]),
    ],
)  # fmt: skip
def test_what_is_the_same(checker: str, expected: str, same: list[str], others: list[str]) -> None:
    assert [actual for actual in same if not accepts(checker, expected, actual)] == []
    assert [actual for actual in others if accepts(checker, expected, actual)] == []


def test_json_that_is_deep_on_both_sides_is_no_error() -> None:
    deep = "[" * 900 + "]" * 900
    assert not accepts("json", deep, "[" + deep + "]")


@pytest.mark.parametrize(
    ("written", "options"),
    [
        ("float", {}),
        (" float() ", {}),
        ("float(rel=1e-4)", {"rel": 1e-4}),
        ("float( abs = 1 , rel=0.5, )", {"abs": 1, "rel": 0.5}),
    ],
)
def test_options_are_written_behind_the_name(written: str, options: dict[str, float]) -> None:
    found = find_checker(written)
    assert (found.name, found.options) == ("float", options)
    assert find_checker(str(found)) == found


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("flaot", "there is no checker 'flaot'; did you mean 'float'?"),
        ("", "a checker is a name, or a name with options as float(rel=1e-4), not ''"),
        ("float(rel=1", "not 'float(rel=1'"),
        ("tokens" * 100, "a checker is a name"),
        ("float(rle=1)", "checker 'float' has no option 'rle'; did you mean 'rel'?"),
        ("tokens(rel=1)", "checker 'tokens' has no option 'rel'; none is known"),
        ("float(1e-4)", "options of a checker are written float(NAME=VALUE, ...), not '1e-4'"),
        ('float(rel="1")', "checker 'float': option 'rel' must be a number, not '1'"),
        ("float(rel=true)", "option 'rel' must be a number, not True"),
        ("float(rel=Infinity)", "option 'rel' must be a number, not inf"),
        ("float(rel=one)", "option 'rel' must be a number, true, false, or text in double quotes, not 'one'"),
    ],
)
def test_what_is_no_checker_is_refused(written: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        find_checker(written)
    assert said in str(refused.value)


def test_an_option_that_makes_no_sense_is_refused_with_its_problem() -> None:
    with pytest.raises(UsageError, match=r"checker 'float\(rel=-1\)' cannot be used: rel and abs must not be negative"):
        find_checker("float(rel=-1)").try_on("1", "")


def with_text_and_switch(expected: str, actual: str, stdin: str, *, ends: str = ".", loud: bool = False) -> bool:
    return actual == (expected.upper() if loud else expected) + ends


def test_options_of_other_kinds() -> None:
    checker = Checker("mine", "", with_text_and_switch)
    assert checker.with_options({"ends": ", ", "loud": True}).check("a", "A, ", "")
    for options, said in (({"ends": 1}, "must be text in double quotes"), ({"loud": 1}, "must be true or false")):
        with pytest.raises(UsageError, match=said):
            checker.with_options(options)


def without_default(expected: str, actual: str, stdin: str, *, ends: str) -> bool:
    return actual == expected + ends


def test_a_checker_that_cannot_be_named_or_set_is_refused() -> None:
    with pytest.raises(UsageError, match="option 'ends' needs a default"):
        Checker("mine", "", without_default)
    for name in ("Mine", "", "my checker", "f(x)", "1st"):
        with pytest.raises(UsageError, match="a checker's name is of lower case"):
            Checker(name, "", with_text_and_switch)


def says(what: Any) -> Checker:
    return Checker("says", "", lambda expected, actual, stdin: what)


def test_what_a_checker_says_is_yes_or_no() -> None:
    assert says(True).check("", "", "") is True
    assert says(0).check("", "", "") is False
    for what in (None, "yes", 2):
        with pytest.raises(CheckerError, match="neither True nor False"):
            says(what).check("", "", "")


def test_what_a_checker_raises_is_named() -> None:
    def fails(expected: str, actual: str, stdin: str) -> bool:
        return int(actual) > 0

    with pytest.raises(CheckerError, match=r"^checker 'fails' fails: ValueError: invalid literal"):
        Checker("fails", "", fails).check("", "x", "")
