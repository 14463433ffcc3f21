from __future__ import annotations

import random

from lowres_code._util.ordering import InOrder


def test_things_come_out_in_order_as_soon_as_they_can() -> None:
    ordered: InOrder[str] = InOrder(first=3)
    assert list(ordered.put(5, "f")) == []
    assert list(ordered.put(3, "d")) == ["d"]
    assert list(ordered.put(4, "e")) == ["e", "f"]
    assert list(ordered.put(6, "g")) == ["g"]


def test_any_order_comes_out_whole() -> None:
    numbers = list(range(1000))
    random.Random(0).shuffle(numbers)
    ordered: InOrder[int] = InOrder()
    assert [thing for number in numbers for thing in ordered.put(number, number)] == list(range(1000))
