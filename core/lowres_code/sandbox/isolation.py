"""The kinds of isolation that a worker can run in."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from lowres_code.errors import JudgeError
from lowres_code.language.base import PROGRAM_PATH
from lowres_code.sandbox.packages import covers, hidden_folders

Isolation = Literal["namespaces", "landlock", "limits"]
ISOLATIONS: tuple[Isolation, ...] = get_args(Isolation)
AUTO: tuple[Isolation, ...] = ("namespaces", "landlock")  # the strongest first; ``limits`` must be asked for by name

NO_ISOLATION = "Isolation limits: programs can reach the network and all files of this user."
INSTALL_BUBBLEWRAP = "sudo apt-get install bubblewrap"
SCRATCH = Path("/scratch")

SYSTEM = tuple(  # what every program may read
    Path(path)
    for path in (
        *("/usr", "/lib", "/lib64", "/lib32", "/bin", "/sbin"),
        *("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime"),
    )
)


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether an isolation works on this machine, and if not, why and the one line that fixes it."""

    isolation: Isolation
    works: bool
    reason: str = ""
    fix: str = ""


def choose_isolation(asked: str, may_fork: bool = False) -> Isolation:
    """The isolation that a recipe's ``limits.isolation`` asks for; ``"auto"`` is the strongest that needs no consent.

    Args:
        asked: ``"auto"``, or the name of an isolation.
        may_fork: whether programs are run by processes of their own.

    Raises:
        JudgeError: the isolation does not work here. The weakest is never taken silently.
    """
    candidates: tuple[Isolation, ...] = (
        AUTO if asked == "auto" else tuple(known for known in ISOLATIONS if known == asked)
    )
    tried = [availability(isolation, may_fork) for isolation in candidates]
    for found in tried:
        if found.works:
            return found.isolation
    reasons = " ".join(
        f"isolation {found.isolation!r} does not work here: {found.reason}. {found.fix}." for found in tried
    )
    others = [name for name in AUTO if name not in candidates and availability(name, may_fork).works]
    works = "".join(f"Isolation {name!r} works here ({_how_to_take(name)}). " for name in others)
    raise JudgeError(
        f"{reasons} {works}Or accept programs that can reach the network and your files, on a machine you can lose: "
        f"isolation 'limits' ({_how_to_take('limits')})"
    )


def _how_to_take(name: Isolation) -> str:
    return f"--isolation {name}, or --set limits.isolation={name}"


@functools.cache
def availability(isolation: Isolation, may_fork: bool = False) -> Availability:
    """Try the isolation with a harmless program."""
    if isolation == "limits":
        return Availability(isolation, works=True)
    return _namespaces() if isolation == "namespaces" else _landlock(may_fork)


def _namespaces() -> Availability:
    if not shutil.which("bwrap"):
        return Availability(
            "namespaces", False, "bubblewrap (bwrap) is not installed", f"Install it: {INSTALL_BUBBLEWRAP}"
        )
    found = _trial(wrap("namespaces", ["/bin/true"], (), {}))
    return Availability("namespaces", not found, found, f"Allow user namespaces: {_allow_namespaces()}")


def _landlock(may_fork: bool) -> Availability:
    """Tried in a process of its own, which cannot undo it."""
    if may_fork and os.geteuid() == 0:
        reason = "nothing limits the number of processes that root's programs make"
        return Availability("landlock", False, reason, "Run as another user")
    found = _trial([sys.executable, "-m", "lowres_code.sandbox.landlock"])
    fix = "It needs Linux 6.12 with Landlock switched on, and libseccomp: sudo apt-get install libseccomp2"
    return Availability("landlock", not found, found, fix)


def _trial(command: list[str]) -> str:
    """What is wrong with a command; nothing if it ends well."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        return f"{command[0]} does not end"
    except OSError as error:
        return f"{command[0]} does not start: {error.strerror}"
    if done.returncode == 0:
        return ""
    return (done.stderr.strip().splitlines() or [f"{command[0]} ended with {done.returncode}"])[-1]


def _allow_namespaces() -> str:
    """The line that fixes it: Ubuntu since 24.04 refuses through AppArmor, Debian has a switch of its own."""
    apparmor = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
    if apparmor.is_file() and apparmor.read_text().strip() == "1":
        return "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
    return "sudo sysctl -w kernel.unprivileged_userns_clone=1"


def wrap(
    isolation: Isolation,
    command: list[str],
    read_only: Iterable[Path],
    environment: Mapping[str, str],
    worker: bool = True,
) -> list[str]:
    """The command line that runs ``command`` inside an isolation.

    Args:
        isolation: which.
        command: what to run; its folders must be among the system's or in ``read_only``.
        read_only: further files and folders that it may read.
        environment: all the environment variables that it has.
        worker: whether it is one, with the capabilities to isolate each program; if not, it has a scratch directory.
    """
    variables = {"PATH": PROGRAM_PATH, **environment}
    if isolation != "namespaces":
        return ["env", "-i", *(f"{key}={value}" for key, value in variables.items()), *command]
    variables |= dict.fromkeys(("HOME", "TMPDIR", "TEMP", "TMP"), f"{SCRATCH}/program")
    arguments = [
        shutil.which("bwrap") or "bwrap",
        *_identity(worker),
        "--unshare-ipc",
        "--unshare-pid",
        "--unshare-net",
        "--unshare-uts",
    ]
    arguments += ["--unshare-cgroup-try", "--as-pid-1", "--die-with-parent", "--new-session", "--hostname", "sandbox"]
    arguments += ["--clearenv"]
    for key, value in variables.items():
        arguments += ["--setenv", key, value]
    read_only = tuple(read_only)
    for folder in sorted({folder for path in (*SYSTEM, *read_only) for folder in path.parents} - {Path("/")}):
        arguments += ["--perms", "0755", "--dir", str(folder)]  # else closed to all but the worker
    for path in SYSTEM:
        arguments += ["--ro-bind-try", str(path), str(path)]
    arguments += ["--dev", "/dev", "--proc", "/proc"]
    hidden = [folder for folder in hidden_folders() if covers((*SYSTEM, *read_only), folder)]
    inside = [path for path in read_only if covers(hidden, path)]
    for path in read_only:
        arguments += ["--ro-bind", str(path), str(path)] if path not in inside else []
    for folder in hidden:
        arguments += ["--tmpfs", str(folder)]
    for path in inside:
        arguments += ["--ro-bind", str(path), str(path)]
    for folder in hidden:
        arguments += ["--remount-ro", str(folder)]
    arguments += ["--dir", str(SCRATCH)] if worker else ["--tmpfs", f"{SCRATCH}/program"]
    arguments += ["--chdir", str(SCRATCH) if worker else f"{SCRATCH}/program"]
    arguments += ["--remount-ro", "/dev", "--remount-ro", "/"]
    return [*arguments, *command]


def _identity(worker: bool) -> list[str]:
    """Who it is inside. The capabilities are a worker's own: for its scratch directory and each program's namespaces.

    Programs of root's worker become another user, because the kernel does not count root's processes.
    """
    needed = ["CAP_SYS_ADMIN"]
    who = ["--unshare-user", "--uid", "65534", "--gid", "65534"]
    if programs_need_a_user():
        needed += ["CAP_SETUID", "CAP_SETGID", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_KILL"]
        who = []
    added = (word for name in needed for word in ("--cap-add", name)) if worker else ()
    return [*who, "--cap-drop", "ALL", *added]


@functools.cache
def programs_need_a_user() -> bool:
    """Whether this is root, with the right to make namespaces without a user namespace."""
    return os.geteuid() == 0 and not _trial(["bwrap", "--unshare-pid", "--ro-bind", "/", "/", "/bin/true"])
