"""The file that the verdicts of a scoring go to; a scoring that was killed goes on with it."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lowres_code._util.differing import differing
from lowres_code._util.files import drop_torn_line, read_json_lines, write_json
from lowres_code._util.tables import STANDARD_INPUT
from lowres_code.errors import LowresCodeError, UsageError

FORMAT = 1  # of the file beside the verdicts


@dataclass(frozen=True, slots=True)
class Census:
    """What is in a file of rows.

    Attributes:
        rows: that can be judged.
        samples: in them.
        skipped: rows that cannot be judged and are left out.
    """

    rows: int
    samples: int
    skipped: int


class VerdictFile:
    """A line for each verdict, in the order of the rows; beside it ``NAME.meta.json`` says what was judged, and how.

    Attributes:
        census: what is to be judged, if this goes on with an earlier scoring.
    """

    def __init__(self, path: Path, file: Path, options: Mapping[str, object]) -> None:
        """Open it, for this process alone.

        Args:
            path: of the verdicts.
            file: what is judged.
            options: how, as plain JSON: what was judged otherwise is not gone on with.

        Raises:
            UsageError: something else is there, or verdicts on other rows or with other options; or it cannot be
                written, or another process writes it.
        """
        self._path = path.resolve()
        self._meta = self._path.with_name(f"{self._path.name}.meta.json")
        self._file, self._options = file, dict(options)
        self._descriptor = _locked(self._path)
        self.census: Census | None = None
        try:
            if self._is_empty():
                self._meta.unlink(missing_ok=True)
            else:
                self.census = self._of_before()
                drop_torn_line(self._path)
        except BaseException:
            self.close()
            raise

    def begin(self, census: Census) -> None:
        """Note what is about to be judged, so that this can be gone on with."""
        self.census = census
        write_json(self._meta, {**self._asked(), **asdict(census)})

    def judged(self) -> Iterator[tuple[int, str, bool, float | None]]:
        """Of each verdict that is there, what `lowres_code.scoring.tally.Tally.add` takes.

        Raises:
            LowresCodeError: a line is damaged.
        """
        for record in read_json_lines(self._path):
            row, verdict = record.get("row"), record.get("verdict")
            if not isinstance(row, int) or not isinstance(verdict, str):
                raise LowresCodeError(f"{str(self._path)!r} is damaged: it has a line without row and verdict")
            yield row, verdict, "sample" in record, _fraction(record)

    def replace(self, lines: Mapping[int, str]) -> None:
        """Put lines in the place of others, by their numbers from 0: all of them, or none.

        Raises:
            LowresCodeError: the file cannot be written.
        """
        new = self._path.with_name(f".{self._path.name}.new")
        new.unlink(missing_ok=True)
        descriptor = _locked(new)
        try:
            with self._path.open("rb") as old, os.fdopen(descriptor, "ab", closefd=False) as file:
                file.writelines(_encoded(lines[n]) if n in lines else line for n, line in enumerate(old))
            new.replace(self._path)
        except OSError as error:
            os.close(descriptor)
            new.unlink(missing_ok=True)
            raise LowresCodeError(f"cannot write {str(self._path)!r}: {error.strerror}") from error
        os.close(self._descriptor)
        self._descriptor = descriptor

    def write(self, lines: str) -> None:
        """Add whole lines.

        Raises:
            LowresCodeError: the file cannot be written.
        """
        data = _encoded(lines)
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError as error:
            raise LowresCodeError(f"cannot write {str(self._path)!r}: {error.strerror}") from error

    def close(self) -> None:
        """Let others have it; without a verdict, leave nothing."""
        if self._is_empty():
            self._path.unlink(missing_ok=True)
            self._meta.unlink(missing_ok=True)
        os.close(self._descriptor)

    def __enter__(self) -> VerdictFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _is_empty(self) -> bool:
        return os.fstat(self._descriptor).st_size == 0

    def _asked(self) -> dict[str, object]:
        return {"format": FORMAT, "input": _fingerprint(self._file), "options": self._options}

    def _of_before(self) -> Census:
        """What an earlier call was to judge, if it was the same."""
        help_ = f"remove {str(self._path)!r}, or name another file with --out"
        before = _read_meta(self._meta) if self._file != STANDARD_INPUT else None  # what came by it does not come again
        if before is None:
            raise UsageError(f"{str(self._path)!r} is already there, and cannot be gone on with: {help_}")
        asked = self._asked()
        found = list(differing({key: before.get(key) for key in asked}, asked))
        different = [f"{place} was {old}, is {new}" for place, old, new in found]
        if any(place.startswith("input.") for place, _, _ in found):
            different = [f"on other rows than {str(self._file)!r} has now"]
        if different:
            raise UsageError(f"{str(self._path)!r} holds other verdicts ({'; '.join(different)}): {help_}")
        return Census(before["rows"], before["samples"], before["skipped"])


def _fraction(record: Mapping[str, Any]) -> float | None:
    """The share of tests that were passed; ``None`` if it is not known."""
    passed, tests = record.get("passed"), record.get("tests")
    return passed / tests if isinstance(passed, int) and isinstance(tests, int) and tests > 0 else None


def _encoded(lines: str) -> bytes:
    return lines.encode("utf-8", "backslashreplace")


def _read_meta(path: Path) -> dict[str, Any] | None:
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    whole = isinstance(read, dict) and all(isinstance(read.get(name), int) for name in ("rows", "samples", "skipped"))
    return read if whole else None


def _locked(path: Path) -> int:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
    except OSError as error:
        raise UsageError(f"cannot write {str(path)!r}: {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UsageError(f"{str(path)!r} must be a file, so that a scoring that was stopped can go on with it")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise UsageError(f"another process is writing {str(path)!r}") from error
    return descriptor


def _fingerprint(file: Path) -> dict[str, object]:
    digest = hashlib.sha256()
    try:
        with file.open("rb") as stream:
            while block := stream.read(2**20):
                digest.update(block)
            return {"bytes": stream.tell(), "sha256": digest.hexdigest()}
    except OSError as error:
        raise UsageError(f"cannot read {str(file)!r}: {error.strerror}") from error
