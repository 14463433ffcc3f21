"""Which of the Python that is installed a worker sees, and so its programs: what it imports, and no more."""

from __future__ import annotations

import importlib.util
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path


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
    outside = [path for path in found if path.exists() and not covers((Path("/usr"), Path("/lib")), path)]
    hidden = hidden_folders()
    needed = [path for path in found if path.exists() and covers(hidden, path)]
    return tuple(sorted({*needed, *(path for path in outside if not covers(outside, path))}))


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
    hidden = frozenset(hidden_folders())
    return _without(paths, hidden, frozenset(parent for folder in hidden for parent in folder.parents))


def _without(paths: Iterable[Path], hidden: frozenset[Path], above: frozenset[Path]) -> Iterator[Path]:
    for path in paths:
        if path in above:
            yield from _without(path.iterdir(), hidden, above)
        elif path not in hidden:
            yield path


def is_hidden(path: Path) -> bool:
    """Whether it lies in a hidden folder."""
    return covers(hidden_folders(), path)


def covers(folders: Iterable[Path], path: Path) -> bool:
    """Whether the path lies in one of the folders."""
    return not set(path.parents).isdisjoint(folders)
