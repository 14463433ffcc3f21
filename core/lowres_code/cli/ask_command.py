"""``lowres-code ask``."""

from __future__ import annotations

import dataclasses
import sys

import click

from lowres_code._util.screen import screen
from lowres_code._util.text import argument_text
from lowres_code.cli.options import (
    find_language,
    json_option,
    judge_option,
    must_run,
    print_json,
    served_by,
    set_option,
)
from lowres_code.errors import JudgeError, UsageError
from lowres_code.language.base import Status
from lowres_code.recipe import find_recipe, load_recipe


@click.command("ask")
@click.argument("model", metavar="MODEL|RUN|FILE.gguf|URL")
@click.argument("question", type=argument_text)
@click.option("--lang", "language", metavar="L", help="The language: a name, or a TOML file; a run brings its own.")
@click.option("--recipe", metavar="R", help="Whose prompt, sampling and limits; a run brings its own.")
@set_option
@click.option("--model", "served", metavar="NAME", help="Which model of the endpoint at URL.")
@judge_option
@json_option
def command(
    model: str,
    question: str,
    language: str | None,
    recipe: str | None,
    overrides: tuple[str, ...],
    served: str | None,
    judges: tuple[str, ...],
    as_json: bool,
) -> None:
    """Ask MODEL one QUESTION, run the program that it writes, and show both.

    Exit code 0: the program ran; 1: it failed, or there is none; 3: the judge itself failed.
    """
    from lowres_code._util.quiet import quiet_libraries
    from lowres_code.runs.ask import ask
    from lowres_code.runs.measure import Subject

    if not question.strip():
        raise UsageError('QUESTION is empty: lowres-code ask MODEL "What is 6 times 7?" --lang NAME')
    subject = Subject.of(model, served)
    if language is None and not subject.run:
        raise UsageError("--lang is missing: lowres-code ask MODEL QUESTION --lang NAME")
    backend = find_language(language or (subject.run.language() if subject.run else ""), elsewhere=True)
    overrides = (*overrides, *served_by(judges))
    if subject.run and recipe is None:
        chosen = subject.run.recipe(overrides)
    else:
        chosen = load_recipe(find_recipe(recipe or "quickstart"), overrides, training=False)
    must_run(backend, chosen.limits)
    quiet_libraries()
    reply = ask(subject, chosen, backend, question, screen(stderr=True))
    execution = reply.execution
    status = execution.status.value if execution else "no_code"
    if as_json:
        ran = dataclasses.asdict(execution) | {"status": status} if execution else {"status": status}
        print_json({"lang": backend.name, "completion": reply.sample.text, "program": reply.completion.program, **ran})
    else:
        click.echo(reply.sample.text.strip())
        answer = execution.answer if execution else None
        click.echo(f"\n{status}" if answer is None else f"\n{status}: {answer.strip()}")
        for diagnostic in execution.diagnostics if execution else ():
            click.echo(f"{diagnostic.severity}: {diagnostic.message}", err=True)
    if status == Status.INFRA_ERROR.value:
        sys.exit(JudgeError.exit_code)
    sys.exit(0 if status == Status.OK.value else 1)
