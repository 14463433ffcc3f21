"""The child that runs one program: what it gives up before, and how its result gets out.

The result is written into memory that the worker shares with this child and no descriptor leads to. A program that
prints, that closes or fills every descriptor it can find, or that exits early, can neither forge nor disturb it.
Native code inside the process could; there is no seccomp against that yet.
"""

from __future__ import annotations

import ctypes
import dataclasses
import json
import mmap
import os
import resource
import signal
import struct
import traceback
from pathlib import Path
from typing import Any

from lowres_code.language import Diagnostic, EmbeddedLanguage, Execution, Limits, Status
from lowres_code.problem import Test

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_HEADER = struct.Struct("<Q")
_libc = ctypes.CDLL(None, use_errno=True)


class ResultMemory:
    """Anonymous shared memory for one result; empty until a result is whole."""

    def __init__(self, size: int) -> None:
        self._memory = mmap.mmap(-1, size)

    def clear(self) -> None:
        """Forget the last result."""
        self._memory[: _HEADER.size] = _HEADER.pack(0)

    def write(self, result: dict[str, Any]) -> bool:
        """Store a result; ``False`` if it does not fit."""
        data = json.dumps(result).encode()
        if len(data) + _HEADER.size > len(self._memory):
            return False
        self._memory[_HEADER.size : _HEADER.size + len(data)] = data
        self._memory[: _HEADER.size] = _HEADER.pack(len(data))  # last, so that half a result is none
        return True

    def read(self) -> dict[str, Any] | None:
        """The result, or ``None`` if none was stored whole."""
        (length,) = _HEADER.unpack(self._memory[: _HEADER.size])
        if not 0 < length <= len(self._memory) - _HEADER.size:
            return None
        result: dict[str, Any] = json.loads(self._memory[_HEADER.size : _HEADER.size + length])
        return result


def become_subreaper() -> None:
    """Make orphans of this process's children its own children, so that it can end them."""
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def hide_from_children() -> None:
    """Close this process's memory and descriptors in ``/proc`` to programs, which run as the same user."""
    _libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def confine(limits: Limits, program_bytes: int) -> None:
    """Give up, for good, what a program must not have: this process is about to become hostile.

    Args:
        limits: of the program.
        program_bytes: how long the program is; the backend must be able to write that down.
    """
    os.setsid()
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _limit(resource.RLIMIT_CPU, limits.cpu_s, limits.cpu_s + 1)
    _limit(resource.RLIMIT_AS, _address_space() + limits.memory_mb * 2**20)
    _limit(resource.RLIMIT_FSIZE, limits.file_kb * 1024 + program_bytes)
    _limit(resource.RLIMIT_NPROC, limits.processes)
    _limit(resource.RLIMIT_NOFILE, 64)
    _limit(resource.RLIMIT_CORE, 0)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)


def _limit(kind: int, soft: int, hard: int | None = None) -> None:
    """Set a limit; one that this machine's owner has set lower stays, since it cannot be raised."""
    allowed = resource.getrlimit(kind)[1]
    wanted = (soft, soft if hard is None else hard)
    if allowed != resource.RLIM_INFINITY:
        wanted = (min(wanted[0], allowed), min(wanted[1], allowed))
    resource.setrlimit(kind, wanted)


def _address_space() -> int:
    """Bytes of address space that this process has now: the warm interpreter's, which a program is not charged for."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()


def answer(language: EmbeddedLanguage, request: dict[str, Any], limits: Limits) -> dict[str, Any]:
    """Ask the language one question about one program; whatever it raises becomes an execution."""
    program = request["program"]
    try:
        if request["ask"] == "check_syntax":
            found = language.check_syntax(program)
            execution = Execution(Status.SYNTAX_ERROR if found else Status.OK, diagnostics=found)
        else:
            execution = language.execute(program, Test(**request["test"]), limits)
    except MemoryError:
        execution = Execution(Status.MEMORY_LIMIT)
    except Exception:  # a bug of the backend's is the judge's fault, and must be seen
        execution = Execution(Status.INFRA_ERROR, diagnostics=(Diagnostic(traceback.format_exc(limit=-3)),))
    return dataclasses.asdict(execution)
