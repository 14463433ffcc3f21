"""Filters of system calls, written with libseccomp."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Collection

import pyseccomp

# No program needs these, and most of the kernel's holes were behind them. Names that libseccomp does not know yet are
# given as numbers, which are the same on every architecture.
KERNEL: tuple[str | int, ...] = (
    *("unshare", "setns", "mount", "umount2", "pivot_root", "chroot", "open_by_handle_at"),
    *(428, 429, 430, 431, 432, 433, 442, 467),  # open_tree to fspick, mount_setattr, open_tree_attr
    *("ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp"),
    *("keyctl", "add_key", "request_key", "bpf", "perf_event_open", "userfaultfd"),
    *("io_uring_setup", "io_uring_enter", "io_uring_register"),
    # What outlives a program, or holds memory that no limit counts.
    *("shmget", "shmat", "shmctl", "semget", "semop", "semtimedop", "semctl", "msgget", "msgsnd", "msgrcv", "msgctl"),
    *("mq_open", "mq_unlink", "mq_timedsend", "mq_timedreceive", "mq_notify", "mq_getsetattr", "memfd_create", 447),
    *("setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr", 463, 466),  # *xattrat
)
_AF_UNIX = 1
_PR_SET_PDEATHSIG = 1
# Of calls that programs need, the commands that they do not: a file that can only be read could be locked for others,
# watched, or marked for good.
_F_SETLEASE, _F_NOTIFY = 1024, 1026
_SET_FLAGS, _SET_FLAGS_32, _SET_VERSION, _SET_XATTR = 0x40086602, 0x40046602, 0x40087602, 0x401C5820  # FS_IOC_...
_COMMANDS = (
    *(("fcntl", command) for command in (_F_SETLEASE, _F_NOTIFY)),
    *(("ioctl", command) for command in (_SET_FLAGS, _SET_FLAGS_32, _SET_VERSION, _SET_XATTR)),
)
_CLONE_THREAD = 0x10000
# Those of processes and of System V objects are a worker's to make; programs lack the capability for it.
_NEW_NAMESPACES = (0x80, 0x20000, 0x02000000, 0x04000000, 0x10000000, 0x40000000)


def seccomp_filter(refused: Collection[str | int], may_fork: bool = True, may_stay: bool = True) -> bytes:
    """A filter that refuses system calls with ``EPERM``, always also new namespaces and the limits of other processes.

    Args:
        refused: by name or number.
        may_fork: whether new processes (not threads) may be made; if not, that fails with ``EAGAIN``.
        may_stay: whether a process may outlive its parent, if it was to end with it.

    Raises:
        OSError: libseccomp fails.
    """
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    refuse = pyseccomp.ERRNO(errno.EPERM)
    for call in refused:
        number = pyseccomp.resolve_syscall(pyseccomp.system_arch(), call) if isinstance(call, str) else call
        if number >= 0:  # some architectures never had it
            rules.add_rule(refuse, number)
    rules.add_rule(refuse, "prlimit64", pyseccomp.Arg(0, pyseccomp.NE, 0))  # other processes'
    if "socket" not in refused:  # a network of its own would still be that of the next program too
        rules.add_rule(refuse, "socket", pyseccomp.Arg(0, pyseccomp.NE, _AF_UNIX))
    for call, command in _COMMANDS:
        rules.add_rule(refuse, call, _number(1, command))
    if not may_stay:
        rules.add_rule(refuse, "prctl", _number(0, _PR_SET_PDEATHSIG))
    rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")  # its flags are out of a filter's sight; clone is used then
    for flag in _NEW_NAMESPACES:
        rules.add_rule(refuse, "clone", _has(flag, flag))
    if not may_fork:
        rules.add_rule(pyseccomp.ERRNO(errno.EAGAIN), "clone", _has(_CLONE_THREAD, 0))
        for call in ("fork", "vfork"):
            if pyseccomp.resolve_syscall(pyseccomp.system_arch(), call) >= 0:
                rules.add_rule(pyseccomp.ERRNO(errno.EAGAIN), call)
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()


def _number(position: int, value: int) -> pyseccomp.Arg:
    """That an argument of 32 bits is a value, whatever stands beside them."""
    return pyseccomp.Arg(position, pyseccomp.MASKED_EQ, 2**32 - 1, value)


def _has(mask: int, value: int) -> pyseccomp.Arg:
    """That the first argument, under a mask, is a value."""
    return pyseccomp.Arg(0, pyseccomp.MASKED_EQ, mask, value)
