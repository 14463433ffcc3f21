"""What a language is tried with: its hello-world, its own examples and tests, and its snippets."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lowres_code.conformance import advice
from lowres_code.conformance.advice import seen
from lowres_code.conformance.canary import Canary
from lowres_code.conformance.isolation_checks import ask
from lowres_code.conformance.result import Check, Outcome
from lowres_code.judge import Judge
from lowres_code.judgement import CORRECT, WRONG_ANSWER
from lowres_code.language.base import Execution, Language, Status
from lowres_code.language.snippets import SNIPPETS
from lowres_code.problem import Test

HELLO = "hello"
LINE = "a line that was given"
NONSENSE = "\n)]} this is (no program: \"'@@ \x01 1 + + ;;\n"

Verdict = tuple[bool, str]  # whether it is as it must be; what was seen
Expectation = Callable[[Execution, Canary], Verdict]


def first_steps(judge: Judge) -> Iterator[Check]:
    """That right is right, wrong is wrong and nonsense is neither."""
    hello = _hello(judge.language)
    execution = ask(judge, hello)
    first = [_end(execution)]
    right, wrong = (judge.verdict(execution, Test(expected=text)) for text in (HELLO, "goodbye"))
    why = advice.for_a_right_program(judge, hello, HELLO, right)
    yield Check.that("right program", right == CORRECT, f"hello ends as {seen(execution)}{why}")
    if right == CORRECT:
        yield Check.that("wrong output", wrong == WRONG_ANSWER, f"with another answer expected, hello is {wrong}")
    else:
        yield Check("wrong output", Outcome.NOT_TRIED, "hello must be right first")
    same = judge.language.compare
    sound = same("42", "42") and not same("42", "41") and not same("yes", "no") and not same("42", "")
    yield Check.that("compare", sound, "compare says that 42 is 41, that yes is no, or that 42 is not 42")
    broken = judge.language.snippets.get("syntax_error", hello + NONSENSE)
    execution = ask(judge, broken)
    first.append(_end(execution))
    failed = execution.status in (Status.SYNTAX_ERROR, Status.RUNTIME_ERROR)
    why = advice.for_a_broken_program(judge.language, execution)
    yield Check.that("broken program", failed, f"a program that cannot be read ends as {seen(execution)}{why}")
    accepted = judge.check_syntax([hello])[0]
    yield Check.that("syntax check of a right program", accepted.status is Status.OK, f"hello: {seen(accepted)}")
    if "syntax_error" in judge.language.snippets:
        yield _syntax_line(execution, judge.language.checks_failures)
    again = [_end(ask(judge, program)) for program in (hello, broken)]
    yield Check.that("deterministic", again == first, "the same programs ended otherwise when they ran again")


def own_programs(judge: Judge) -> Iterator[Check]:
    """The language's worked examples and self-tests."""
    language = judge.language
    for number, example in enumerate(language.examples, 1):
        execution = ask(judge, example.program)
        verdict = judge.verdict(execution, Test(expected=example.answer))
        yield Check.that(f"example {number}", verdict == CORRECT, f"{verdict}: {seen(execution)}")
    if not language.examples:
        yield Check("example", Outcome.ADVICE, "no worked example: small models cannot start without one")
    for number, test in enumerate(language.self_tests, 1):
        execution = ask(judge, test.program)
        same = test.answer is None or (execution.answer is not None and language.compare(test.answer, execution.answer))
        wanted = f"{test.status.value} {test.answer or ''}".strip()
        yield Check.that(
            f"self-test {number}", execution.status is test.status and same, f"{seen(execution)}, not {wanted}"
        )


def snippets(judge: Judge, canary: Canary) -> Iterator[Check]:
    """The language's snippets, each with what must come of it."""
    language = judge.language
    for name, expectation in EXPECTATIONS.items():
        program = language.snippets.get(name)
        if program is None:
            yield Check(name.replace("_", " "), Outcome.NOT_TRIED, f"give a snippet {name}: {SNIPPETS[name]}")
            continue
        execution = ask(judge, canary.fill(program), stdin=f"{LINE}\n")
        holds, found = expectation(execution, canary)
        if execution.status is Status.SYNTAX_ERROR:
            holds, found = False, f"the snippet itself cannot be read: {seen(execution)}"
        if name == "state" and holds:
            holds, found = expectation(ask(judge, program, stdin="again\n"), canary)
        yield Check.that(name.replace("_", " "), holds, f"{found}; a program was expected that {SNIPPETS[name]}")
    alive = ask(judge, _hello(language))
    yield Check.that("right program after all these", alive.status is Status.OK, seen(alive))


def _hello(language: Language) -> str:
    return language.snippets[HELLO]


def _syntax_line(execution: Execution, is_checked: bool) -> Check:
    lines = [note.line for note in execution.diagnostics if note.line]
    name = "line of a syntax error"
    if execution.status is not Status.SYNTAX_ERROR:
        if is_checked:
            return Check(name, Outcome.FAILED, f"ended as {execution.status.value}: the check finds nothing wrong")
        return Check(name, Outcome.ADVICE, f"ended as {execution.status.value}: a check command would tell")
    if not lines:
        return Check(name, Outcome.ADVICE, "no message has a line number")
    seen = f"the messages speak of line {lines[0]}; a program was expected of which {SNIPPETS['syntax_error']}"
    return Check.that(name, max(lines) >= 2, seen)


def _end(execution: Execution) -> tuple[Status, str | None, list[int | None]]:
    return execution.status, execution.answer, [note.line for note in execution.diagnostics]


def _ends_as(*statuses: Status) -> Expectation:
    return lambda execution, canary: (execution.status in statuses, seen(execution))


def _answers(text: str) -> Expectation:
    return lambda execution, canary: ((execution.answer or "").strip() == text, seen(execution))


def _secret_kept(execution: Execution, canary: Canary) -> Verdict:
    if execution.status is not Status.OK:
        return False, f"the snippet tells nothing: {seen(execution)}"
    texts = (execution.answer or "", execution.stdout, execution.stderr)
    return not any(canary.secret in text for text in texts), "the value of a variable outside came out"


_no_failure_of_the_judge: Expectation = lambda end, canary: (end.status is not Status.INFRA_ERROR, seen(end))  # noqa: E731
_nothing_outside: Expectation = lambda end, canary: (canary.untouched(), f"a file was changed: {canary.file}")  # noqa: E731
_nobody_called: Expectation = lambda end, canary: (not canary.called(), "a port of this machine was called")  # noqa: E731

EXPECTATIONS: dict[str, Expectation] = {
    "runtime_error": _ends_as(Status.RUNTIME_ERROR),
    "exit_early": _ends_as(Status.NO_ANSWER),
    "stdin": _answers(LINE),
    "state": _answers("clean"),
    "non_utf8": _ends_as(Status.OK),
    "close_stdout": _no_failure_of_the_judge,
    "write_outside": _nothing_outside,
    "network": _nobody_called,
    "environment": _secret_kept,
    "loop": _ends_as(Status.TIMEOUT),
    # A collector of garbage may take all its CPU time before the memory is full.
    "memory": _ends_as(Status.MEMORY_LIMIT, Status.RUNTIME_ERROR, Status.TIMEOUT),
    "flood": _ends_as(Status.OUTPUT_LIMIT),
    "fork": _no_failure_of_the_judge,
}
