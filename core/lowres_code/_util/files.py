"""Files that survive a crash: whole or not there, and readable up to where the power went."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from lowres_code.errors import LowresCodeError, UsageError

_BLOCK = 2**16  # bytes


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old one or the new one, never a part.

    A new file has the mode that the umask leaves it, one that is there keeps its own. What is not a regular file, such
    as ``/dev/stdout``, is written to as it is.

    Raises:
        LowresCodeError: it cannot be written, for instance because the disk is full; the old file is still there.
    """
    try:
        target = Path(os.path.realpath(path))  # a link stays one
        if target.exists() and not target.is_file():
            target.write_text(text, encoding="utf-8", errors="backslashreplace")
        else:
            _replace(target, text)
    except OSError as error:
        raise LowresCodeError(f"cannot write {str(path)!r}: {error.strerror}") from error


def _replace(target: Path, text: str) -> None:
    temporary = target.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("x", encoding="utf-8", errors="backslashreplace") as file:
            if target.exists():
                os.fchmod(file.fileno(), stat.S_IMODE(target.stat().st_mode))
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def must_be_writable(path: Path) -> None:
    """Before long work whose result goes there: see that it can.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        there = path.exists()
        path.open("ab").close()
        if not there:
            path.unlink()
    except OSError as error:
        raise UsageError(f"cannot write {str(path)!r}: {error.strerror}") from error


def must_take_folder(path: Path) -> None:
    """Before long work whose result is a new folder there: see that it can be made.

    Raises:
        UsageError: it cannot.
    """
    nearest = next(place for place in (path.absolute(), *path.absolute().parents) if place.exists())
    if not nearest.is_dir():
        raise UsageError(f"cannot make the folder {str(path)!r}: {str(nearest)!r} is a file; choose another --out")
    probe = nearest / f".{secrets.token_hex(8)}.tmp"
    try:
        probe.mkdir()  # who is root may write anywhere, and still not here
        probe.rmdir()
    except OSError as error:
        raise UsageError(f"cannot write in {str(nearest)!r}: choose another folder with --out") from error


def write_json(path: Path, value: object) -> None:
    """`write_atomically`, as JSON for people."""
    write_atomically(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


class JsonLines:
    """Appends records to a JSON Lines file; each is on disk, or lost whole, when the process dies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        drop_torn_line(path)

    def append(self, *records: object) -> None:
        """Add records, in one write.

        Raises:
            LowresCodeError: the file cannot be written.
        """
        text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        try:
            with self._path.open("ab") as file:
                file.write(text.encode("utf-8", "backslashreplace"))
        except OSError as error:
            raise LowresCodeError(f"cannot write {str(self._path)!r}: {error.strerror}") from error


def write_records(path: Path, records: Iterable[object]) -> None:
    """Write a JSON Lines file as a whole, see `write_atomically`."""
    write_atomically(path, "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records))


def keep_records(path: Path, keep: Callable[[dict[str, Any]], bool]) -> None:
    """Rewrite a JSON Lines file with the records that are to be kept."""
    if path.is_file():
        write_records(path, [record for record in read_json_lines(path) if keep(record)])


def read_json_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The whole records of a file; a last line that was torn by a crash is left out.

    Raises:
        LowresCodeError: a line before it is damaged.
    """
    if not path.is_file():
        return
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            if line.endswith("\n"):
                yield _record(line, f"{path}:{number}")


def _record(line: str, where: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise LowresCodeError(f"{where}: damaged, not JSON ({error})") from error
    if not isinstance(record, dict):
        raise LowresCodeError(f"{where}: damaged, not a JSON object")
    return record


def drop_torn_line(path: Path) -> None:
    """Cut a file after its last whole line, so that the next record does not continue a torn one."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        size = end = file.seek(0, os.SEEK_END)
        whole = 0
        while end and not whole:  # from the end: the file may be larger than the memory
            start = max(0, end - _BLOCK)
            file.seek(start)
            if newline := file.read(end - start).rfind(b"\n") + 1:
                whole = start + newline
            end = start
    if whole < size:
        os.truncate(path, whole)
