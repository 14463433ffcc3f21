"""A language whose file names a reader of its programs: the analysis that it prints, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from lowres_code.errors import UsageError
from lowres_code.judge import Judge
from lowres_code.language.analysis import Analysis
from lowres_code.language.toml_file import load_language
from lowres_code.problem import Problem, Test
from lowres_code.recipe import load_recipe
from lowres_code.runs.directory import RunDirectory

from tests.conftest import ROOT
from tests.core.language.test_toml_file import SMALL, load

READER = '[analysis]\nrun = "sh {reader} {file}"\nreader = "sh-reader.sh"\n'
PRINTED = '{"clauses": 0, "predicates": 0, "constraints": 0, "operations": 1, "literals": ["7"]}'


@pytest.mark.parametrize(
    ("script", "found"),
    [
        (f"grep -q 7 $1 && echo '{PRINTED}'", Analysis(0, 0, 0, 1, ("7",))),
        (f"echo '{PRINTED}'; exit 1", None),
        ("echo no JSON", None),
        ("yes", None),  # ends with its limit of output, as other tools do
    ],
)
def test_a_program_is_read_by_a_command(script: str, found: Analysis | None, tmp_path: Path) -> None:
    (tmp_path / "sh-reader.sh").write_text(script)
    language = load(tmp_path, SMALL + READER)
    assert language.analyses and not load(tmp_path, SMALL).analyses
    with Judge(language, isolation="namespaces", workers=1) as judge:
        judgements = judge.judge(["<code>echo 7</code>"], [Problem("p", "q", (Test("7"),))])
        assert [one.analysis for one in judge.analyse(judgements)] == [found]


def test_a_reader_may_consist_of_several_files(tmp_path: Path) -> None:
    (tmp_path / "sh-reader.sh").write_text(". ./reader-sh-reader-words.sh; found $1")
    (tmp_path / "sh-reader-words.sh").write_text(f"found() {{ grep -q 7 $1 && echo '{PRINTED}'; }}")
    table = READER.replace('"sh-reader.sh"', '["sh-reader.sh", "sh-reader-words.sh"]')
    with Judge(load(tmp_path, SMALL + table), isolation="namespaces", workers=1) as judge:
        judgements = judge.judge(["<code>echo 7</code>"], [Problem("p", "q", (Test("7"),))])
        assert [one.analysis for one in judge.analyse(judgements)] == [Analysis(0, 0, 0, 1, ("7",))]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('run = "sh {file}"\nreader = "sh-reader.sh"', "needs both {reader} in run and reader"),
        ('run = "sh {reader} {file}"', "needs both {reader} in run and reader"),
        ('run = "sh {reader}"\nreader = "sh-reader.sh"', "has no {file} in it"),
        ('run = "sh {reader} {file}"\nreader = "../reader"', "analysis.reader.0: must match"),
        ('run = "sh {reader} {file}"\nreader = "env.json"', "analysis.reader.0: must match"),
        ('run = "sh {reader} {file}"\nreader = "no-reader.sh"', "cannot be read: No such file"),
        ('run = "sh {reader} {file}"\nreader = ["sh-reader.sh", "../reader"]', "analysis.reader.1: must match"),
        ('run = "sh {reader} {file}"\nreader = 7', "analysis.reader: "),
    ],
)
def test_an_analysis_that_is_refused(table: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as told:
        load(tmp_path, f"{SMALL}[analysis]\n{table}\n")
    assert said in str(told.value)


@pytest.mark.parametrize("names", [("sh-reader.sh",), ("sh-reader.sh", "sh-reader-words.sh")])
def test_a_run_keeps_the_reader_beside_the_language(names: tuple[str, ...], tmp_path: Path) -> None:
    for name in names:
        (tmp_path / name).write_text("cat")
    load(tmp_path, SMALL + READER.replace('"sh-reader.sh"', str(list(names)) if names[1:] else f'"{names[0]}"'))
    recipe = load_recipe(ROOT / "recipes" / "quickstart.toml")
    run = RunDirectory.create(tmp_path / "run", recipe, {"language": "sh"}, tmp_path / "language.toml")
    assert load_language(run.path / "language.toml").reader == dict.fromkeys(names, "cat")
