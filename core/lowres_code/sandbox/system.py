"""The system calls that Python has no name for."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
from pathlib import Path

from lowres_code.language.base import Call
from lowres_code.sandbox.affinity import Affinity

PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_SECCOMP = 22
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_MODE_FILTER = 2
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_SYS_CLONE = {"x86_64": 56}.get(os.uname().machine, 220)  # 220 on all newer architectures
_CLONE_NEWPID = 0x20000000
_CLONE_NEWIPC = 0x08000000

_CLONE_NEWNS = 0x00020000
_MS_NOSUID = 2
_MS_NODEV = 4

NOT_CONFINED, OUT_OF_MEMORY, FAILED = -1, -2, -3

# Of memory (how allocators give up), CPU time and file size; see `exit_on_limits`.
LIMIT_SIGNALS = (signal.SIGABRT, signal.SIGXCPU, signal.SIGXFSZ)

_libc = ctypes.PyDLL(None, use_errno=True)  # keeps the lock: in a child there is nobody to give it to
# Looked up once, and not in each child.
_syscall, _prctl, _capset, _waitpid = _libc.syscall, _libc.prctl, _libc.capset, _libc.waitpid
_syscall.restype = ctypes.c_long


CAPABILITIES_OF_THIS_PROCESS = (ctypes.c_uint32 * 2)(0x20080522, 0)  # version 3 of the structure
NO_CAPABILITIES = (ctypes.c_uint32 * 6)()


class Forker:
    """Forks children, each the first process of namespaces of its own if asked for.

    The first process of a process namespace takes all others with it when it ends, sees none outside, and cannot
    signal any. The call is made directly: ``os.fork`` runs handlers that touch four times as many pages, which a
    process without threads does not need.
    """

    def __init__(self, namespaces: bool) -> None:
        """Namespaces: of processes and of System V objects; needs the capability ``CAP_SYS_ADMIN``."""
        flags = _CLONE_NEWPID | _CLONE_NEWIPC if namespaces else 0
        nothing = (ctypes.c_void_p(),) * 4
        self._arguments = (ctypes.c_long(_SYS_CLONE), ctypes.c_ulong(flags | signal.SIGCHLD), *nothing)
        self._affinity = Affinity()

    def fork(self, confinement: tuple[Call, ...], calls: tuple[Call, ...]) -> int:
        """As ``os.fork``; and all of this is one function, as every other would cost the child some thirty pages.

        Args:
            confinement: what the child calls first; a negative number means that it has failed.
            calls: what it calls then, until one returns 0.

        Returns:
            In the child 0, `NOT_CONFINED`, `OUT_OF_MEMORY`, or `FAILED` if a call has raised something else: a child
            never goes on with the worker's work.
        """
        loosen, arguments = self._affinity.loosen
        self._affinity.hold()
        child: int = _syscall(*self._arguments)
        loosen(*arguments)
        if child > 0:
            return child
        if child < 0:
            raise OSError(ctypes.get_errno(), f"cannot fork: {os.strerror(ctypes.get_errno())}")
        try:
            for function, arguments in confinement:
                if function(*arguments) < 0:
                    return NOT_CONFINED
            for function, arguments in calls:
                if not function(*arguments):
                    break
        except MemoryError:
            return OUT_OF_MEMORY
        except BaseException:
            return FAILED
        return 0


def own_scratch(path: str, size: int, files: int) -> None:
    """Put an empty file system in memory over a folder, seen by this process and its children only.

    Args:
        path: the folder.
        size: bytes that fit into it.
        files: files and folders that fit into it; each costs the kernel memory that no other limit counts.
    """
    options = f"size={size},nr_inodes={files},mode=0755".encode()
    flags = _MS_NOSUID | _MS_NODEV
    if _libc.unshare(_CLONE_NEWNS) != 0 or _libc.mount(b"tmpfs", path.encode(), b"tmpfs", flags, options) != 0:
        raise OSError(ctypes.get_errno(), f"cannot mount {path}: {os.strerror(ctypes.get_errno())}")


def exit_on_limits() -> None:
    """Make the signals of limits end a process with their number as the exit code.

    The first process of a namespace has no default actions: it would live on, or die of something else.
    """
    ending = ctypes.cast(_libc._exit, ctypes.c_void_p)
    for number in LIMIT_SIGNALS:
        _libc.signal(number, ending)


def become_subreaper() -> None:
    """Make orphans of this process's children its own children, so that it can end them."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_first() -> None:
    """Where memory runs out, be ended by the kernel before others are, with all that comes from this process."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def hide_from_children() -> None:
    """Close this process's memory and descriptors in ``/proc`` to programs, which run as the same user."""
    _prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def end_alone() -> tuple[Call, ...]:
    """End, if there are no children; if there are, the first of these calls returns 0."""
    library = ctypes.PyDLL(None)
    look = os.WEXITED | os.WNOHANG | os.WNOWAIT
    every, nothing = (ctypes.c_int(os.P_ALL), ctypes.c_int(0)), ctypes.c_void_p()
    return (
        (library["waitid"], (*every, nothing, ctypes.c_int(look))),
        (library["_exit"], (ctypes.c_int(0),)),
    )


def end_all_others() -> None:
    """End all other processes of this process namespace and take over what they have used, if this is its first one.

    It is not in a copy that the program has forked of itself; and outside these would be all the user's processes.
    """
    if os.getpid() != 1:
        return
    if _waitpid(-1, None, os.WNOHANG) < 0:  # whoever is here would be its child: nobody is
        return
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()


def no_new_privileges() -> None:
    """No program that this process executes, and none that comes from it, can be given any."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)


def give_up_capabilities() -> None:
    """Lose every capability; with `no_new_privileges`, for good."""
    if _capset(CAPABILITIES_OF_THIS_PROCESS, NO_CAPABILITIES) != 0:
        raise OSError(ctypes.get_errno(), "cannot give up capabilities")


class _SeccompProgram(ctypes.Structure):
    """``struct sock_fprog``."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


class SeccompFilter:
    """A filter, ready to be put upon a process."""

    def __init__(self, instructions: bytes) -> None:
        """Instructions: BPF, eight bytes each; see seccomp(2)."""
        self._program = _SeccompProgram(len(instructions) // 8, instructions)
        self._pointer = ctypes.byref(self._program)

    def load(self) -> None:
        """Put this process, which must have given up new privileges, and all that come from it under it, for good."""
        if _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, self._pointer, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "cannot filter system calls")
