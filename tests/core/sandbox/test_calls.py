"""What a child calls before any Python of its own runs."""

from __future__ import annotations

import ctypes
import os

import pytest
from lowres_code.language.base import Call
from lowres_code.sandbox.system import NOT_CONFINED, Forker

LIBC = ctypes.PyDLL(None)


def call(name: str, *arguments: object) -> Call:
    return LIBC[name], arguments


DONE = call("abs", 1)
NOTHING = call("abs", 0)  # returns 0
REFUSED = call("chdir", b"/no/such/folder")  # returns -1
ENDS = call("_exit", 7)


@pytest.mark.parametrize(
    ("confinement", "calls", "code"),
    [
        ((DONE, NOTHING), (), 20),
        ((DONE, NOTHING), (DONE, ENDS), 7),
        ((DONE, NOTHING), (NOTHING, ENDS), 20),
        ((DONE, NOTHING), (REFUSED, ENDS), 7),
        ((REFUSED, NOTHING), (DONE, ENDS), 20 + NOT_CONFINED),
    ],
)
def test_a_child_that_is_not_confined_runs_nothing(
    confinement: tuple[Call, ...], calls: tuple[Call, ...], code: int
) -> None:
    child = Forker(namespaces=False).fork(confinement, calls)
    if child <= 0:
        os._exit(20 + child)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == code


def test_a_child_without_memory_says_so() -> None:
    def no_memory() -> int:
        raise MemoryError

    child = Forker(namespaces=False).fork((DONE,), ((no_memory, ()),))
    if child <= 0:
        os._exit(20 + child)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 18
