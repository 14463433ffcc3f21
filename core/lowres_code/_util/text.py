"""Text that comes as bytes, and goes as bytes: programs, and arguments of the command line.

A byte that is not UTF-8 is a lone surrogate in a text, as Python has it for file names (PEP 383), so that a program in
another encoding reaches its tools as it is.
"""

from __future__ import annotations

import os
import re

_SURROGATE = re.compile("[\ud800-\udfff]")


def text_of(data: bytes) -> str:
    """The text of a program's file or of its input; `bytes_of` gives the same bytes back."""
    return data.decode("utf-8", "surrogateescape")


def bytes_of(text: str) -> bytes:
    """The bytes of a text; surrogates that stand for no byte become replacement characters, as in any reader."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace").encode()


def whole_text(text: str) -> str:
    """The same with replacement characters for what is no character: a model may have written half of one."""
    return bytes_of(text).decode("utf-8", "replace")


def argument_text(argument: str) -> str:
    """What a user has typed: UTF-8 also under a locale, such as POSIX, by which Python could not read it."""
    return text_of(os.fsencode(argument)) if _SURROGATE.search(argument) else argument


def write_anew(path: str, data: bytes) -> None:
    """Write a file anew. A file object would touch, and so copy, some 40 pages more."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o666)
    try:
        while data:
            data = data[os.write(file, data) :]
    finally:
        os.close(file)
