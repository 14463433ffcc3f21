from __future__ import annotations

import pytest
from lowres_code.forms import FORMS, bare, lowest_terms, worked_out


@pytest.mark.parametrize(
    ("answer", "accepted"),
    [
        ("23/131", True),
        ("23r131", True),  # Prolog
        (" 23 /         131\n", True),  # Fortran
        ('"23/131"', True),
        ("-23/131", True),
        ("2", True),
        ("2/1", True),
        ("92/524", False),  # 4 * 23, 4 * 131
        ("92r524", False),
        ("0.17557251908396945", False),
        ("23/0", False),
        ("0/5", False),
        ("23/131.", False),
        ("23/131/1", False),
        ("(/ 23 131)", False),
        ("", False),
    ],
)
def test_lowest_terms(answer: str, accepted: bool) -> None:
    assert lowest_terms(answer) is accepted


@pytest.mark.parametrize(
    ("answer", "accepted"),
    [
        *((answer, True) for answer in ("4", "4.0", "1,200", "$4")),
        *((answer, False) for answer in ("8 / 2", "8/2", "'8 r 2'", "4/1")),
        *((answer, False) for answer in ("$8 / 2", "1,000/250")),  # signs that do not count hide no division
    ],
)
def test_worked_out(answer: str, accepted: bool) -> None:
    assert worked_out(answer) is accepted


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("text", ["9" * 10**6 + "/" + "3" * 10**6, "1" + " " * 10**6, "1/" * 10**5, "\x00", "\ud800"])
def test_no_text_makes_a_form_raise(form: object, text: str) -> None:
    assert callable(form)
    assert form(text) in (True, False)


def test_one_pair_of_quotes_does_not_count() -> None:
    assert [bare(text) for text in (' "a" ', "'a'", "\"a'", '""a""', '"', "")] == ["a", "a", "\"a'", '"a"', '"', ""]
