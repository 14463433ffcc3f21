"""What a beginner passes to the Python interface by mistake is one sentence, with what to write instead."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lowres_code
import lowres_code.recipe
import lowres_code.recipe.build
import lowres_code.recipe.locate
import pytest
from lowres_code import case, prompt
from lowres_code.asked import check_servers

from tests.conftest import PROLOG

lc: Any = lowres_code  # whoever passes a wrong type has no type checker
recipes: Any = lowres_code.recipe
build: Any = lowres_code.recipe.build
Prompt: Any = prompt.Prompt
locate: Any = lowres_code.recipe.locate


@pytest.fixture(scope="module")
def judge() -> Iterator[Any]:
    """A judge whose programs would run without isolation; none is run."""
    with lc.Judge(PROLOG, isolation="limits", workers=1) as judge:
        yield judge


PROBLEM = lc.Problem("a", "q", (lc.Test("42"),))

ASKED: dict[str, tuple[Callable[[Any], object], str]] = {
    "check 42": (
        lambda judge: judge.check(42),
        r'check: the program must be text, as check\("print\(42\)", answer="42"\), not 42',
    ),
    "check None": (lambda judge: judge.check(None, answer="42"), "check: the program must be text"),
    "tests a text": (lambda judge: judge.check("p", tests="abc"), "check: tests must be a list, as .*, not 'abc'"),
    "tests a test": (lambda judge: judge.check("p", tests={"stdout": "4"}), r"not \{'stdout': '4'\}"),
    "tests of texts": (
        lambda judge: judge.check("p", tests=["4"]),
        r"each test must be as in .*, not '4' \(number 1\)",
    ),
    "judge a text": (
        lambda judge: judge.judge("abc", [PROBLEM]),
        r'completions must be a list, as \["\.\.\."\], not \'abc\'',
    ),
    "judge None": (lambda judge: judge.judge(None, None), "completions must be a list"),
    "judge numbers": (
        lambda judge: judge.judge(["a", 7], [PROBLEM] * 2),
        r"each completion must be text, not 7 \(number 2\)",
    ),
    "one problem": (lambda judge: judge.judge(["a"], PROBLEM), r"problems must be a list, as \[problem\], not Problem"),
    "problems of texts": (
        lambda judge: judge.judge(["a"], ["42"]),
        "each problem must be a Problem, as Problem.*, not '42'",
    ),
    "other lengths": (
        lambda judge: judge.judge(["a", "b"], [PROBLEM]),
        "judge takes as many problems as completions, in the same order; got 1 and 2",
    ),
    "execute a text": (
        lambda judge: judge.execute("p.", [lc.Test()]),
        r"execute: programs must be a list, .*, not 'p\.'",
    ),
    "execute one test": (
        lambda judge: judge.execute(["p."], lc.Test()),
        r"execute: tests must be a list, as \[Test\(\)\]",
    ),
    "execute lengths": (
        lambda judge: judge.execute(["p.", "q."], [lc.Test()]),
        "execute takes as many tests as programs",
    ),
    "syntax of a text": (lambda judge: judge.check_syntax("p."), "check_syntax: programs must be a list"),
    "syntax of numbers": (
        lambda judge: judge.check_syntax([1]),
        r"check_syntax: each program must be text, not 1 \(number 1\)",
    ),
    "analyse a text": (lambda judge: judge.analyse("p."), "analyse: judgements must be a list, as judge gives it"),
    "within a number": (lambda judge: judge.within(5), r"limits must be given as Limits\(cpu_s=5\), not 5"),
    "await check 42": (lambda judge: asyncio.run(lc.AsyncJudge(judge).check(42)), "check: the program must be text"),
    "await a list": (
        lambda judge: asyncio.run(lc.AsyncJudge(judge).judge(["a"], PROBLEM)),
        r"the completion must be text, one at a time here, not \['a'\]",
    ),
    "await a problem": (
        lambda judge: asyncio.run(lc.AsyncJudge(judge).judge("a", "42")),
        "the problem must be a Problem",
    ),
    "await execute": (
        lambda judge: asyncio.run(lc.AsyncJudge(judge).execute(["p."])),
        "execute: the program must be text",
    ),
    "await a test": (
        lambda judge: asyncio.run(lc.AsyncJudge(judge).execute("p.", "4")),
        "the test must be a Test, as Test",
    ),
    "await syntax": (
        lambda judge: asyncio.run(lc.AsyncJudge(judge).check_syntax(["p."])),
        "check_syntax: the program must",
    ),
}


@pytest.mark.parametrize("name", ASKED)
def test_what_a_judge_cannot_be_asked(name: str, judge: Any) -> None:
    ask, said = ASKED[name]
    with pytest.raises(lc.UsageError, match=said):
        ask(judge)


MADE: dict[str, tuple[Callable[[], object], str]] = {
    "judge of 42": (lambda: lc.Judge(42), 'the language must be its name, as "prolog", .*, not 42'),
    "limits a table": (lambda: lc.Judge(PROLOG, {"cpu_s": 5}), r"Limits\(cpu_s=5\), not \{'cpu_s': 5\}"),
    "workers a text": (lambda: lc.Judge(PROLOG, workers="2"), "workers must be from 1 to 1000, not '2'"),
    "isolation None": (lambda: lc.Judge(PROLOG, isolation=None), 'isolation must be text, as "auto", not None'),
    "servers a table": (
        lambda: lc.Judge(PROLOG, servers={"http://localhost:1": 1}),
        r"servers must be addresses, as .*, not \{",
    ),
    "servers a set": (
        lambda: lc.Judge(PROLOG, servers={"http://localhost:1"}),
        r"servers must be addresses, .*, not \{",
    ),
    "workers a half": (lambda: lc.Judge(PROLOG, workers=0.5), r"workers must be from 1 to 1000, not 0\.5"),
    "servers a number": (lambda: lc.Judge(PROLOG, servers=8000), r"servers must be addresses, as .*, not 8000"),
    "isolation none": (
        lambda: lc.Judge(PROLOG, isolation="none"),
        "there is no isolation 'none'; known: auto, landlock, limits, namespaces",
    ),
    "isolation misspelt": (lambda: lc.Judge(PROLOG, isolation="landlok"), "did you mean 'landlock'"),
    "ray a flag": (lambda: lc.Judge(PROLOG, ray=True), 'ray must be the address of a cluster, as "auto", not True'),
    "await a name": (lambda: lc.AsyncJudge("prolog"), r'as AsyncJudge\(Judge\("prolog"\)\), not \'prolog\''),
    "language 42": (lambda: lc.find_language(42), "find_language takes a name or the path of a TOML file, .*, not 42"),
    "checker 42": (lambda: lc.find_checker(42), "find_checker takes text, .*, not 42"),
    "conforms": (lambda: lc.assert_conforms("prolog"), r'as find_language\("prolog"\) gives it, not \'prolog\''),
    "held out": (lambda: lc.part_of("q", "x"), "part_of: held_out must be a share, from 0 to 1, not 'x'"),
    "part of": (lambda: lc.part_of(42), "part_of takes the text of a question, not 42"),
    "one test": (lambda: lc.Problem("a", "q", lc.Test("42")), r'tests must be as \(Test\("42"\),\), not Test'),
    "answers": (lambda: lc.Problem("a", "q", ("42",)), r"each test must be a Test, not '42' \(number 1\)"),
    "id 1": (lambda: lc.Problem(1, "q", (lc.Test("42"),)), "Problem: id must be text, not 1"),
    "question None": (lambda: lc.Problem("a", None, (lc.Test("42"),)), "Problem: question must be text, not None"),
    "stdin 2": (lambda: lc.Test("42", stdin=2), "Test: stdin must be text, not 2"),
    "check a text": (lambda: lc.Test(check="42"), "Test: check must be a function of an answer's text, not '42'"),
    "query 2": (lambda: lc.Test("42", query=2), "Test: query must be text, not 2"),
    "limits 2": (lambda: lc.Test("42", limits=2), r'Test: limits must be as \{"cpu_s": 2\}, not 2'),
    "run 42": (lambda: lc.load_run(42), "load_run takes the directory of a run, .*, not 42"),
    "evaluation": (lambda: lc.load_evaluation(None), "load_evaluation takes the folder of an evaluation, .*, not None"),
    "recipe named": (
        lambda: lc.load_recipe("quickstart"),
        r"not 'quickstart': load_recipe\(open_recipe\('quickstart'\)\), with open_recipe from lowres_code.recipe",
    ),
    "recipe text": (
        lambda: lc.load_recipe('[model]\nname = "pocket"\n'),
        r"write the TOML to a file: load_recipe\(Path",
    ),
    "recipe tables": (
        lambda: lc.load_recipe({"model": {"name": "pocket"}}),
        r'not \{.*: load_recipe\(Path\("mine.toml"\)\)',
    ),
    "an override": (
        lambda: lc.load_recipe(recipes.find_recipe("quickstart"), "train.max_steps=3"),
        r"overrides must be a list of texts, .*, not 'train.max_steps=3'",
    ),
    "a limit": (lambda: recipes.load_limits(None, "limits.cpu_s=3"), "overrides must be a list of texts"),
    "a suite's name": (
        lambda: lc.load_recipe(recipes.find_recipe("quickstart"), suite="gsm8k"),
        r'the suite must be as open_suite\("gsm8k", "prolog"\) gives it, not \'gsm8k\'',
    ),
    "problems of a name": (
        lambda: build.load_problems("quickstart", "eval"),
        r"takes a recipe's table, as recipe\.data\.eval, not 'quickstart'",
    ),
    "problems of a part": (
        lambda: build.load_problems(lc.load_recipe(recipes.find_recipe("quickstart")).data.eval, "test"),
        'takes a table and "train" or "eval", not \'test\'',
    ),
    "a prompt for a name": (
        lambda: Prompt("").messages("prolog", "q"),
        r'the language must be as find_language\("prolog"\) gives it, not \'prolog\'',
    ),
    "a prompt without a question": (lambda: Prompt("").messages(PROLOG, 42), "the question must be text, not 42"),
    "find": (lambda: recipes.find_recipe(42), "a recipe is named by text, .*, not 42"),
    "open": (
        lambda: recipes.open_recipe(Path("mine.toml")),
        r"a recipe is named by text, .*, not (Posix)?Path\('mine.toml'\)",
    ),
    "suite": (lambda: locate.find_suite(42), "a suite is named by text"),
}


@pytest.mark.parametrize("name", MADE)
def test_what_nothing_can_be_made_of(name: str) -> None:
    make, said = MADE[name]
    with pytest.raises(lc.UsageError, match=said):
        make()


def test_what_is_quoted_is_short() -> None:
    with pytest.raises(lc.UsageError) as told:
        lc.load_recipe("[model]\n" + "#" * 10_000)
    assert len(str(told.value)) < 300


def test_a_column_of_a_frame_is_a_list(judge: Any) -> None:
    pandas = pytest.importorskip("pandas")
    with pytest.raises(lc.UsageError, match="got 1 and 2"):
        judge.judge(pandas.Series(["a", "b"]), [PROBLEM])


def test_whatever_can_be_gone_through_is_a_list(judge: Any) -> None:
    """Each has two completions or programs and one problem or test, which is what is told: both were counted."""
    for texts in (iter(["a", "b"]), (text for text in "ab"), map(str, [1, 2]), {"a": 1, "b": 2}.keys()):
        with pytest.raises(lc.UsageError, match="got 1 and 2"):
            judge.judge(texts, iter([PROBLEM]))
    with pytest.raises(lc.UsageError, match="got 1 and 2"):
        judge.execute(iter(["p.", "q."]), iter([lc.Test()]))
    assert judge.check_syntax(iter([])) == judge.analyse(iter([])) == []
    assert lc.Problem("a", "q", iter([lc.Test("42")])).tests == (lc.Test("42"),)


def test_tests_and_servers_may_come_from_a_generator() -> None:
    rows = ({"stdin": text, "stdout": text} for text in "ab")
    assert [(test.stdin, test.expected) for test in case.tests_asked(None, rows, {})] == [("a", "a"), ("b", "b")]
    assert check_servers(iter(["http://a", "http://b"])) == ("http://a", "http://b")


def test_a_whole_number_of_numpy_counts_workers() -> None:
    numpy = pytest.importorskip("numpy")
    with lc.Judge(PROLOG, isolation="limits", workers=numpy.int64(2)) as judge:
        assert (judge.runner.size, type(judge.runner.size)) == (2, int)
