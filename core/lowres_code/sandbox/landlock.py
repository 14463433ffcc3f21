"""The layer ``landlock``: a program's process gives up its own rights, where namespaces are refused.

Landlock (through py-landlock) takes the file system, TCP and signals to others; seccomp (through libseccomp) takes the
system calls that Landlock does not know: other sockets, rights and times of files, tracing, shared objects that
outlive a process, new namespaces. There is no process namespace: a program of an embedded language cannot make
processes at all, and ``/proc`` is closed.

Both are prepared once in the worker; a child enters with two system calls.
"""

from __future__ import annotations

import errno
import os
import socket
import tempfile
from collections.abc import Iterable
from pathlib import Path

import pyseccomp
from py_landlock import AccessFs, get_abi_version
from py_landlock.abi import MAX_KNOWN_ABI, get_supported_fs, get_supported_net, get_supported_scope
from py_landlock.landlock_sys import PathBeneathAttr, RulesetAttr, add_rule, create_ruleset, restrict_self

from lowres_code.sandbox.system import give_up_privileges, load_seccomp

LEAST_ABI = 6  # Linux 6.12: the first that keeps signals in

_READ = AccessFs.READ_FILE | AccessFs.READ_DIR | AccessFs.EXECUTE
_DEVICES = {
    "/dev/null": AccessFs.READ_FILE | AccessFs.WRITE_FILE,
    "/dev/zero": AccessFs.READ_FILE,
    "/dev/random": AccessFs.READ_FILE,
    "/dev/urandom": AccessFs.READ_FILE,
}
_REFUSED = (
    *("socket", "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp"),
    *("chmod", "fchmod", "fchmodat", "chown", "fchown", "lchown", "fchownat"),
    *("utime", "utimes", "futimesat", "utimensat", "setxattr", "lsetxattr", "fsetxattr"),
    *("removexattr", "lremovexattr", "fremovexattr", "mount", "umount2", "pivot_root", "chroot", "unshare", "setns"),
    *("shmget", "shmat", "shmctl", "semget", "semop", "semctl", "msgget", "msgsnd", "msgrcv", "msgctl", "mq_open"),
    *("keyctl", "add_key", "request_key", "bpf", "perf_event_open", "userfaultfd", "open_by_handle_at"),
    *("io_uring_setup", "io_uring_enter", "io_uring_register", "setpriority", "sched_setaffinity", "ioprio_set"),
)
_REFUSED_BY_NUMBER = (  # newer than libseccomp's names; the same on every architecture
    *(452, 463, 466),  # fchmodat2, setxattrat, removexattrat
    *(428, 429, 430, 431, 432, 433, 442, 467, 469),  # open_tree to fspick, mount_setattr, open_tree_attr, file_setattr
)
_CLONE_THREAD = 0x10000
_NEW_NAMESPACES = (0x80, 0x20000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000)


class Confinement:
    """What a child gives up, prepared in its parent."""

    def __init__(self, readable: Iterable[Path], writable: Path, may_fork: bool) -> None:
        """Args:
        readable: files and folders, with all below, that may be read and executed; what is not there is left out.
        writable: the folder that may be written to.
        may_fork: whether new processes may be made.

        Raises:
            OSError, py_landlock.LandlockError: this machine cannot do it.
        """
        self._filter = _seccomp_filter(may_fork)
        abi = min(get_abi_version(), MAX_KNOWN_ABI)
        every = get_supported_fs(abi)
        attributes = RulesetAttr(
            handled_access_fs=every,
            handled_access_net=get_supported_net(abi),
            scoped=get_supported_scope(abi),
        )
        self._ruleset = create_ruleset(attributes)
        rights = {**dict.fromkeys(map(str, readable), _READ), **_DEVICES, str(writable): every & ~AccessFs.IOCTL_DEV}
        for path, access in rights.items():
            if Path(path).exists():
                self._allow(path, access)

    def enter(self) -> None:
        """In the child, which must have set ``no_new_privs``."""
        restrict_self(self._ruleset, None)
        os.close(self._ruleset)
        load_seccomp(self._filter)

    def _allow(self, path: str, access: AccessFs) -> None:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            if not Path(path).is_dir():
                access &= ~(AccessFs.READ_DIR)
            add_rule(self._ruleset, PathBeneathAttr(allowed_access=access, parent_fd=descriptor))
        finally:
            os.close(descriptor)


def _seccomp_filter(may_fork: bool) -> bytes:
    """The filter as the kernel reads it."""
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    for call in (*_REFUSED, *_REFUSED_BY_NUMBER):
        number = pyseccomp.resolve_syscall(pyseccomp.system_arch(), call) if isinstance(call, str) else call
        if number >= 0:  # some architectures never had it
            rules.add_rule(pyseccomp.ERRNO(errno.EPERM), number)
    rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")  # its flags are out of a filter's sight; clone is used then
    for flag in _NEW_NAMESPACES:
        rules.add_rule(pyseccomp.ERRNO(errno.EPERM), "clone", _has(flag, flag))
    if not may_fork:
        rules.add_rule(pyseccomp.ERRNO(errno.EAGAIN), "clone", _has(_CLONE_THREAD, 0))
        for call in ("fork", "vfork"):
            if pyseccomp.resolve_syscall(pyseccomp.system_arch(), call) >= 0:
                rules.add_rule(pyseccomp.ERRNO(errno.EAGAIN), call)
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()


def _has(mask: int, value: int) -> pyseccomp.Arg:
    """That the first argument, under a mask, is a value."""
    return pyseccomp.Arg(0, pyseccomp.MASKED_EQ, mask, value)


def _try() -> None:
    """Enter a confinement, and see that it holds."""
    if get_abi_version() < LEAST_ABI:
        raise SystemExit(f"Landlock is of version {get_abi_version()} here, and {LEAST_ABI} is needed")
    confinement = Confinement((), Path(tempfile.gettempdir()), may_fork=False)
    give_up_privileges()
    confinement.enter()
    for forbidden in (Path("/etc/passwd").read_bytes, os.fork, socket.socket):
        try:
            forbidden()
        except OSError:
            continue
        raise SystemExit("Landlock or seccomp is there and does not hold")


if __name__ == "__main__":
    _try()
