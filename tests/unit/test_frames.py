"""Messages over a pipe: whole whatever the pieces, and nothing of the next one is read."""

from __future__ import annotations

import os
import struct
from functools import partial

import pytest
from lowres_code.sandbox import frames

ONE, TWO = [b"head", b"", b"solve(1)."], [b"x" * 70_000]


@pytest.mark.parametrize("size", [1, 7, 65_536, 200_000])
def test_messages_come_out_whole_whatever_the_pieces(size: int) -> None:
    stream = frames.pack(*ONE) + frames.pack(*TWO) + frames.pack()
    inbox = frames.Inbox()
    found = [
        message for start in range(0, len(stream), size) for message in inbox.messages(stream[start : start + size])
    ]
    assert found == [ONE, TWO, []]


def test_of_the_message_behind_nothing_is_read() -> None:
    """A worker's memory is what the program starts with that it runs next."""
    into, out = os.pipe()
    os.write(out, frames.pack(*ONE) + frames.pack(b"the next"))
    assert frames.unpack(partial(frames.read, into)) == ONE
    assert os.read(into, 1 << 16) == frames.pack(b"the next")
    os.close(out)
    with pytest.raises(EOFError):
        frames.unpack(partial(frames.read, into))
    os.close(into)


@pytest.mark.parametrize(
    "start",
    [struct.pack("<I", 2**32 - 1), struct.pack("<IQ", 1, 2**40), struct.pack("<I3Q", 3, 2**63, 2**63, 2**63)],
    ids=["parts", "bytes", "sum"],
)
def test_what_nobody_could_keep_is_no_message(start: bytes) -> None:
    with pytest.raises(ValueError, match="a message of"):
        frames.Inbox().messages(start)


def test_a_stamp_comes_back_as_it_was() -> None:
    stamp = frames.Stamp(bytes(range(16)), 2**32 - 1)
    assert frames.unpack_stamp(frames.pack_stamp(stamp)) == stamp
