"""Where people read: standard output or standard error, through rich."""

from __future__ import annotations

import sys

from rich.console import Console


def screen(stderr: bool = False) -> Console:
    """A console that shows text as it is, with no markup, codes of emoji or highlighting: most of it is data.

    It is wide enough for the tables when piped.
    """
    terminal = (sys.stderr if stderr else sys.stdout).isatty()
    return Console(
        stderr=stderr,
        markup=False,
        emoji=False,
        highlight=False,
        width=None if terminal else 120,
        soft_wrap=not terminal,
    )
