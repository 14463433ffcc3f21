"""Tests that are code behind a program: what passes, what does not, and what a program may try."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import pytest
from lowres_code.appended import Appended
from lowres_code.errors import UsageError
from lowres_code.judge import Judge
from lowres_code.judgement import Judgement
from lowres_code.language.base import Language, Limits
from lowres_code.language.command import CommandLanguage
from lowres_code.plugins.manager import plugin_manager
from lowres_code.problem import Problem, problem_of

from tests.conftest import PROLOG


@dataclass(frozen=True)
class Form:
    """A problem in a language, as MultiPL-E writes them, and programs for it."""

    prefix: str
    tests: str
    body: str
    whole: str
    wrong: str
    ends: str
    prints: str
    reads_its_file: str
    blind_checks: str
    empty_tests: str


LUA = Form(
    prefix="-- The larger of two numbers, and whether they differ.\nlocal function larger(a, b)\n",
    tests=(
        "lu = require('luaunit')\n\nfunction test_humaneval()\nlocal candidate = larger\n"
        "    lu.assertEquals(candidate(1, 2), {2, true})\n    lu.assertEquals(candidate(3, 3), {3, false})\nend\n\n"
        "os.exit(lu.LuaUnit.run())"
    ),
    body="  return {math.max(a, b), a ~= b}\nend\n",
    whole="function larger(x, y)\n  return {math.max(x, y), x ~= y}\nend\n",
    wrong="  return {a, a ~= b}\nend\n",
    ends="  os.exit(0)\nend\n",
    prints="  print('OK')\n  return {math.max(a, b), a ~= b}\nend\n",
    reads_its_file=(
        "end\nlocal text = io.open('program.lua'):read('a')\nprint(text:match('print%(\"(%x+)\"%)'))\nos.exit(0)\n"
    ),
    blind_checks="end\nrequire('luaunit').assertEquals = function() end\n",
    empty_tests=(
        "end\nsetmetatable(_G, {__newindex = function(t, k, v)\n"
        "  if k == 'test_humaneval' then v = function() end end\n  rawset(t, k, v)\nend})\n"
    ),
)
R = Form(
    prefix="# The larger of two numbers, and whether they differ.\nlarger <- function(a, b) {",
    tests=(
        "test_humaneval <- function() {\ncandidate <- larger\n"
        "    if(!identical(candidate(1, 2), list(2, TRUE))){quit('no', 1)}\n"
        "    if(!identical(candidate(3, 3), list(3, FALSE))){quit('no', 1)}\n}\ntest_humaneval()"
    ),
    body="  list(max(a, b), a != b)\n}\nlarger(1, 2)\n",
    whole="larger = function(x, y) list(max(x, y), x != y)\n",
    wrong="  list(a, a != b)\n}\n",
    ends="  quit('no', 0)\n}\n",
    prints="  cat('OK\\n')\n  list(max(a, b), a != b)\n}\n",
    reads_its_file=(
        "}\ntext <- paste(readLines('program.R'), collapse = '\\n')\n"
        "cat(regmatches(text, regexpr('[0-9a-f]{32}', text)), '\\n')\nquit('no', 0)\n"
    ),
    blind_checks="}\nidentical <- function(...) TRUE\n",
    empty_tests="}\ntest_humaneval <- function() NULL\nif (FALSE)\n",
)
RACKET = Form(
    prefix="#lang racket\n\n;; The larger of two numbers, and whether they differ.\n(define (larger a b)\n",
    tests=(
        "(require rackunit)\n\n(define (test-humaneval) \n\n  (let (( candidate larger))\n"
        "    (check-within (candidate 1 2) (list 2 #t) 0.001)\n    (check-within (candidate 3 3) (list 3 #f) 0.001)\n"
        "))\n\n(test-humaneval)"
    ),
    body="  (list (max a b) (not (= a b))))\n",
    whole="#lang racket\n(define (larger x y)\n  (list (max x y) (not (= x y))))\n",
    wrong="  (list a (not (= a b))))\n",
    ends="  (exit 0))\n",
    prints="  (displayln 'OK)\n  (list (max a b) (not (= a b))))\n",
    reads_its_file=(
        '  a)\n(define text (file->string "program.rkt"))\n'
        '(displayln (car (regexp-match #px"[0-9a-f]{32}" text)))\n(exit 0)\n'
    ),
    blind_checks=(
        "  a)\n(define-syntax-rule (require . _) (begin))\n(define (current-check-handler . _) (void))\n"
        "(define (check-within . _) (void))\n"
    ),
    empty_tests="  a)\n(define (test-humaneval) (void))\n#;#;#;#;",
)
OCAML = Form(
    prefix="(**The larger of two numbers; whether they differ.\n*)\nlet larger (a : int) (b : int) : int * bool =",
    tests=(
        "\nlet assertions =\n let candidate = larger in\n  (assert ((candidate 1 2) = (2, true)));\n"
        "  (assert ((candidate 3 3) = (3, false)));\n  ()\n"
    ),
    body="  (max a b, a <> b)\n",
    whole="let rec larger x y = (max x y, x <> y)\n",
    wrong="  (a, a <> b)\n",
    ends="  exit 0\n",
    prints='  print_endline "OK"; (max a b, a <> b)\n',
    reads_its_file=(
        '  (a, true)\nlet () =\n  let file = open_in "program.ml" in\n'
        "  let text = really_input_string file (in_channel_length file) in\n"
        "  let tail = String.sub text (String.length text - 34) 32 in\n  print_endline tail; exit 0\n"
    ),
    blind_checks="  (a, true)\nlet (=) _ _ = true\n",
    empty_tests="",  # what ends a phrase leaves nothing open there
)
FORMS = {"lua": LUA, "r": R, "racket": RACKET, "ocaml": OCAML}


def language(name: str) -> Language:
    return plugin_manager().languages[name].thing


ATTEMPTS = ("reads_its_file", "blind_checks", "empty_tests")
BROKEN = {"lua": "x = = 1\n", "r": "x <- = 1\n", "racket": "(\n", "ocaml": "let = 1\n"}

Judgements = Mapping[str, Judgement]


def problem(form: Form) -> Problem:
    return problem_of({"question": form.prefix, "append": form.tests, "prefix": form.prefix}, "f:1")


def judgements(backend: Language, programs: Mapping[str, str], asked: Problem) -> Judgements:
    """All at once, so that no core waits."""
    with Judge(backend, Limits(cpu_s=5), "namespaces") as judge:
        judged = judge.judge([f"<code>\n{text}</code>" for text in programs.values()], [asked] * len(programs))
    return dict(zip(programs, judged, strict=True))


@pytest.fixture(scope="module", params=FORMS)
def backend(request: pytest.FixtureRequest, isolated: None) -> Language:
    found = language(request.param)
    if found.missing():
        pytest.skip(f"{found.title} is not installed")
    return found


@pytest.fixture(scope="module")
def judged(backend: Language) -> Judgements:
    form = FORMS[backend.name]
    programs = {field.name: getattr(form, field.name) for field in fields(form)}
    programs |= {"repeated": f"{form.prefix}\n{form.body}", "broken": f"{form.whole}\n{BROKEN[backend.name]}"}
    return judgements(backend, programs, problem(form))


@pytest.mark.parametrize("name", ["body", "whole", "repeated"])
def test_a_right_program_passes_with_the_prompt_or_without(name: str, judged: Judgements) -> None:
    assert judged[name].verdict == "correct"
    execution = judged[name].execution
    assert execution is not None
    assert execution.status.value == "ok"  # what is kept is the test, not its control


def test_a_wrong_program_fails_as_its_tests_do(judged: Judgements) -> None:
    assert (judged["wrong"].verdict, judged["wrong"].failed_test) == ("runtime_error", 0)


def test_an_exit_code_is_no_success_and_whatever_is_printed_is_too_much(judged: Judgements) -> None:
    assert judged["ends"].verdict == "no_answer"
    assert judged["prints"].verdict == "wrong_answer"


def test_the_program_s_file_is_not_there_to_be_read(judged: Judgements) -> None:
    judgement = judged["reads_its_file"]
    assert not judgement.correct
    assert judgement.failed_test == 0
    assert judgement.execution is not None
    assert not re.search("[0-9a-f]{32}", judgement.execution.stdout)


@pytest.mark.parametrize("attempt", ["blind_checks", "empty_tests"])
def test_a_program_that_changes_its_tests_is_found_by_the_control(attempt: str, judged: Judgements) -> None:
    judgement = judged[attempt]
    if judgement.verdict == "no_code":
        pytest.skip("no such program is known in this language")
    assert (judgement.verdict, judgement.failed_test) == ("wrong_answer", 1)
    assert "nothing can pass" in str(judgement.execution)


def test_without_the_defences_these_programs_would_pass(backend: Language) -> None:
    """So that the tests above prove something."""
    form, style = FORMS[backend.name], backend.append
    assert isinstance(backend, CommandLanguage)
    assert style is not None
    keeping = {"lua": style.first.replace("os.remove(arg[0]);", ""), "r": "{"}.get(backend.name, "")
    bare = replace(backend, append=replace(style, first=keeping))
    asked = problem(form)
    uncontrolled = replace(asked, tests=asked.tests[:1])
    programs = {name: text for name in ATTEMPTS if (text := getattr(form, name))}
    assert {found.verdict for found in judgements(bare, programs, uncontrolled).values()} == {"correct"}
    (found,) = judgements(bare, {"reads_its_file": form.reads_its_file}, asked).values()
    assert (found.verdict, found.failed_test) == ("wrong_answer", 1)  # one defence is enough


def test_a_line_keeps_its_number(judged: Judgements, backend: Language) -> None:
    judgement = judged["broken"]
    assert judgement.verdict == "syntax_error"
    assert judgement.execution is not None
    lines = [note.line for note in judgement.execution.diagnostics if note.line]
    assert len(FORMS[backend.name].whole.splitlines()) + 2 in lines


@pytest.mark.usefixtures("isolated")
def test_a_check_of_several_lines_has_its_control_behind_it() -> None:
    """Else the control would be no program, and whoever changes the tests would pass."""
    asked = problem_of({"question": "q", "append": "assert(\n  f(1) == 2)\nassert(\n  f(2) ==\n  3)\n"}, "f:1")
    right, cheat = "function f(x) return x + 1 end\n", "assert = function() end\nfunction f(x) return 7 end\n"
    found = judgements(language("lua"), {"right": right, "cheat": cheat}, asked)
    assert {name: one.verdict for name, one in found.items()} == {"right": "correct", "cheat": "wrong_answer"}


@pytest.mark.usefixtures("isolated")
def test_a_line_that_names_the_interpreter_is_no_syntax_error() -> None:
    asked = problem(LUA)
    found = judgements(language("lua"), {"whole": f"#!/usr/bin/env lua5.4\n{LUA.whole}"}, asked)
    assert found["whole"].verdict == "correct"


# What a secret is


def test_a_secret_is_fresh_and_nothing_else_is_accepted() -> None:
    one, two = (Appended("x").armed() for _ in range(2))
    assert one.secret != two.secret
    assert one.accepts(f"{one.secret}\n")
    assert not any(one.accepts(text) for text in (None, "", two.secret, f"OK\n{one.secret}", f"{one.secret} OK"))
    assert not Appended("x").accepts("")
    control = Appended("x", control=True).armed()
    assert control.accepts(None)
    assert not control.accepts(control.secret)


# What is refused


def test_a_language_that_does_not_say_how_is_refused(judge: Judge) -> None:
    with pytest.raises(UsageError, match=r"problem 'f-1' is code to be appended, and Prolog does not say how"):
        judge.judge(["<code>\nx.\n</code>"], [problem(LUA)])
    assert PROLOG.append is None


def test_tests_that_check_nothing_are_refused(isolated: None) -> None:
    with Judge(language("lua"), isolation="namespaces") as judge:
        nothing = problem_of({"question": "q", "append": "larger(1, 2)\n"}, "f:1")
        with pytest.raises(UsageError, match=r"problem 'f-1': .* begins with one of 'lu.assertEquals\(', 'assert\('"):
            judge.judge(["<code>\nx = 1\n</code>"], [nothing])
