from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import lowres_code
import pytest
from lowres_code.judge import Judge as InnerJudge
from lowres_code.language.base import Language
from lowres_code.plugins.manager import plugin_manager

PYTHON = plugin_manager().languages["python"].thing


def test_the_public_names_can_be_seen_before_they_are_used() -> None:
    script = (
        "import sys, lowres_code; names = dir(lowres_code)\n"
        "assert set(lowres_code.__all__) <= set(names), names\n"
        "assert {'Judge', 'Language', 'load_recipe', '__version__'} <= set(names)\n"
        "print(sorted(name for name in sys.modules if name.startswith('lowres_code')))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("['lowres_code']\n", "")


@pytest.mark.parametrize("name", lowres_code.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert callable(getattr(lowres_code, name))


def test_a_name_that_is_not_public() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'judges'"):
        _ = lowres_code.judges


@pytest.mark.skipif(PYTHON.missing() is not None, reason="no python3 where programs are run")
def test_a_judge_takes_a_language_or_its_name_or_its_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('name = "mine"\nsuffix = ".py"\nrun = "python3 {file}"\n')
    for language, name in (("python", "python"), (PYTHON, "python"), (str(file), "mine")):
        with lowres_code.Judge(language, isolation="limits", workers=1) as judge:
            assert isinstance(judge, lowres_code.Judge) and isinstance(judge, InnerJudge)
            assert isinstance(judge.language, Language)
            assert judge.language.name == name


def test_a_judge_of_a_language_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(lowres_code.UsageError, match="there is no language 'pyton'; did you mean 'python'"):
        lowres_code.Judge("pyton")
    file = tmp_path / "mine.toml"
    file.write_text('name = "mine"\nsuffix = ".x"\nrun = "no-such-tool {file}"\ninstall = "get it"\n')
    with pytest.raises(lowres_code.UsageError, match="needs no-such-tool, which is not installed: get it"):
        lowres_code.Judge(str(file))
