"""What a child calls before any Python of its own runs."""

from __future__ import annotations

import subprocess
import sys

import pytest
from lowres_code.sandbox.system import NOT_CONFINED, OUT_OF_MEMORY

# In a process of its own that, as a worker, has one thread: of several, one that the child has not might be waited for.
FORKING = """
import ctypes, os, sys
from lowres_code.sandbox.system import Forker
libc = ctypes.PyDLL(None)
DONE = libc.abs, (1,)
NOTHING = libc.abs, (0,)  # returns 0
REFUSED = libc.chdir, (b"/no/such/folder",)  # returns -1
ENDS = libc._exit, (7,)
def no_memory():
    raise MemoryError
child = Forker(namespaces=False).fork(*eval(sys.argv[1]))
if child <= 0:
    os._exit(20 + child)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.parametrize(
    ("calls", "code"),
    [
        ("(DONE, NOTHING), ()", 20),
        ("(DONE, NOTHING), (DONE, ENDS)", 7),
        ("(DONE, NOTHING), (NOTHING, ENDS)", 20),
        ("(DONE, NOTHING), (REFUSED, ENDS)", 7),
        ("(REFUSED, NOTHING), (DONE, ENDS)", 20 + NOT_CONFINED),
        ("(DONE,), ((no_memory, ()),)", 20 + OUT_OF_MEMORY),
    ],
)
def test_a_child_that_is_not_confined_runs_nothing_and_without_memory_says_so(calls: str, code: int) -> None:
    command = [sys.executable, "-c", FORKING, calls]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == (f"{code}\n", "")
