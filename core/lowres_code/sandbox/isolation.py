"""The layers of isolation that a worker can stand in."""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from lowres_code.errors import JudgeError
from lowres_code.language import PROGRAM_PATH

Layer = Literal["namespaces", "landlock", "limits"]
LAYERS: tuple[Layer, ...] = get_args(Layer)
AUTO: tuple[Layer, ...] = ("namespaces", "landlock")  # the strongest first; ``limits`` must be asked for by name

NO_WALLS = "Isolation limits: programs can reach the network and all files of this user."
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
    """Whether a layer works on this machine, and if not, why and the one line that mends it."""

    layer: Layer
    works: bool
    reason: str = ""
    mend: str = ""


def choose_layer(asked: str, may_fork: bool = False) -> Layer:
    """The layer that a recipe's ``limits.isolation`` asks for; ``"auto"`` is the strongest that needs no consent.

    Args:
        asked: ``"auto"``, or a layer's name.
        may_fork: whether programs are run by processes of their own.

    Raises:
        JudgeError: the layer does not work here. The weakest is never taken silently.
    """
    candidates: tuple[Layer, ...] = AUTO if asked == "auto" else tuple(layer for layer in LAYERS if layer == asked)
    tried = [availability(layer, may_fork) for layer in candidates]
    for found in tried:
        if found.works:
            return found.layer
    reasons = " ".join(
        f"isolation {found.layer!r} does not work here: {found.reason}. {found.mend}." for found in tried
    )
    raise JudgeError(
        f"{reasons} Or accept programs that can reach the network and your files, on a machine you can lose: "
        "isolation `limits` (--isolation limits, or --set limits.isolation=limits)"
    )


@functools.cache
def availability(layer: Layer, may_fork: bool = False) -> Availability:
    """Try the layer with a harmless program."""
    if layer == "limits":
        return Availability(layer, works=True)
    return _namespaces() if layer == "namespaces" else _landlock(may_fork)


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
    mend = "It needs Linux 6.12 with Landlock switched on, and libseccomp: sudo apt-get install libseccomp2"
    return Availability("landlock", not found, found, mend)


def _trial(command: list[str]) -> str:
    """What is wrong with a command; nothing if it ends well."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        return f"{command[0]} does not end"
    if done.returncode == 0:
        return ""
    return (done.stderr.strip().splitlines() or [f"{command[0]} ended with {done.returncode}"])[-1]


def _allow_namespaces() -> str:
    """The line that mends it: Ubuntu since 24.04 refuses through AppArmor, Debian has a switch of its own."""
    apparmor = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
    if apparmor.is_file() and apparmor.read_text().strip() == "1":
        return "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
    return "sudo sysctl -w kernel.unprivileged_userns_clone=1"


def wrap(
    layer: Layer, command: list[str], read_only: Iterable[Path], environment: Mapping[str, str], worker: bool = True
) -> list[str]:
    """The command line that runs ``command`` inside a layer.

    Args:
        layer: which.
        command: what to run; its folders must be among the system's or in ``read_only``.
        read_only: further files and folders that it may read.
        environment: all the environment variables that it has.
        worker: whether it is one, with the capabilities to build each program's own walls.
    """
    variables = {"PATH": PROGRAM_PATH, **environment}
    if layer != "namespaces":
        return ["env", "-i", *(f"{key}={value}" for key, value in variables.items()), *command]
    variables |= dict.fromkeys(("HOME", "TMPDIR", "TEMP", "TMP"), f"{SCRATCH}/program")
    walls = [
        shutil.which("bwrap") or "bwrap",
        *_identity(worker),
        "--unshare-ipc",
        "--unshare-pid",
        "--unshare-net",
        "--unshare-uts",
    ]
    walls += ["--unshare-cgroup-try", "--as-pid-1", "--die-with-parent", "--new-session", "--hostname", "sandbox"]
    walls += ["--clearenv"]
    for key, value in variables.items():
        walls += ["--setenv", key, value]
    read_only = tuple(read_only)
    for folder in sorted({folder for path in (*SYSTEM, *read_only) for folder in path.parents} - {Path("/")}):
        walls += ["--perms", "0755", "--dir", str(folder)]  # else closed to all but the worker
    for path in SYSTEM:
        walls += ["--ro-bind-try", str(path), str(path)]
    walls += ["--dev", "/dev", "--proc", "/proc"]
    hidden = [folder for folder in hidden_folders() if _covers((*SYSTEM, *read_only), folder)]
    inside = [path for path in read_only if _covers(hidden, path)]
    for path in read_only:
        walls += ["--ro-bind", str(path), str(path)] if path not in inside else []
    for folder in hidden:
        walls += ["--tmpfs", str(folder)]
    for path in inside:
        walls += ["--ro-bind", str(path), str(path)]
    for folder in hidden:
        walls += ["--remount-ro", str(folder)]
    walls += ["--dir", str(SCRATCH), "--chdir", str(SCRATCH), "--remount-ro", "/dev", "--remount-ro", "/"]
    return [*walls, *command]


def _identity(worker: bool) -> list[str]:
    """Who it is inside. The capabilities are a worker's own: for its scratch directory, and for each program's walls.

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


def import_roots(module: str, packages: Iterable[str]) -> list[Path]:
    """The folders that must be on Python's path for this package, ``module`` and ``packages`` to be imported.

    They are where this process has found them.
    """
    places = [place.parent for name in (*_PACKAGES, *packages) if (place := _place_of(name))]
    return list(dict.fromkeys([_import_root("lowres_code"), _import_root(module), *places]))


def _import_root(module: str) -> Path:
    top = Path(str(sys.modules[module.partition(".")[0]].__file__)).resolve()
    return top.parent.parent if top.name == "__init__.py" else top.parent


def _own_files(module: str) -> Path:
    """A package's folder; a module that is in none is its file alone, whatever lies beside it."""
    file = Path(str(sys.modules[module].__file__)).resolve()
    return file.parent if file.stem == "__init__" or "." in module else file


def python_folders(module: str, packages: Iterable[str]) -> tuple[Path, ...]:
    """The folders and files, beside the system's, that Python needs for this package, ``module`` and ``packages``.

    Not all that is installed: among it is what makes problems, with their answers.
    """
    parts = module.split(".")
    modules = ["lowres_code", *(".".join(parts[: end + 1]) for end in range(len(parts)))]
    found = {Path(sys.prefix, "bin"), Path(sys.prefix, "pyvenv.cfg"), Path(sys.base_prefix)}
    found |= {_own_files(name) for name in modules}
    found |= {place for name in (*_PACKAGES, *packages) if (place := _place_of(name))}
    found |= {file for folder in hidden_folders() for file in folder.glob("__editable__*")}  # where else packages are
    found |= {Path(importlib.util.cache_from_source(str(path))) for path in found if path.suffix == ".py"}
    outside = [path for path in found if path.exists() and not _covers((Path("/usr"), Path("/lib")), path)]
    hidden = hidden_folders()
    needed = [path for path in found if path.exists() and _covers(hidden, path)]
    return tuple(sorted({*needed, *(path for path in outside if not _covers(outside, path))}))


_PACKAGES = ("pluggy", "pyseccomp", "py_landlock")  # what a worker itself imports, beside the standard library


def _place_of(package: str) -> Path | None:
    spec = importlib.util.find_spec(package)
    if spec is None:
        return None
    return (
        Path(next(iter(spec.submodule_search_locations))) if spec.submodule_search_locations else Path(str(spec.origin))
    )


def hidden_folders() -> tuple[Path, ...]:
    """Where Python packages are installed; of what lies there, programs see what a worker needs."""
    here = {Path(entry) for entry in sys.path if entry.endswith(("site-packages", "dist-packages"))}
    base = sysconfig.get_path("purelib", vars={"base": sys.base_prefix, "platbase": sys.base_prefix})
    return tuple(sorted(path for path in {*here, Path(base)} if path.is_dir()))


def without_hidden(paths: Iterable[Path]) -> Iterator[Path]:
    """The paths, but of one that holds a hidden folder all that is beside that folder."""
    hidden = hidden_folders()
    for path in paths:
        if any(path in folder.parents for folder in hidden):
            yield from without_hidden(path.iterdir())
        elif path not in hidden:
            yield path


def is_hidden(path: Path) -> bool:
    """Whether it lies in a hidden folder."""
    return _covers(hidden_folders(), path)


def _covers(folders: Iterable[Path], path: Path) -> bool:
    """Whether the path lies in one of the folders."""
    return any(folder in path.parents for folder in folders)
