"""What the README says is what happens."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path

import pytest
from lowres_code.plugins.manager import PluginManager

from tests.conftest import ROOT, Cli
from tests.follow import do

README = (ROOT / "README.md").read_text()


def test_the_language_of_the_readme_is_one(tmp_path: Path) -> None:
    source = re.search(r"```toml\n(.*?)```", README, re.DOTALL)
    shown = re.search(r"```\n\n(    \$ lowres-code lang verify (?:.*\n)*?)\n", README)
    assert source is not None and shown is not None
    (tmp_path / "awk.toml").write_text(source.group(1))
    text = re.sub(r"^    ", "", shown.group(1), flags=re.MULTILINE)
    assert do(text, tmp_path, str(Path(sys.executable).parent)) == 2


def test_the_table_of_languages_is_whole() -> None:
    table = README[README.index("## Languages") : README.index("`lowres-code lang list` says")]
    assert sorted(re.findall(r"`([^`]+)`", table)) == sorted(PluginManager().languages)


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
    assert (ROOT / target.partition("#")[0]).exists()


def test_the_recipe_that_is_shown_is_valid(tmp_path: Path, cli: Cli) -> None:
    shown = re.search(r"    (extends = .*\n\n    \[train\]\n    .*\n)", README)
    assert shown is not None
    path = tmp_path / "mine.toml"
    path.write_text(shown.group(1).replace("    ", ""))
    done = cli("recipe", "show", path)
    assert done.returncode == 0
    assert "learning_rate = 1e-05" in done.stdout
