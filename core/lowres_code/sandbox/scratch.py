"""Emptying a directory that hostile programs have filled, and a program's standard input."""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from lowres_code._util.text import write_anew


def empty(folder: str) -> None:
    """Remove all that is in a folder, whatever rights a program has taken from its parts and however deep they are.

    Folders in it are emptied into it, so that no path grows long and nothing recurses.
    """
    prefix, moved = "", 0
    while names := os.listdir(folder):
        prefix = prefix or f"{folder}/.{os.urandom(8).hex()}"  # a name that no program can have taken
        for name in names:
            path = f"{folder}/{name}"
            if os.path.islink(path) or not os.path.isdir(path):
                os.unlink(path)
                continue
            os.chmod(path, 0o700)
            for inner in os.listdir(path):
                moved += 1
                if os.path.isdir(f"{path}/{inner}") and not os.path.islink(f"{path}/{inner}"):
                    os.chmod(f"{path}/{inner}", 0o700)
                os.rename(f"{path}/{inner}", f"{prefix}-{moved}")
            os.rmdir(path)


def remove_plain(folder: str, file: str) -> None:
    """Remove a folder that has nothing in it but this file, as most programs leave theirs; others stay for `empty`."""
    with suppress(OSError):
        if stat.S_ISDIR(os.lstat(folder).st_mode):  # a link of the program's would lead elsewhere
            os.unlink(f"{folder}/{file}")
            os.rmdir(folder)


def stdin_file(text: str, folder: str) -> int:
    """A descriptor from which a program reads the text as its standard input."""
    if not text:
        return os.open(os.devnull, os.O_RDONLY)
    try:
        data = text.encode("utf-8", "surrogateescape")  # bytes that are no UTF-8 are as they were
    except UnicodeEncodeError:
        data = text.encode("utf-8", "surrogatepass")
    path = f"{folder}/stdin"
    write_anew(path, data)
    try:
        return os.open(path, os.O_RDONLY)
    finally:
        os.unlink(path)  # it has no name, and ends with its last descriptor
