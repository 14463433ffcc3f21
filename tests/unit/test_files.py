from __future__ import annotations

import json
import os
import resource
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from lowres_code._util.files import (
    JsonLines,
    drop_torn_line,
    keep_records,
    must_take_folder,
    read_json_lines,
    write_atomically,
    write_json,
)
from lowres_code.errors import LowresCodeError, UsageError


def test_a_torn_last_line_is_not_read_and_not_continued(tmp_path: Path) -> None:
    file = tmp_path / "metrics.jsonl"
    file.write_text('{"step": 1}\n{"step": 2}\n{"ste')
    assert list(read_json_lines(file)) == [{"step": 1}, {"step": 2}]
    JsonLines(file).append({"step": 3})
    assert list(read_json_lines(file)) == [{"step": 1}, {"step": 2}, {"step": 3}]


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        (b"", b""),
        (b"torn", b""),
        (b"whole\n", b"whole\n"),
        (b"whole\ntorn", b"whole\n"),
        (b"\n" + b"x" * 2**17, b"\n"),
        (b"x" * 2**16 + b"\n", b"x" * 2**16 + b"\n"),
        (b"x" * (2**16 - 1) + b"\n" + b"y" * 2**16, b"x" * (2**16 - 1) + b"\n"),
    ],
    ids=range(7),
)
def test_a_torn_last_line_is_cut_however_long_it_is(data: bytes, kept: bytes, tmp_path: Path) -> None:
    file = tmp_path / "verdicts.jsonl"
    file.write_bytes(data)
    drop_torn_line(file)
    assert file.read_bytes() == kept


def test_a_write_that_fails_keeps_the_old_file(tmp_path: Path) -> None:
    """A full disk, as a file-size limit that the process sets itself."""
    file = tmp_path / "status.json"
    write_atomically(file, "old")
    script = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from lowres_code._util.files import write_atomically\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "write_atomically(Path(sys.argv[1]), 'x' * 1000)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(file)], capture_output=True, text=True, check=False)
    assert "LowresCodeError: cannot write" in done.stderr
    assert file.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["status.json"]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 100


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(LowresCodeError, match="cannot write"):
        write_atomically(tmp_path / "none" / "file", "text")


def test_text_that_is_no_unicode_is_still_written(tmp_path: Path) -> None:
    file = tmp_path / "samples.jsonl"
    JsonLines(file).append({"program": "lone \udc80"})
    assert list(read_json_lines(file)) == [{"program": "lone \udc80"}]
    write_json(tmp_path / "summary.json", {"model": "./\udc80"})
    assert json.loads((tmp_path / "summary.json").read_text()) == {"model": "./\udc80"}


@pytest.fixture
def umask() -> Iterator[int]:
    mask = 0o027
    before = os.umask(mask)
    yield mask
    os.umask(before)


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_a_new_file_has_the_mode_that_the_umask_leaves(tmp_path: Path, umask: int) -> None:
    write_atomically(tmp_path / "status.json", "new")
    JsonLines(tmp_path / "metrics.jsonl").append({})
    assert mode(tmp_path / "status.json") == mode(tmp_path / "metrics.jsonl") == 0o666 & ~umask


@pytest.mark.parametrize("own", [0o600, 0o664])
def test_a_file_keeps_its_mode(own: int, tmp_path: Path, umask: int) -> None:
    file = tmp_path / "metrics.jsonl"
    file.write_text('{"step": 1}\n')
    file.chmod(own)
    write_atomically(file, '{"step": 1}\n{"step": 2}\n')
    assert (mode(file), file.read_text().count("step")) == (own, 2)
    keep_records(file, lambda record: record["step"] == 1)
    assert (mode(file), file.read_text()) == (own, '{"step": 1}\n')


def test_a_file_that_is_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("old")
    (tmp_path / "link").symlink_to("there")
    write_atomically(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there").read_text() == "new"


def test_a_long_name_can_be_written(tmp_path: Path) -> None:
    file = tmp_path / ("n" * 255)
    write_atomically(file, "text")
    assert file.read_text() == "text"
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_a_name_that_is_too_long_is_said(tmp_path: Path) -> None:
    with pytest.raises(LowresCodeError, match=r"cannot write .*File name too long"):
        write_atomically(tmp_path / ("n" * 256), "text")


def test_what_is_no_regular_file_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    """As root, `--out /dev/null` must not take the device away."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_atomically(pipe, "text")
    assert os.read(reader, 100) == b"text"
    os.close(reader)
    assert pipe.is_fifo()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    must_take_folder(tmp_path / "a" / "b")
    must_take_folder(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
    with pytest.raises(UsageError, match="file' is a file; choose another --out"):
        must_take_folder(tmp_path / "file" / "b")
    with pytest.raises(UsageError, match="cannot write in '/proc'"):  # not even root can
        must_take_folder(Path("/proc/a/b"))
