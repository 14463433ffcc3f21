"""Messages over a pipe: JSON, and blobs of bytes behind it."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any

_HEAD = struct.Struct("<II")  # bytes of the JSON, number of blobs
_SIZE = struct.Struct("<Q")

Read = Callable[[int], bytes]  # just so many bytes


def pack(message: dict[str, Any], *blobs: bytes) -> bytes:
    """The bytes of a message."""
    data = json.dumps(message).encode()
    sizes = b"".join(_SIZE.pack(len(blob)) for blob in blobs)
    return b"".join((_HEAD.pack(len(data), len(blobs)), data, sizes, *blobs))


def unpack(read: Read) -> tuple[dict[str, Any], list[bytes]]:
    """The next message.

    Raises:
        EOFError: `read` has raised it, at the end of the pipe.
    """
    length, count = _HEAD.unpack(read(_HEAD.size))
    message: dict[str, Any] = json.loads(read(length))
    sizes = [size for (size,) in _SIZE.iter_unpack(read(_SIZE.size * count))] if count else []
    return message, [read(size) for size in sizes]
