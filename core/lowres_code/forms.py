"""How an answer must be written, where its value alone says too little.

``92/524`` has the value of ``23/131``, but whoever answers that to "simplify 92/524" has only copied the question. A
form looks at the answer's text; whether it is the right value is for the comparison to say.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping

Check = Callable[[str], bool]  # of an answer's text; never raises, whatever the text is

_QUOTIENT = re.compile(r"([+-]?\d{1,4000})\s*[r/]\s*(\d{1,4000})", re.ASCII)
_NOT_COUNTED = str.maketrans("", "", "$€£¥,")  # by who compares values
_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)


def lowest_terms(answer: str) -> bool:
    """Whether it is written as a fraction in lowest terms: ``23/131``, ``23r131``, ``2``; not ``46/262`` or ``0.5``."""
    text = bare(answer)
    if match := _QUOTIENT.fullmatch(text):
        return math.gcd(int(match[1]), int(match[2])) == 1
    return _WHOLE.fullmatch(text) is not None


def worked_out(answer: str) -> bool:
    """Whether it is not written as a division that is still to be done: ``4``, ``4.0``; not ``8 / 2``."""
    return _QUOTIENT.fullmatch(bare(answer).translate(_NOT_COUNTED).strip()) is None


def bare(answer: str) -> str:
    """The answer without blanks around it, and without one pair of quotes, as some languages print texts."""
    text = answer.strip()
    quoted = len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1].strip() if quoted else text


FORMS: Mapping[str, Check] = {"lowest_terms": lowest_terms, "worked_out": worked_out}
