"""Messages over a pipe: JSON behind its length."""

from __future__ import annotations

import json
import struct
from typing import Any, BinaryIO

LENGTH = struct.Struct("<Q")


def pack(message: dict[str, Any]) -> bytes:
    """The bytes of a message."""
    data = json.dumps(message).encode()
    return LENGTH.pack(len(data)) + data


def read(stream: BinaryIO) -> dict[str, Any] | None:
    """The next message; ``None`` at the end of the stream."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    message: dict[str, Any] = json.loads(stream.read(LENGTH.unpack(head)[0]))
    return message
