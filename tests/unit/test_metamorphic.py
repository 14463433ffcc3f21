"""Changed programs, from places that are written down by hand; nothing runs here."""

from __future__ import annotations

from fractions import Fraction

import pytest
from lowres_code._util.replayed import Replayed
from lowres_code.language.analysis import MOST_PLACES, Analysis, Places
from lowres_code.metamorphic import exchanged, renamed, renumbered

BOXES = "key(k42). solve(X) :- key(X)."
AT_KEY, AT_K42 = ((0, 3), (22, 25)), ((4, 7),)


def numbers_of(program: str) -> Places:
    """Places of all that is written with digits and a point inside."""
    spans, begin = [], None
    for place, character in enumerate(program + " "):
        inside = character.isdigit() or (character == "." and program[place + 1 : place + 2].isdigit())
        begin = place if inside and begin is None else begin
        if not inside and begin is not None:
            spans.append((begin, place))
            begin = None
    return Places(numbers=tuple(spans))


def test_names_are_changed_everywhere_and_back_in_an_answer() -> None:
    found = renamed(BOXES, Places({"key": AT_KEY, "k42": AT_K42}))
    assert found is not None
    assert found.program == "renamed_aab(renamed_aaa). solve(X) :- renamed_aab(X)."
    assert found.back("renamed_aaa") == ("k42",)
    assert found.back("[renamed_aaa,7,renamed_aab]") == ("[k42,7,key]",) * 2
    assert found.back("renamed_zzz") == ("renamed_zzz",) * 2


def test_new_names_are_in_order_of_no_old_length_and_new_to_the_program() -> None:
    program = "zebra ant bee_that_is_as_long_as_it_gets renamed_"
    places = Places({name: ((program.index(name), program.index(name) + len(name)),) for name in program.split()[:3]})
    found = renamed(program, places)
    assert found is not None
    new = found.program.split()[:3]
    assert sorted(new) == [new[1], new[2], new[0]]  # ant, bee, zebra
    assert len(set(map(len, new))) == 1
    assert len(new[0]) not in {5, 3, 32}
    assert not any(name in program for name in new)


def test_new_names_are_in_order_among_those_that_stay() -> None:
    program = "anna adam bob carl k42 Zoe"
    places = Places({name: ((program.index(name), program.index(name) + len(name)),) for name in program.split()})
    found = renamed(program, places, "Who sits beside Adam or bob?")
    assert found is not None
    new = found.program.split()
    assert (new[1:3], sorted(new[:4])) == (["adam", "bob"], [new[1], new[0], new[2], new[3]])
    assert not any(name in found.program for name in ("anna", "carl", "k42", "Zoe"))


def test_a_place_where_its_name_does_not_stand_keeps_no_other_from_being_changed() -> None:
    found = renamed(BOXES, Places({"key": AT_KEY, "k42": ((5, 8),)}))
    assert found is not None and found.program == "renamed_aaa(k42). solve(X) :- renamed_aaa(X)."


@pytest.mark.parametrize(
    ("known", "left"),
    [("Which KEY?", "key"), ("What is k42?", "k42"), ("a keyhole, and k421", "")],
)
def test_words_of_the_question_are_nobodys_own(known: str, left: str) -> None:
    found = renamed(BOXES, Places({"key": AT_KEY, "k42": AT_K42}), known)
    assert found is not None
    assert {name for name in ("key", "k42") if name in found.program} == ({left} if left else set())


def test_quoted_names_come_back_as_they_were_written() -> None:
    program = "a_town('New York'). solve([X]) :- a_town(X)."
    found = renamed(program, Places({"New York": ((7, 17),)}))
    assert found is not None
    assert found.back("[renamed_aaa]") == ("['New York']", "[New York]")
    assert found.back("to renamed_aaa") == ("to 'New York'", "to New York")
    assert found.back("renamed_aaa") == ("New York",)
    assert renamed(program, Places({"New York": ((7, 17),)}), "From new york to Rome") is None


@pytest.mark.parametrize(
    "places",
    [Places(), Places({"key": ((1, 4),)}), Places({"key": ((0, 3), (900, 903))}), Places({"other": AT_KEY})],
)
def test_nothing_is_changed_where_no_name_stands(places: Places) -> None:
    assert renamed(BOXES, places) is None


def test_what_numbers_become() -> None:
    assert exchanged("Add 3 to 1,200 and 3.5.", "Add 4 to 17 and 0.25.") == {
        Fraction(3): "4",
        Fraction(1200): "17",
        Fraction(7, 2): "0.25",
    }
    assert exchanged("Add 3 to 4.", "Add 3 to 5.") == {Fraction(4): "5"}
    assert exchanged("Add 3 to 4.", "Add 3 to 4.") == {}
    for unclear in ("Take 3 from 5.", "Add 7 to 7.", "Add three to 5.", "Add 3 to 4 and 5."):
        assert exchanged("Add 3 to 4.", unclear) is None
    assert exchanged("Add 3 to 3.", "Add 4 to 5.") is None  # two numbers of one


def test_endless_numbers_are_no_numbers() -> None:
    endless = "1" + ",111" * 1_500
    assert exchanged(f"Add 3 to {endless}.", f"Add 4 to {endless}.") == {Fraction(3): "4"}


@pytest.mark.parametrize(
    ("program", "changed"),
    [
        ("solve(X) :- X is 14 * 32 - 85.", "solve(X) :- X is 20 * 41 - 99."),
        ("a(32). b(14). c(-85). d(85.0).", "a(41). b(20). c(-99). d(99.0)."),
        ("x14(14). y(3285). z(32, 85, 7).", "x14(20). y(3285). z(41, 99, 7)."),
        ("solve(363).", None),  # none of them stands there
        ("solve(X) :- X is 14 * 32 - 84 - 1.", None),  # one does not
    ],
)
def test_numbers_of_another_question(program: str, changed: str | None) -> None:
    places = numbers_of(program)
    if "-85" in program and "c(" in program:  # a reader tells a negative number with its sign
        minus = program.index("-85")
        places = Places(numbers=tuple((b - 1, e) if b == minus + 1 else (b, e) for b, e in places.numbers))
    if "x14" in program:  # and what is part of a name not at all
        places = Places(numbers=places.numbers[1:])
    assert renumbered(program, places, "What is 14 * 32 - 85?", "What is 20 * 41 - 99?") == changed


@pytest.mark.parametrize(
    ("program", "changed"),
    [
        ("X is 2 * 31.", "X is 5 * 41."),
        ("X is 31 * 2 - 0.", "X is 41 * 5 - 0."),
        ("X is 31 * 2 + 2 - 2.", None),  # which of these is the question's?
    ],
)
def test_common_numbers_stand_for_other_things_too(program: str, changed: str | None) -> None:
    assert renumbered(program, numbers_of(program), "What is 2 * 31?", "What is 5 * 41?") == changed


def test_places_survive_the_way_out_of_the_sandbox() -> None:
    analysis = Analysis(1, 1, 0, 0, ("é",), Places({"key": AT_KEY, "k42": AT_K42}, ((5, 7),)))
    back = Analysis.of_text(analysis.as_text())
    assert back is not None and back.places == analysis.places
    plain = Analysis.of_text('{"clauses": 1, "predicates": 1, "constraints": 0, "operations": 0, "literals": []}')
    assert plain is not None and plain.places == Places()


@pytest.mark.parametrize(
    "places",
    [
        *('"names": [["a", 3]]', '"names": 7', '"numbers": [[5, 2]]', '"numbers": [[-1, 2]]', '"numbers": [["a", 2]]'),
        *('"numbers": [[1e999, 2]]', '"numbers": [[1, NaN]]', f'"numbers": [[1, {"9" * 5_000}]]'),
    ],
)
def test_damaged_places_are_no_analysis(places: str) -> None:
    text = f'{{"clauses": 1, "predicates": 1, "constraints": 0, "operations": 0, "literals": [], {places}}}'
    assert Analysis.of_text(text) is None


def test_too_many_places_are_none() -> None:
    rows = [["a", n, n + 1] for n in range(MOST_PLACES)]
    assert len(Places.of_rows(rows, []).names["a"]) == MOST_PLACES
    assert Places.of_rows(rows, [[0, 1]]) == Places()


def test_what_can_be_had_once_is_replayed() -> None:
    taken: list[int] = []

    def source() -> object:
        for number in range(3):
            taken.append(number)
            yield number

    replayed: Replayed[int] = Replayed(source())  # type: ignore[arg-type]
    first = iter(replayed)
    assert (next(first), taken) == (0, [0])
    assert (list(replayed), taken) == ([0, 1, 2], [0, 1, 2])
    assert (list(first), taken) == ([1, 2], [0, 1, 2])
