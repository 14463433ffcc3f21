"""What a program has left behind is removed, and nothing else, wherever its links lead."""

from __future__ import annotations

from pathlib import Path

from lowres_code.sandbox.scratch import empty, remove_plain


def test_a_folder_with_the_program_alone_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "program"
    folder.mkdir()
    (folder / "program.pl").write_text("solve(1).")
    remove_plain(str(folder), "program.pl")
    assert list(tmp_path.iterdir()) == []


def test_what_else_there_is_stays_for_the_emptying(tmp_path: Path) -> None:
    folder = tmp_path / "program"
    (folder / "program.pl").mkdir(parents=True)
    (folder / "kept").write_text("kept")
    remove_plain(str(folder), "program.pl")
    assert sorted(path.name for path in folder.iterdir()) == ["kept", "program.pl"]
    empty(str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_link_in_the_place_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    outside, root = tmp_path / "outside", tmp_path / "root"
    for folder in (outside, root):
        folder.mkdir()
    (outside / "program.pl").write_text("somebody's")
    (root / "program").symlink_to(outside)
    remove_plain(str(root / "program"), "program.pl")
    empty(str(root))
    assert (list(root.iterdir()), (outside / "program.pl").read_text()) == ([], "somebody's")
