from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest
from lowres_code._util.files import JsonLines, drop_torn_line, read_json_lines, write_atomically
from lowres_code.errors import LowresCodeError


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
    assert len(list(read_json_lines(file))) == 1
