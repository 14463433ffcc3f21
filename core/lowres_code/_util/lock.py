"""A lock that ends with the process that holds it, and that one can look at without taking it."""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FORMAT = "hhqqi0q"  # struct flock: kind, whence, start, length, process
_WHOLE_FILE = struct.pack(_FORMAT, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold the lock on a file, which is made if it is not there.

    Raises:
        BlockingIOError: somebody else holds it.
        OSError: the file cannot be opened for writing.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _WHOLE_FILE)
        yield
    finally:
        os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Whether somebody holds the lock on a file; looking at it never stands in the way of who wants to take it."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        found = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, _WHOLE_FILE)
    finally:
        os.close(descriptor)
    return bool(struct.unpack(_FORMAT, found)[0] != fcntl.F_UNLCK)
