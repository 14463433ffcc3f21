"""What a language says and does, as data: equal for the same language, and different where it has changed."""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path

import pytest
from lowres_code._util.differing import differing
from lowres_code.language.fingerprint import language_data
from lowres_code.language.toml_file import load_language
from lowres_code.plugins.manager import plugin_manager

FILE = 'name = "sh"\nsuffix = ".sh"\nrun = "sh {file}"\n'


PACKAGE = """
from lowres_code import Language

class Sample(Language):
    name, title, suffix, fences, guidance = "sample", "Sample", ".s", (), ""

    def check_syntax(self, program): ...

    def execute(self, program, test, limits): ...
"""


def of_file(path: Path, text: str) -> dict[str, str]:
    path.write_text(text)
    return language_data(replace(load_language(path), file=path))


def test_a_language_file_is_what_it_says_wherever_it_stands(tmp_path: Path) -> None:
    there = of_file(tmp_path / "one.toml", FILE)
    assert there["run"] == '["sh", "{file}"]'
    assert "code" not in there
    assert of_file(tmp_path / "other.toml", f"# a remark\n{FILE}") == there


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        ('check = "sh -n {file}"', ["check"]),
        ('compare = "text"', ["exact"]),
        ('guidance = "Print it."', ["guidance"]),
        ("environment = { A = 'b' }", ["variables"]),
        ("limits.memory_mb = 900", ["needs"]),
        ('install = "apt-get install dash"', []),
    ],
)
def test_each_thing_that_counts_is_named_where_it_has_changed(line: str, changed: list[str], tmp_path: Path) -> None:
    before, now = of_file(tmp_path / "a.toml", FILE), of_file(tmp_path / "b.toml", f"{FILE}{line}\n")
    assert [place for place, _, _ in differing(before, now)] == changed


def test_what_is_long_is_a_hash(tmp_path: Path) -> None:
    data = of_file(tmp_path / "a.toml", f'{FILE}guidance = "{"Print it. " * 20}"\n')
    assert data["guidance"].startswith("sha256:") and len(data["guidance"]) == 23


def test_a_package_is_its_code_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "sample_backend"
    package.mkdir()
    (package / "__init__.py").write_text(PACKAGE)
    (package / "driver.pl").write_text("go.\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    kind = importlib.import_module("sample_backend").Sample
    before = language_data(kind())
    (package / "driver.pl").write_text("stop.\n")
    assert [place for place, _, _ in differing(before, language_data(kind()))] == ["code"]


def test_the_languages_that_are_there_are_the_same_twice() -> None:
    for registered in plugin_manager().languages.values():
        assert language_data(registered.thing) == language_data(registered.thing)
        assert language_data(registered.thing)["suffix"]
