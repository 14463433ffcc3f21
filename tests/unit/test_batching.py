"""The order of the training problems."""

from lowres_code.train.batching import WINDOW, order_by_length


def test_every_row_comes_once_and_like_lengths_share_a_batch() -> None:
    lengths = [100 if row % 7 == 0 else 10 for row in range(16 * WINDOW * 2 + 5)]
    order = order_by_length(lengths, batch=16, seed=3)
    assert sorted(order) == list(range(len(lengths)))
    batches = [[lengths[row] for row in order[first : first + 16]] for first in range(0, len(order), 16)]
    mixed = [batch for batch in batches if len(set(batch)) > 1]
    assert len(mixed) <= 3  # one border in each window


def test_the_order_is_the_seeds() -> None:
    lengths = list(range(100))
    assert order_by_length(lengths, 8, 0) == order_by_length(lengths, 8, 0)
    assert order_by_length(lengths, 8, 0) != order_by_length(lengths, 8, 1)
    assert order_by_length(lengths, 8, 0) != sorted(lengths)
