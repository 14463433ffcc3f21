"""What a language may offer beside its three questions: tests that are code, and an analysis of its programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lowres_code.appended import Appended, AppendStyle
from lowres_code.conformance.isolation_checks import ask
from lowres_code.conformance.result import Check, Outcome
from lowres_code.errors import UsageError
from lowres_code.judge import Judge
from lowres_code.judgement import Judgement
from lowres_code.language.base import Status
from lowres_code.language.snippets import SNIPPETS
from lowres_code.problem import Problem, Test

_NEEDED = ("defines", "appended")  # the snippets


def appended_tests(judge: Judge) -> Iterator[Check]:
    """That tests which are code tell right from wrong, in each of the ways in which they check something."""
    style, snippets = judge.language.append, judge.language.snippets
    if style is None:
        return
    if missing := [name for name in _NEEDED if name not in snippets]:
        told = f"give a snippet {missing[0]}: {SNIPPETS[missing[0]]}"
        yield Check("appended tests", Outcome.NOT_TRIED, told)
        return
    program, tests = (snippets[name] for name in _NEEDED)
    found = judge.check(program, append=tests)
    yield Check.that("appended tests", found.correct, f"the snippets belong together and are {_seen(found)}")
    found = judge.check(snippets["hello"], append=tests)
    yield Check.that("appended tests of another program", not found.correct, "hello passes them")
    for begin, check in style.checks.items():
        yield _way(judge, replace(style, checks={begin: check}), program, tests)


def _way(judge: Judge, style: AppendStyle, program: str, tests: str) -> Check:
    """That a check which nothing can pass ends the tests, and the same with equal numbers does not."""
    ((begin, check),) = style.checks.items()
    name, ends = f"tests that check by {begin}", []
    for one in (check, check.replace("{other}", "{one}")):
        control = Appended(tests, control=True).armed()
        try:
            text = replace(style, checks={begin: one}).compose(program, control)
        except UsageError:
            return Check(name, Outcome.NOT_TRIED, f"the snippet appended has no line that begins with {begin!r}")
        ends.append(not control.accepts(ask(judge, text).answer))
    if not ends[1]:
        return Check(name, Outcome.FAILED, f"with equal numbers, the check {check!r} ends the tests or cannot be read")
    return Check.that(name, not ends[0], f"with numbers that differ, the check {check!r} does not end the tests")


def analysis(judge: Judge) -> Iterator[Check]:
    """That the analysis reads the language's own programs, and sees in hello that it states its answer."""
    from lowres_code.metamorphic import follow  # the workers of a probe import this package, and cannot have all of it

    language = judge.language
    if not language.analyses:
        return
    hello = language.snippets["hello"]
    programs = {"hello": (hello, "hello"), **{e.question: (e.program, e.answer) for e in language.examples}}
    judged = judge.analyse([judge.check(program, answer=answer) for program, answer in programs.values()])
    unread = [name for name, one in zip(programs, judged, strict=True) if one.correct and one.analysis is None]
    yield Check.that("analysis", not unread, f"it cannot read {unread[:1]}, which is right")
    if unread:
        return
    if judged[0].correct:
        yield _states(judged[0])
    problems = [Problem(name, "", (Test(answer),)) for name, (_, answer) in programs.items()]
    told = zip(programs, follow(judge, judged, problems, checks=("renaming",)), strict=True)
    lost = [name for name, one in told if one.follows is not None and one.follows.renaming is False]
    yield Check.that("names that are the program's own", not lost, f"with others, {lost[:1]} answers something else")
    broken = language.snippets.get("syntax_error", f"{hello}\n)]}}")
    (found,) = judge.runner.run([(broken, Test())], judge.limits, "analyse")
    why = f"a program that cannot be read makes it {found.status.value}"
    yield Check.that("analysis of a broken program", found.status is not Status.INFRA_ERROR, why)


def _states(hello: Judgement) -> Check:
    assert hello.analysis is not None
    literals, operations = hello.analysis.literals, hello.analysis.operations
    seen = f"of hello it tells {operations} operations and the literals {list(literals)}"
    return Check.that("analysis of hello", operations == 0 and "hello" in literals, f"{seen}; it only states hello")


def _seen(judgement: Judgement) -> str:
    notes = judgement.execution.diagnostics if judgement.execution else ()
    return " ".join([judgement.verdict, *(note.message for note in notes[:1])])
