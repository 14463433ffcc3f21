"""Mistakes that are a matter of spelling, as the dialects name them."""

import re

from lowres_code.pocket.dialects import Mistake


def mutation(pattern: str, replacement: str) -> Mistake:
    """Everywhere in the program, what the regular expression matches is written differently."""
    return lambda program: re.sub(pattern, replacement, program, flags=re.MULTILINE)


def forget_last(text: str) -> Mistake:
    """The last occurrence of the text is missing, with what is left blank by that."""
    return lambda program: "".join(program.rpartition(text)[::2]).rstrip() if text in program else program
