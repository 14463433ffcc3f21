"""Which limits a language's own tools need, found by trying: run-times reserve memory, linkers write big files."""

from __future__ import annotations

from collections.abc import Mapping

from lowres_code.judge import Judge
from lowres_code.judgement import CORRECT
from lowres_code.language.base import Execution
from lowres_code.problem import Test

GENEROUS = {"memory_mb": 2**12, "reserve_mb": 2**18, "processes": 2**9, "file_kb": 2**18}  # what costs most goes first


def limits_needed(judge: Judge, program: str, answer: str) -> dict[str, int]:
    """The least limits above the judge's with which a program gives its answer, in powers of two, by name.

    Empty if not even `GENEROUS` ones help. A program's needs are not the same each time, so each is doubled.
    """
    if not _passes(judge, program, answer, GENEROUS):
        return {}
    needed = dict(GENEROUS)
    for name in GENEROUS:
        without = {other: least for other, least in needed.items() if other != name}
        if _passes(judge, program, answer, without):
            needed = without
            continue
        while needed[name] > 1 and _passes(judge, program, answer, {**needed, name: needed[name] // 2}):
            needed[name] //= 2
    return {name: min(2 * least, GENEROUS[name]) for name, least in needed.items()}


def run_with(judge: Judge, program: str, needs: Mapping[str, int]) -> Execution:
    """Run a program as the judge does, with limits that are at least those."""
    with Judge(judge.language, judge.limits.at_least(needs), judge.isolation, workers=1) as generous:
        return generous.execute([program], [Test()])[0]


def _passes(judge: Judge, program: str, answer: str, needs: Mapping[str, int]) -> bool:
    return judge.verdict(run_with(judge, program, needs), Test(expected=answer)) == CORRECT
