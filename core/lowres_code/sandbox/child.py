"""The child that runs one program: the limits that it gets, and how its result gets out.

The result is written into memory that the worker shares with this child and no descriptor leads to. A program that
prints, that closes or fills every descriptor it can find, or that exits early, can neither forge nor disturb it.
Native code inside the process could.

A child shares its memory with the worker until it writes to it, page by page; code here touches as little as it can.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import resource
import struct

from lowres_code.language.base import Call, Diagnostic, Execution, Language, Limits, Status
from lowres_code.problem import Test
from lowres_code.sandbox.confinement import ResourceLimit
from lowres_code.sandbox.results import LONGEST_RESULT, TOLD

_LENGTH = struct.Struct("<Q")
_HEADER = struct.Struct("<Q?")  # how many bytes a result has; whether it is encoded, and not told by calls


class ResultMemory:
    """Anonymous shared memory for one result; empty until a result is whole."""

    def __init__(self, size: int) -> None:
        """Size: bytes of the longest result."""
        self._memory = mmap.mmap(-1, size + _HEADER.size)

    def clear(self) -> None:
        """Forget all that a program has written here."""
        self._memory.madvise(mmap.MADV_REMOVE)

    def write(self, data: bytes) -> None:
        """Store a result.

        Raises:
            ValueError: it does not fit.
        """
        if len(data) + _HEADER.size > len(self._memory):
            raise ValueError(f"a result of {len(data)} bytes in memory of {len(self._memory)}")
        self._memory[_HEADER.size : _HEADER.size + len(data)] = data
        self._memory[: _HEADER.size] = _HEADER.pack(len(data), True)  # last, so that half a result is none

    def calls(self, data: ctypes.c_void_p, length: ctypes.c_size_t) -> tuple[Call, ...]:
        """C calls that store what others have told; the length comes last, so that half of it is nothing.

        A program may have forked copies of itself, which come here too: what they store must be whole by itself.
        """
        start = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        copy = ctypes.PyDLL(None)["memcpy"]
        copy.restype = ctypes.c_void_p
        behind = (ctypes.c_void_p(start + _HEADER.size), data, length)
        told = (ctypes.c_void_p(start + _LENGTH.size), ctypes.byref(ctypes.c_bool(False)), ctypes.c_size_t(1))
        size = (ctypes.c_void_p(start), ctypes.byref(length), ctypes.c_size_t(_LENGTH.size))
        return (copy, behind), (copy, told), (copy, size)

    def read(self) -> bytes:
        """The result as it was stored, with `TOLD` before what was told; empty if none was stored whole."""
        length, encoded = _HEADER.unpack(self._memory[: _HEADER.size])
        if not 0 < length <= len(self._memory) - _HEADER.size:
            return b""
        stored = self._memory[_HEADER.size : _HEADER.size + length]
        return stored if encoded else TOLD + stored


class ResourceLimits:
    """The kernel's limits for programs of one kind, whose rest depends on the program.

    One that this machine's owner has set lower stays, for it cannot be raised.
    """

    def __init__(self, limits: Limits, address_space: int) -> None:
        """Take what does not depend on the program.

        Args:
            limits: of the program.
            address_space: bytes that the warm interpreter has; a program is not charged for them, nor for its result.
        """
        memory = address_space + limits.memory_mb * 2**20
        self._file = limits.file_kb * 1024
        self._processes = limits.processes
        self._hard = {kind: resource.getrlimit(kind)[1] for kind in _KINDS}
        self._fixed = (
            self._limit(resource.RLIMIT_CPU, limits.cpu_s, limits.cpu_s + 1),
            self._limit(resource.RLIMIT_AS, memory + limits.reserve_mb * 2**20 + LONGEST_RESULT),
            self._limit(resource.RLIMIT_DATA, memory),  # what is shared, or reserved and cannot be written to, is not
        )

    def of(self, program_bytes: int, others: int) -> tuple[ResourceLimit, ...]:
        """All of them.

        Args:
            program_bytes: how long the program is; the backend must be able to write that down.
            others: threads that the kernel may count with the program's, since they are of the same user.
        """
        size = self._limit(resource.RLIMIT_FSIZE, self._file + program_bytes)
        return (*self._fixed, size, self._limit(resource.RLIMIT_NPROC, self._processes + others))

    def _limit(self, kind: int, soft: int, hard: int | None = None) -> ResourceLimit:
        most = self._hard[kind]
        wanted = (soft, soft if hard is None else hard)
        return kind, wanted if most == resource.RLIM_INFINITY else (min(wanted[0], most), min(wanted[1], most))


_KINDS = tuple(getattr(resource, f"RLIMIT_{name}") for name in ("CPU", "AS", "DATA", "FSIZE", "NPROC"))


def answer(language: Language, ask: str, program: str, test: Test, limits: Limits) -> Execution:
    """Ask the language one question about one program; whatever it raises becomes an execution."""
    try:
        if ask == "check_syntax":
            found = language.check_syntax(program)
            return Execution(Status.SYNTAX_ERROR if found else Status.OK, diagnostics=found)
        if ask == "analyse":
            analysis = language.analyse(program)
            return Execution(Status.OK, analysis.as_text()) if analysis else Execution(Status.NO_ANSWER)
        if ask == "answers":
            answers = language.answers(program, test, limits)
            return Execution(Status.OK, json.dumps(answers)) if answers else Execution(Status.NO_ANSWER)
        return language.execute(program, test, limits)
    except MemoryError:
        return Execution(Status.MEMORY_LIMIT)
    except Exception:  # a bug of the backend's is the judge's fault, and must be seen
        import traceback

        return Execution(Status.INFRA_ERROR, diagnostics=(Diagnostic(traceback.format_exc(limit=-3)),))
