"""``lowres-code eval --suite``: what is asked, what is kept of it, and that it can be asked again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from lowres_code.judge import Judge
from lowres_code.plugins.manager import plugin_manager
from lowres_code.recipe import find_recipe, load_recipe, open_suite
from lowres_code.recipe.build import load_problems

Invoke = Callable[..., Result]
SHORT = ("--set", "data.eval.size=2", "--set", "eval.max_new_tokens=4", "--set", "eval.greedy=false")


def evaluated(invoke: Invoke, *arguments: object) -> Result:
    return invoke("eval", "pocket", "--lang", "prolog", *arguments)


def test_a_suite_is_asked_and_its_record_asks_the_same_again(tmp_path: Path, invoke: Invoke) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    done = evaluated(invoke, "--suite", "rosetta", *SHORT, "--samples", 1, "--out", first)
    assert done.exit_code == 0, done.output
    assert "pocket on 2 problems of rosetta" in done.output
    problems = [json.loads(line) for line in (first / "problems.jsonl").read_text().splitlines()]
    assert len(problems) == 2 and all(problem["tests"][0]["query"] for problem in problems)
    assert all(problem["question"].startswith(("Define", "The roads")) for problem in problems)
    assert len((first / "samples.jsonl").read_text().splitlines()) == 2
    again = evaluated(invoke, "--recipe", first / "recipe.toml", "--out", second)
    assert again.exit_code == 0, again.output
    assert (first / "problems.jsonl").read_bytes() == (second / "problems.jsonl").read_bytes()
    asked = [json.loads((folder / "summary.json").read_text())["asked"] for folder in (first, second)]
    assert asked[0] == asked[1]
    other = evaluated(invoke, "--suite", "logic", *SHORT, "--samples", 1, "--out", first)
    assert other.exit_code == 2 and "asks something else: problems is" in other.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--suite", "rosseta"], "there is no suite 'rosseta'; did you mean 'rosetta'?"),
        (["--suite", "multipl-e"], "the suite 'multipl-e' is for lua, ocaml, r, racket; not for prolog"),
        (["--suite", "gsm8k", "--set", "data.eval.sise=3"], "with --suite gsm8k --set data.eval.sise=3 is not a valid"),
        (["--suite", "gsm8k"], "data set 'openai/gsm8k' cannot be loaded"),  # there is no hub here
    ],
)
def test_what_cannot_be_asked_is_told(arguments: list[str], said: str, tmp_path: Path, invoke: Invoke) -> None:
    done = evaluated(invoke, *arguments, "--out", tmp_path / "e")
    assert done.exit_code == 2 and said in done.output


def test_multipl_e_is_judged_by_its_tests(tmp_path: Path) -> None:
    prompt = "-- Add two numbers\nlocal function add(x, y)\n"
    tests = (
        "lu = require('luaunit')\nfunction test_humaneval()\nlocal candidate = add\n"
        "  lu.assertEquals(candidate(2, 3), 5)\nend\nos.exit(lu.LuaUnit.run())"
    )
    path = tmp_path / "humaneval-lua.jsonl"
    path.write_text(json.dumps({"name": "HumanEval_53_add", "prompt": prompt, "tests": tests}))
    changes = ["data.eval.path=json", f"data.eval.data_files={path}", "data.eval.split=train"]
    recipe = load_recipe(find_recipe("quickstart"), changes, suite=open_suite("multipl-e", "lua"))
    problems = load_problems(recipe.data.eval, "eval")
    bodies = ("  return x + y\nend\n", "  return x - y\nend\n", "  os.exit(0)\nend\n")
    with Judge(plugin_manager().languages["lua"].thing, isolation="namespaces") as judge:
        judged = judge.judge([f"```lua\n{body}```" for body in bodies], problems * 3)
    assert [it.verdict for it in judged] == ["correct", "runtime_error", "no_answer"]
