from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest
from lowres_code._util.background import Background


def test_all_of_it_is_done_in_order_and_what_comes_meanwhile_is_done_together() -> None:
    begun, go = threading.Event(), threading.Event()
    seen: list[list[int]] = []

    def work(items: Sequence[int]) -> None:
        seen.append(list(items))
        begun.set()
        assert go.wait(10)

    with Background(work) as background:
        background.put(0)
        assert begun.wait(10)
        for item in range(1, 6):
            background.put(item)
        go.set()
    assert seen == [[0], [1, 2, 3, 4, 5]]


def test_an_error_comes_out_where_more_is_put_or_at_the_end() -> None:
    def work(items: Sequence[int]) -> None:
        raise ValueError(f"cannot do {items[0]}")

    with pytest.raises(ValueError, match="cannot do 1"), Background(work) as background:
        background.put(1)
    with pytest.raises(ValueError, match="cannot do 1"), Background(work) as background:
        for _ in range(100_000):
            background.put(1)


def test_after_an_error_in_the_block_all_that_was_put_is_done() -> None:
    begun, go = threading.Event(), threading.Event()
    seen: list[int] = []

    def work(items: Sequence[int]) -> None:
        seen.extend(items)
        begun.set()
        go.wait(10)

    with pytest.raises(KeyError), Background(work) as background:
        background.put(1)
        assert begun.wait(10)
        background.put(2)
        threading.Timer(0.2, go.set).start()
        raise KeyError
    assert seen == [1, 2]


def test_many_threads_may_put_and_nothing_is_lost() -> None:
    seen: list[int] = []
    with Background(seen.extend) as background:

        def put(first: int) -> None:
            for number in range(1000):
                background.put(first * 1000 + number)

        threads = [threading.Thread(target=put, args=(first,), daemon=True) for first in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(seen) == list(range(8000))
