"""Every error that this package raises on purpose.

::

    LowresCodeError           exit code 1
    ├── UsageError            exit code 2: a mistake that the user can fix (also a ValueError)
    └── JudgeError            exit code 3: the judge itself failed, never the program it judged

A message says what was wrong, quotes the value, and ends with what fixes it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_LISTED = 8  # names that a message lists at most


STOPPED = 130  # the exit code of what Ctrl-C has ended, as of a shell's commands


class LowresCodeError(Exception):
    """Base of all errors of this package."""

    exit_code = 1


class UsageError(LowresCodeError, ValueError):
    """The user asked for something that cannot be: an unknown name, a wrong type, a missing tool."""

    exit_code = 2


class JudgeError(LowresCodeError):
    """The judge could not do its work: a worker that will not start, an isolation that is refused."""

    exit_code = 3


def near_match(name: str, known: Iterable[str]) -> str:
    """A phrase that suggests the closest known name, or lists those that are nearest if none is close.

    Example: ``near_match("rewad", ["reward", "train"])`` is ``"did you mean 'reward'?"``.
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6) or [
        known for known in names if len(name) > 2 and name in known
    ]
    if close:
        return f"did you mean {close[0]!r}?"
    if len(names) > _LISTED:
        nearest = difflib.get_close_matches(name, names, n=_LISTED, cutoff=0.0)
        return f"the nearest of {len(names)}: {', '.join(nearest)}"
    return f"known: {', '.join(names)}" if names else "none is known"
