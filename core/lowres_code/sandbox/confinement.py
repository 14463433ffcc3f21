"""What a child gives up, for good, before it becomes a program: calls of C functions that the worker has made ready.

A child copies each page on which Python counts a reference. So functions, arguments and the list of them are made
once, one after another, and lie side by side; in the child Python only goes down the list and looks at what each call
returns. All of it touches some ten pages; Python functions that call one another touch sixty.
"""

from __future__ import annotations

import ctypes
import signal
from collections.abc import Iterable
from typing import Any

from lowres_code.language.base import Call
from lowres_code.sandbox.system import CAPABILITIES_OF_THIS_PROCESS, NO_CAPABILITIES, PR_SET_PDEATHSIG

ResourceLimit = tuple[int, tuple[int, int]]  # which; soft and hard

_STREAMS, _OTHERS, _LIMITS = 3, 7, 5  # how many there are: of standard streams, other descriptors, limits


class _Limit(ctypes.Structure):
    """``struct rlimit``."""

    _fields_ = (("soft", ctypes.c_ulong), ("hard", ctypes.c_ulong))


class Confinement:
    """A worker's, for one program after another.

    Attributes:
        calls: what the child calls; each returns a negative number if it fails.
    """

    def __init__(self, scratch: str, user: int) -> None:
        """Make all calls.

        Args:
            scratch: the folder that programs work in.
            user: the number of the user, and group, that they become; 0: they stay what the worker is.
        """
        self._streams = [ctypes.c_int() for _ in range(_STREAMS)]
        self._others = [ctypes.c_int() for _ in range(_OTHERS)]
        self._limits = [(ctypes.c_int(), _Limit()) for _ in range(_LIMITS)]
        self._scratch = ctypes.create_string_buffer(scratch.encode())
        number, zero, nothing = ctypes.c_int(user), ctypes.c_ulong(0), ctypes.c_void_p(0)
        library = ctypes.PyDLL(None)  # keeps the lock: in a child there is nobody to give it to
        calls: list[tuple[str, tuple[Any, ...]]] = [
            *(("dup2", (stream, ctypes.c_int(target))) for target, stream in enumerate(self._streams)),
            *(("close", (other,)) for other in self._others),
        ]
        if user:
            calls.append(("setgroups", (ctypes.c_size_t(0), nothing)))
            calls += [(name, (number, number, number)) for name in ("setresgid", "setresuid")]
        calls += [
            ("chdir", (ctypes.byref(self._scratch),)),
            ("setsid", ()),
            ("prctl", (ctypes.c_int(PR_SET_PDEATHSIG), ctypes.c_ulong(signal.SIGKILL), zero, zero, zero)),
            ("capset", (CAPABILITIES_OF_THIS_PROCESS, NO_CAPABILITIES)),
            *(("setrlimit", (kind, ctypes.byref(limit))) for kind, limit in self._limits),
        ]
        self.calls: tuple[Call, ...] = tuple([(library[name], arguments) for name, arguments in calls])

    def prepare(self, streams: Iterable[int], others: Iterable[int], limits: Iterable[ResourceLimit]) -> None:
        """In the worker: for the next program.

        Args:
            streams: the descriptors of its standard input, output and error.
            others: descriptors that it must not have: these, and the worker's.
            limits: the kernel's for it.
        """
        for stream, descriptor in zip(self._streams, streams, strict=True):
            stream.value = descriptor
        for other, descriptor in zip(self._others, others, strict=True):
            other.value = descriptor
        for (kind, limit), (number, (soft, hard)) in zip(self._limits, limits, strict=True):
            kind.value, limit.soft, limit.hard = number, soft, hard
