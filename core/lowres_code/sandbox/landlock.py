"""The isolation ``landlock``: a program's process gives up its own rights, where namespaces are refused.

Landlock (through py-landlock) takes the file system, TCP and signals to others; seccomp (through libseccomp) takes the
system calls that Landlock does not know. There is no process namespace: a program of an embedded language cannot make
processes at all, and ``/proc`` is closed.

Both are prepared once in the worker; a child enters with two system calls.
"""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterable
from pathlib import Path

from py_landlock import AccessFs, get_abi_version
from py_landlock.abi import MAX_KNOWN_ABI, get_supported_fs, get_supported_net, get_supported_scope
from py_landlock.landlock_sys import PathBeneathAttr, RulesetAttr, add_rule, create_ruleset, restrict_self

from lowres_code.sandbox.seccomp import KERNEL, seccomp_filter
from lowres_code.sandbox.system import SeccompFilter, give_up_capabilities, no_new_privileges

LEAST_ABI = 6  # Linux 6.12: the first that keeps signals in

_READ = AccessFs.READ_FILE | AccessFs.READ_DIR | AccessFs.EXECUTE
_DEVICES = {
    "/dev/null": AccessFs.READ_FILE | AccessFs.WRITE_FILE,
    "/dev/zero": AccessFs.READ_FILE,
    "/dev/random": AccessFs.READ_FILE,
    "/dev/urandom": AccessFs.READ_FILE,
}
# What Landlock does not know: other sockets, the rights and times of files, the priority of other processes.
BESIDE_LANDLOCK: tuple[str | int, ...] = (
    *("socket", "socketpair", "chmod", "fchmod", "fchmodat", "chown", "fchown", "lchown", "fchownat"),
    *("utime", "utimes", "futimesat", "utimensat"),
    *(452, 469),  # fchmodat2, file_setattr
    *("setpriority", "sched_setaffinity", "sched_setscheduler", "sched_setparam", "sched_setattr", "ioprio_set"),
)


class Ruleset:
    """The files that a child may use, and the end of its TCP and of its signals to others; prepared in its parent."""

    def __init__(self, readable: Iterable[Path], writable: Path) -> None:
        """Args:
        readable: files and folders, with all below, that may be read and executed; what is not there is left out.
        writable: the folder that may be written to.

        Raises:
            OSError, py_landlock.LandlockError: this machine cannot do it.
        """
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

    def _allow(self, path: str, access: AccessFs) -> None:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            if not Path(path).is_dir():
                access &= ~(AccessFs.READ_DIR)
            add_rule(self._ruleset, PathBeneathAttr(allowed_access=access, parent_fd=descriptor))
        finally:
            os.close(descriptor)


def _try() -> None:
    """Enter, and see that it holds."""
    if get_abi_version() < LEAST_ABI:
        raise SystemExit(f"Landlock is of version {get_abi_version()} here, and {LEAST_ABI} is needed")
    ruleset, rules = Ruleset((), Path(tempfile.gettempdir())), seccomp_filter(KERNEL + BESIDE_LANDLOCK, may_fork=False)
    no_new_privileges()
    give_up_capabilities()
    ruleset.enter()
    SeccompFilter(rules).load()
    for forbidden in (Path("/etc/passwd").read_bytes, os.fork, socket.socket):
        try:
            forbidden()
        except OSError:
            continue
        raise SystemExit("Landlock or seccomp is there and does not hold")


if __name__ == "__main__":
    _try()
