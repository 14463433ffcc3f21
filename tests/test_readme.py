"""What the README says is what happens."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from tests.conftest import ROOT, Cli

README = (ROOT / "README.md").read_text()


def test_the_language_of_the_readme_works_as_a_plugin(tmp_path: Path, cli: Cli) -> None:
    source = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert source is not None
    (tmp_path / "lowres_calc.py").write_text(source.group(1))
    info = tmp_path / "lowres_calc-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lowres-calc\nVersion: 1.0\n")
    entry_point = re.search(r"\[project\.entry-points\.lowres_code\]\n    (.*)\n", README)
    assert entry_point is not None
    (info / "entry_points.txt").write_text(f"[lowres_code]\n{entry_point.group(1).replace(chr(34), '')}\n")
    here = str(tmp_path)
    listed = json.loads(cli("lang", "list", "--json", PYTHONPATH=here).stdout)
    assert {"name": "calc", "title": "Calc", "origin": "lowres-calc", "missing": None} in listed["languages"]
    right = cli("run", "-", "--lang", "calc", "--expect", "42", stdin="6 * 7", PYTHONPATH=here)
    assert (right.returncode, right.stdout) == (0, "correct: 42\n"), right.stderr
    failed = cli("run", "-", "--lang", "calc", "--json", stdin="1 / 0", PYTHONPATH=here)
    assert (failed.returncode, json.loads(failed.stdout)["status"]) == (1, "runtime_error")
    wrong = cli("run", "-", "--lang", "calc", "--json", stdin="6 *", PYTHONPATH=here)
    assert (wrong.returncode, json.loads(wrong.stdout)["status"]) == (1, "syntax_error")


def test_the_command_that_judges_prints_what_is_shown(cli: Cli) -> None:
    shown = re.search(r"\$ echo '(.*)' \| lowres-code (.*)\n    (.*)\n", README)
    assert shown is not None
    done = cli(*shlex.split(shown.group(2)), stdin=shown.group(1))
    assert done.stdout == shown.group(3) + "\n"


def test_the_command_that_scores_prints_what_is_shown(tmp_path: Path, cli: Cli) -> None:
    rows = [
        {"program": "solve(X) :- X is 6 * 7.", "answer": "42"},
        {"completion": "<code>solve(1200).</code>", "answer": "$1,200"},
        {"program": "solve(41).", "answer": "42"},
        {"completion": "I do not know.", "answer": "42"},
    ]
    (tmp_path / "completions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    shown = re.search(r"\$ lowres-code (score .*)\n    (.*)\n", README)
    assert shown is not None
    done = cli(*shlex.split(shown.group(1)), cwd=tmp_path)
    assert json.loads(done.stdout) == json.loads(shown.group(2)), done.stderr
    assert len((tmp_path / "verdicts.jsonl").read_text().splitlines()) == 4


@pytest.mark.parametrize("target", re.findall(r"\]\((\S+?)\)", README))
def test_links_lead_somewhere(target: str) -> None:
    assert (ROOT / target).is_file()


def test_the_recipe_that_is_shown_is_valid(tmp_path: Path, cli: Cli) -> None:
    shown = re.search(r"    (extends = .*\n\n    \[train\]\n    .*\n)", README)
    assert shown is not None
    path = tmp_path / "mine.toml"
    path.write_text(shown.group(1).replace("    ", ""))
    done = cli("recipe", "show", path)
    assert done.returncode == 0
    assert "learning_rate = 1e-05" in done.stdout
