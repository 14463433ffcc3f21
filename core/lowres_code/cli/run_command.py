"""``lowres-code run``."""

from __future__ import annotations

import dataclasses
import sys
from typing import BinaryIO

import click

from lowres_code._util.screen import screen
from lowres_code._util.text import argument_text, text_of
from lowres_code.cli.options import (
    find_language,
    json_option,
    language_option,
    limits_of,
    limits_options,
    must_run,
    print_json,
)
from lowres_code.errors import JudgeError
from lowres_code.feedback import without_folder
from lowres_code.judgement import CORRECT
from lowres_code.language.base import Execution, Status
from lowres_code.language.demands import check_tests
from lowres_code.problem import Test
from lowres_code.recipe.build import started_judge

_LIMITS = {
    Status.TIMEOUT: "{inferences} inferences where they are counted, {cpu_s} CPU seconds, {wall_s:g} s by the clock",
    Status.MEMORY_LIMIT: "{memory_mb} MB for each process",
    Status.OUTPUT_LIMIT: "{output_kb} kB printed or answered, {file_kb} kB in a file",
}


@click.command("run")
@click.argument("file", type=click.File("rb"))
@language_option
@click.option("--stdin", type=click.File("rb"), help="What the program reads.")
@click.option("--query", type=argument_text, metavar="GOAL", help="Ask this instead of the language's default.")
@click.option("--expect", type=argument_text, metavar="TEXT", help="The right answer: give a verdict.")
@limits_options
@json_option
def command(
    file: BinaryIO,
    language: str,
    stdin: BinaryIO | None,
    query: str | None,
    expect: str | None,
    recipe: str | None,
    overrides: tuple[str, ...],
    isolation: str,
    judges: tuple[str, ...],
    as_json: bool,
) -> None:
    """Run FILE (`-`: standard input) as the judge runs programs, isolated and limited.

    Exit code 0: it ran (and was right, with --expect); 1: it failed or was wrong; 3: the judge itself failed.
    """
    backend = find_language(language, elsewhere=True)
    program, given = text_of(file.read()), text_of(stdin.read()) if stdin else ""
    test = Test(expected=expect, stdin=given, query=query)
    check_tests(backend, [test], "--query")
    table = limits_of(recipe, overrides, isolation, 1, judges)
    must_run(backend, table)
    with started_judge(table, backend, screen(stderr=True)) as judge:
        execution = judge.execute([program], [test])[0]
        verdict = None if expect is None else judge.verdict(execution, test)
    if as_json:
        print_json({"lang": backend.name, "verdict": verdict, **_fields(execution)})
    else:
        _show(execution, verdict)
        if told := _LIMITS.get(execution.status):
            click.echo("the limit: " + told.format_map(dataclasses.asdict(judge.limits)), err=True)
    sys.exit(_exit_code(execution, verdict))


def _fields(execution: Execution) -> dict[str, object]:
    return {**dataclasses.asdict(execution), "status": execution.status.value}


def _show(execution: Execution, verdict: str | None) -> None:
    """What the program printed, its messages, its answer."""
    if execution.answer != execution.stdout:  # else the answer, below, is all that was printed
        click.echo(_whole_lines(execution.stdout), nl=False)
    click.echo(_whole_lines(without_folder(execution.stderr)), nl=False, err=True)
    for diagnostic in execution.diagnostics:
        if diagnostic.message not in execution.stderr:
            place = ":".join(str(number) for number in (diagnostic.line, diagnostic.column) if number)
            said = without_folder(diagnostic.message)
            click.echo(f"{diagnostic.severity}{' ' + place if place else ''}: {said}", err=True)
    summary = verdict or execution.status.value
    click.echo(summary if execution.answer is None else f"{summary}: {execution.answer.strip()}")


def _whole_lines(text: str) -> str:
    return text if not text or text.endswith("\n") else f"{text}\n"


def _exit_code(execution: Execution, verdict: str | None) -> int:
    if execution.status is Status.INFRA_ERROR:
        return JudgeError.exit_code
    return 0 if (verdict or execution.status.value) in (CORRECT, Status.OK.value) else 1
