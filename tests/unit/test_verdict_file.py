"""The file of verdicts: gone on with where it is ours, left alone where it is not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from lowres_code._util.tables import STANDARD_INPUT
from lowres_code.errors import LowresCodeError, UsageError
from lowres_code.scoring.verdict_file import Census, VerdictFile

OPTIONS: Mapping[str, object] = {"language": "prolog", "limits": {"cpu_s": 10, "wall_s": 60.0}}
CENSUS = Census(rows=3, samples=4, skipped=1)


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text("{}\n{}\n{}\n")
    return path


@pytest.fixture
def out(tmp_path: Path, rows: Path) -> Path:
    """A scoring that was stopped in its third line."""
    path = tmp_path / "verdicts.jsonl"
    with VerdictFile(path, rows, OPTIONS) as verdicts:
        assert verdicts.census is None
        verdicts.begin(CENSUS)
        verdicts.write('{"row": 1, "verdict": "correct", "passed": 2, "tests": 2}\n')
        verdicts.write('{"row": 2, "sample": 1, "verdict": "timeout"}\n{"ro')
    return path


def test_it_goes_on_after_the_last_whole_line(out: Path, rows: Path) -> None:
    with VerdictFile(out, rows, OPTIONS) as verdicts:
        assert verdicts.census == CENSUS
        assert list(verdicts.judged()) == [(1, "correct", False, 1.0), (2, "timeout", True, None)]
        verdicts.write('{"row": "\udc80"}\n')
    lines = out.read_text().splitlines()
    assert lines[1:] == ['{"row": 2, "sample": 1, "verdict": "timeout"}', '{"row": "\\udc80"}']


def test_a_line_that_says_no_verdict_is_damage(out: Path, rows: Path) -> None:
    out.write_text('{"row": 1}\n')
    with VerdictFile(out, rows, OPTIONS) as verdicts, pytest.raises(LowresCodeError, match="is damaged"):
        list(verdicts.judged())


def refused(out: Path, rows: Path, options: Mapping[str, object] = OPTIONS) -> str:
    before = out.read_bytes()
    with pytest.raises(UsageError) as error:
        VerdictFile(out, rows, options)
    assert out.read_bytes() == before
    return str(error.value)


def test_other_options_are_refused(out: Path, rows: Path) -> None:
    said = refused(out, rows, {**OPTIONS, "limits": {"cpu_s": 20, "wall_s": 60.0}})
    assert said == (
        f"'{out}' holds other verdicts (options.limits.cpu_s was 10, is 20): "
        f"remove '{out}', or name another file with --out"
    )


def test_an_option_that_is_gone_is_another_option(out: Path, rows: Path) -> None:
    said = refused(out, rows, {"language": "prolog", "limits": {"cpu_s": 10}})
    assert "(options.limits.wall_s was 60.0, is None)" in said


def test_other_rows_are_refused(out: Path, rows: Path) -> None:
    rows.write_text("{}\n{}\n[]\n")
    assert f"holds other verdicts (on other rows than '{rows}' has now)" in refused(out, rows)


def test_standard_input_cannot_go_on(out: Path) -> None:
    assert "is already there, and cannot be gone on with" in refused(out, STANDARD_INPUT)


@pytest.mark.parametrize("meta", [None, "", "{", "[]", "{}", '{"rows": 1}'])
def test_a_file_of_somebody_else_is_refused(meta: str | None, tmp_path: Path, rows: Path) -> None:
    out = tmp_path / "precious.jsonl"
    out.write_text("precious, and without an end of line")
    if meta is not None:
        (tmp_path / "precious.jsonl.meta.json").write_text(meta)
    assert "is already there, and cannot be gone on with: remove" in refused(out, rows)


def test_two_do_not_write_it_at_once(out: Path, rows: Path) -> None:
    with VerdictFile(out, rows, OPTIONS):
        assert f"another process is writing '{out}'" in refused(out, rows)
    VerdictFile(out, rows, OPTIONS).close()


def test_without_a_verdict_nothing_is_left(tmp_path: Path, rows: Path) -> None:
    with VerdictFile(tmp_path / "new.jsonl", rows, OPTIONS) as verdicts:
        verdicts.begin(CENSUS)
    assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]


def test_what_was_noted_of_a_file_that_is_gone_counts_no_more(out: Path, rows: Path) -> None:
    out.unlink()
    with VerdictFile(out, rows, OPTIONS) as verdicts:
        assert verdicts.census is None
        verdicts.write("{}\n")
    assert "cannot be gone on with" in refused(out, rows)


@pytest.mark.parametrize(
    ("name", "said"),
    [("/dev/null", "must be a file"), ("none/verdicts.jsonl", "No such file"), (".", "Is a directory")],
)
def test_what_cannot_hold_verdicts_is_refused_and_left_alone(name: str, said: str, tmp_path: Path, rows: Path) -> None:
    with pytest.raises(UsageError, match=said):
        VerdictFile(tmp_path / name, rows, OPTIONS)
    assert Path("/dev/null").exists()
