"""Tables in files: the same rows whatever the format, in constant memory, and a row that is broken has a name."""

from __future__ import annotations

import csv
import gzip
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lowres_code._util import tables
from lowres_code._util.tables import STANDARD_INPUT, open_table
from lowres_code.errors import UsageError

ROWS = [
    {"id": "a", "program": 'solve("ü, \\"x\\"").\nsecond line', "answer": "42"},
    {"id": "b", "program": "", "answer": "1,200"},
    {"id": "c", "program": "solve(1).\r\n", "answer": "1"},
]


def as_json_lines(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def as_csv(rows: list[dict[str, Any]], delimiter: str = ",") -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def as_parquet(rows: list[dict[str, Any]]) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), file, row_group_size=2)
    return file.getvalue()


FILES: dict[str, Callable[[list[dict[str, Any]]], bytes]] = {
    "rows.jsonl": as_json_lines,
    "rows.ndjson": as_json_lines,
    "rows.json": as_json_lines,
    "ROWS.JSONL": as_json_lines,
    "rows.with.dots.jsonl": as_json_lines,
    "bom.jsonl": lambda rows: b"\xef\xbb\xbf" + as_json_lines(rows),
    "windows.jsonl": lambda rows: as_json_lines(rows).replace(b"\n", b"\r\n"),
    "rows.jsonl.gz": lambda rows: gzip.compress(as_json_lines(rows)),
    "parts.jsonl.gz": lambda rows: b"".join(gzip.compress(as_json_lines([row])) for row in rows),
    "rows.csv": as_csv,
    "bom.csv": lambda rows: b"\xef\xbb\xbf" + as_csv(rows),
    "rows.csv.gz": lambda rows: gzip.compress(as_csv(rows)),
    "rows.tsv": lambda rows: as_csv(rows, "\t"),
    "rows.parquet": as_parquet,
}


def records(path: Path, keep: Callable[[str], bool] = lambda column: True) -> list[Any]:
    """The rows of a file; of a broken one its message."""
    with open_table(path, keep) as table:
        entries = list(table.entries)
    assert [entry.number for entry in entries] == list(range(1, len(entries) + 1))
    return [str(entry.record) if isinstance(entry.record, UsageError) else entry.record for entry in entries]


def put(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", FILES)
def test_the_same_rows_in_every_format(name: str, tmp_path: Path) -> None:
    path = put(tmp_path, name, FILES[name](ROWS))
    assert records(path) == ROWS
    with open_table(path) as table:
        assert table.columns == ("id", "program", "answer")


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
def test_only_the_columns_that_are_wanted_are_read(name: str, tmp_path: Path) -> None:
    path = put(tmp_path, name, FILES[name](ROWS))
    assert records(path, lambda column: column == "id") == [{"id": "a"}, {"id": "b"}, {"id": "c"}]
    with open_table(path, lambda column: column == "id") as table:
        assert table.columns == ("id", "program", "answer")


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz", "rows.csv"])
def test_a_file_without_rows_has_none(name: str, tmp_path: Path) -> None:
    assert records(put(tmp_path, name, gzip.compress(b"") if name.endswith("gz") else b"")) == []


def test_a_broken_line_is_named_and_those_behind_it_are_read(tmp_path: Path) -> None:
    lines = [
        b'{"id": 1}',
        b"{",
        b"",
        b"[1]",
        b'"text"',
        b'{"id": "\xe4"}',
        b'{"id": ' + b"9" * 5000 + b"}",
        b'{"id": 2}',
    ]
    path = put(tmp_path, "rows.jsonl", b"\n".join(lines))
    first, *broken, last = records(path)
    assert (first, last) == ({"id": 1}, {"id": 2})
    assert [message.removeprefix(str(path)) for message in broken] == [
        ":2: not JSON (Expecting property name enclosed in double quotes, column 2)",
        ":4: expected a JSON object, got '[1]'",
        ":5: expected a JSON object, got '\"text\"'",
        ":6: not UTF-8 text (invalid continuation byte, byte 9)",
        f":7: JSON that cannot be read ({_digits()})",
    ]


def _digits() -> str:
    try:
        return str(int("9" * 5000))
    except ValueError as error:
        return str(error)


def test_a_line_that_is_too_long_is_not_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "LONGEST_LINE", 2**20)
    long = b'{"id": "' + b"x" * 5 * 2**20 + b'"}'
    path = put(tmp_path, "rows.jsonl", b"\n".join([long, b'{"id": 1}', long]))
    assert records(path) == [f"{path}:1: longer than 1 MiB", {"id": 1}, f"{path}:3: longer than 1 MiB"]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("rows.txt", b"", "'{}' is of no format that can be read; those are .jsonl, .ndjson"),
        ("rows", b"", "is of no format"),
        ("rows.parquet.gz", b"", "is of no format"),
        ("rows.gz", b"", "is of no format"),
        ("rows.json", b'[\n  {"id": 1}\n]', "{}: a JSON array, not an object a line; jq -c '.[]'"),
        ("rows.jsonl.gz", b"{}", "cannot read '{}': Not a gzipped file"),
        (
            "rows.jsonl.gz",
            gzip.compress(b'{"id": 1}\n' * 999, mtime=0)[:-20],
            "cannot read '{}': Compressed file ended",
        ),
        ("rows.parquet", b"PAR1 and no more", "cannot read '{}': "),
        ("rows.csv", "id,name\n1,Zoë\n".encode("latin-1"), "'{}' is not UTF-8 text"),
        ("rows.csv", b'id,name\n1,a\n2,"never closed\n3,c\n', "{}: not CSV after row 1: unexpected end of data"),
        ("rows.csv", b"id,id\n1,2\n", "{}: has two columns 'id'"),
    ],
)
def test_a_file_that_cannot_be_read_is_said(name: str, data: bytes, said: str, tmp_path: Path) -> None:
    path = put(tmp_path, name, data)
    with pytest.raises(UsageError) as error:
        records(path)
    assert said.replace("{}", str(path)) in str(error.value)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read .*: No such file"), open_table(tmp_path / "rows.jsonl"):
        pass


def test_an_error_of_the_readers_own_is_not_the_files(tmp_path: Path) -> None:
    path = put(tmp_path, "rows.jsonl", b'{"id": 1}\n')
    with pytest.raises(OSError, match="disk full"), open_table(path):
        raise OSError("disk full")


def test_rows_of_csv_with_too_many_cells_or_too_few_are_named(tmp_path: Path) -> None:
    path = put(tmp_path, "rows.csv", b"id,name\n1,a\n\n2\n3,b,c\n4,d\n")
    assert records(path) == [
        {"id": "1", "name": "a"},
        f"{path}: row 2: has 1 cells, the header 2",
        f"{path}: row 3: has 3 cells, the header 2",
        {"id": "4", "name": "d"},
    ]


def test_a_cell_may_be_as_long_as_a_program(tmp_path: Path) -> None:
    long = "x" * 2**20
    assert records(put(tmp_path, "rows.csv", as_csv([{"program": long}]))) == [{"program": long}]


def test_a_text_of_parquet_that_is_no_utf8_is_named(tmp_path: Path) -> None:
    broken = pa.array([b"a", b"\xe4", b"b"], pa.binary()).view(pa.string())
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"id": broken}), path)
    assert records(path) == [{"id": "a"}, f"{path}: row 2: not UTF-8 text (unexpected end of data)", {"id": "b"}]


def test_lists_and_objects_of_parquet_are_lists_and_objects(tmp_path: Path) -> None:
    rows = [{"completion": ["a", "b"], "doc": {"target": "42"}, "tests": [{"stdin": "1", "stdout": "2"}]}]
    assert records(put(tmp_path, "rows.parquet", as_parquet(rows))) == rows


def test_standard_input_is_json_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"id": 1}\n{')))
    first, second = records(STANDARD_INPUT)
    assert first == {"id": 1}
    assert second.startswith("standard input:2: not JSON")


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.csv", "rows.parquet"])
def test_reading_needs_no_more_memory_for_a_large_file(name: str, tmp_path: Path) -> None:
    """Read in a process of its own; all 96 MB of rows in one row group, and no two texts equal."""
    rows = [{"program": f"{n:8} " * 1000, "answer": str(n)} for n in range(12_000)]
    data = as_parquet_of_one_group(rows) if name.endswith("parquet") else FILES[name](rows)
    path = put(tmp_path, name, data)
    assert peak_mb_of_reading(path, 12_000) - peak_mb_of_reading(path, 100) < 40


def as_parquet_of_one_group(rows: list[dict[str, Any]]) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), file, use_dictionary=False, compression="none")
    return file.getvalue()


def peak_mb_of_reading(path: Path, rows: int) -> float:
    script = (
        "import sys; from itertools import islice; from pathlib import Path\n"
        "from lowres_code._util.tables import open_table\n"
        "with open_table(Path(sys.argv[1])) as table:\n"
        "    assert sum(1 for _ in islice(table.entries, int(sys.argv[2]))) == int(sys.argv[2])\n"
        "print(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path), str(rows)], capture_output=True, text=True, check=True
    )
    return int(done.stdout) / 1024


@pytest.mark.parametrize(
    ("line", "kind"),
    [("program,answer", ".csv"), ('"program","answer"', ".csv"), ("program\tanswer", ".tsv")],
)
def test_cells_where_json_lines_are_read_are_told(line: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"{line}\np,42\n".encode())))
    with pytest.raises(UsageError) as told, open_table(STANDARD_INPUT):
        pass
    looks = f"standard input looks like {kind[1:].upper()}, and is read as JSON Lines"
    said = f"{looks}: save it as a file that ends in {kind}"
    assert str(told.value) == f"{said}, and name that: lowres-code score rows{kind} --lang NAME"


def test_cells_in_a_file_that_says_it_is_json_lines(tmp_path: Path) -> None:
    (tmp_path / "r.jsonl").write_text("program,answer\np,42\n")
    said = "r.jsonl looks like CSV, and its suffix says JSON Lines: save it as a file that ends in .csv"
    with pytest.raises(UsageError, match=said), open_table(tmp_path / "r.jsonl"):
        pass


@pytest.mark.parametrize("line", ['{"program": "p", "answer": 42', '"a, b"', "answer 42"])
def test_what_is_only_broken_json_is_a_bad_row(line: str, tmp_path: Path) -> None:
    (tmp_path / "r.jsonl").write_text(f"{line}\n")
    with open_table(tmp_path / "r.jsonl") as table:
        assert isinstance(next(table.entries).record, UsageError)
