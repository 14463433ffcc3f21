"""Messages over a pipe: blobs of bytes, their sizes before them.

A request is ``(head, stamp, program, stdin)``, and the query behind them where the test has one; the head is the same
for all that is asked with the same limits. A reply is ``(head, result, stdout, stderr)``.

A request may come before the one before it is answered. If the program of that took longer than `LATE_S`, the worker
drops what has been sent behind it, and whoever has sent it sees by the reply that it was dropped: so no program waits
for a slow one while another worker has nothing to do. The stamp says how many slow programs the sender knew of.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

LATE_S = 0.05
IDENTITY = 16  # bytes that a request is known by

_CHUNK = 2**20  # bytes that memory is made ready for at a time
_COUNT = struct.Struct("<I")
_MOST_BLOBS, _MOST_BYTES = 1_000, 2**26  # of a message that is looked at before it is whole

Read = Callable[[int], bytes]  # just so many bytes


def pack(*blobs: bytes) -> bytes:
    """The bytes of a message."""
    return struct.pack(f"<I{len(blobs)}Q", len(blobs), *map(len, blobs)) + b"".join(blobs)


def unpack(read: Read, most: int | None = None) -> list[bytes]:
    """The next message; of what stands behind it, nothing is read.

    Args:
        read: gives just so many bytes.
        most: bytes that a message may have, if whoever sends it is not believed.

    Raises:
        EOFError: `read` has raised it, at the end of what there is.
        ValueError: it says that it has more.
    """
    (count,) = _COUNT.unpack(read(_COUNT.size))
    if most is not None and count > _MOST_BLOBS:
        raise ValueError(f"a message of {count} parts")
    sizes = struct.unpack(f"<{count}Q", read(8 * count))
    if most is not None and sum(sizes) > most:
        raise ValueError(f"a message of {sum(sizes)} bytes")
    return list(_split(read(sum(sizes)), sizes))


def read(descriptor: int, size: int) -> bytes:
    """Just so many bytes of a pipe.

    Raises:
        EOFError: there are fewer.
    """
    parts = []
    while size:
        part = os.read(descriptor, min(size, _CHUNK))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _split(data: bytes, sizes: tuple[int, ...]) -> Iterator[bytes]:
    at = 0
    for size in sizes:
        yield data[at : at + size]
        at += size


class Inbox:
    """What has come over a pipe and is no whole message yet."""

    def __init__(self) -> None:
        """Empty."""
        self._data = bytearray()
        self._at = 0  # so far a message has been looked at

    def messages(self, data: bytes) -> list[list[bytes]]:
        """The messages that are whole with this.

        Raises:
            ValueError: these are none.
        """
        self._data += data
        found = []
        while (message := self._message()) is not None:
            found.append(message)
        return found

    def _message(self) -> list[bytes] | None:
        self._at = 0
        try:
            message = unpack(self._next, _MOST_BYTES)
        except EOFError:  # it is not whole yet
            return None
        del self._data[: self._at]
        return message

    def _next(self, size: int) -> bytes:
        start, self._at = self._at, self._at + size
        if self._at > len(self._data):
            raise EOFError
        return bytes(self._data[start : self._at])


class Stamp(NamedTuple):
    """What a request is known by.

    Attributes:
        identity: of its own.
        late: how many programs of this worker the sender knows to have been late.
    """

    identity: bytes
    late: int


_STAMP = struct.Struct(f"<{IDENTITY}sI")


def pack_stamp(stamp: Stamp) -> bytes:
    """As bytes."""
    return _STAMP.pack(*stamp)


def unpack_stamp(data: bytes) -> Stamp:
    """From bytes."""
    return Stamp._make(_STAMP.unpack(data))


class ReplyHead(NamedTuple):
    """What a worker says of a program beside what came out of it.

    Attributes:
        identity: the request's.
        status: its number among all statuses; -1 where the result tells it.
        has_code: whether there is an exit code.
        retire: whether the worker ends now.
    """

    identity: bytes
    status: int
    has_code: bool
    exit_code: int
    cpu_s: float
    wall_s: float
    peak_mb: float
    retire: bool


_REPLY_HEAD = struct.Struct(f"<{IDENTITY}sb?iddd?")


def pack_reply_head(head: ReplyHead) -> bytes:
    """As bytes."""
    return _REPLY_HEAD.pack(*head)


def unpack_reply(message: list[bytes]) -> tuple[ReplyHead, list[bytes]]:
    """The head, and the three blobs behind it.

    Raises:
        ValueError: it is no reply.
    """
    if len(message) != 4:
        raise ValueError(f"a message of {len(message)} parts")
    head, *blobs = message
    try:
        return ReplyHead._make(_REPLY_HEAD.unpack(head)), blobs
    except struct.error as error:
        raise ValueError(str(error)) from error
