"""Messages over a pipe: blobs of bytes, their sizes before them.

A request is ``(head, id, program, stdin)``, and the query behind them where the test has one; the head is the same for
all that is asked with the same limits. A reply is ``(head, result, stdout, stderr)``.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

_COUNT = struct.Struct("<I")

Read = Callable[[int], bytes]  # just so many bytes


def pack(*blobs: bytes) -> bytes:
    """The bytes of a message."""
    return struct.pack(f"<I{len(blobs)}Q", len(blobs), *map(len, blobs)) + b"".join(blobs)


def unpack(read: Read) -> list[bytes]:
    """The next message.

    Raises:
        EOFError: `read` has raised it, at the end of the pipe.
    """
    (count,) = _COUNT.unpack(read(_COUNT.size))
    return [read(size) for size in struct.unpack(f"<{count}Q", read(8 * count))]


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


_REPLY_HEAD = struct.Struct("<16sb?iddd?")


def pack_reply_head(head: ReplyHead) -> bytes:
    """As bytes."""
    return _REPLY_HEAD.pack(*head)


def unpack_reply_head(data: bytes) -> ReplyHead:
    """From bytes."""
    return ReplyHead._make(_REPLY_HEAD.unpack(data))
