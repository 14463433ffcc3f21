"""``lowres-code eval``."""

from __future__ import annotations

from pathlib import Path

import click

from lowres_code._util.screen import screen
from lowres_code.cli.options import (
    NewPath,
    WholeNumber,
    console,
    find_language,
    json_option,
    judge_option,
    must_run,
    opened_recipe,
    print_json,
    served_by,
    set_option,
)
from lowres_code.errors import STOPPED, LowresCodeError, UsageError
from lowres_code.recipe import load_recipe, open_suite


@click.command("eval")
@click.argument("model", metavar="MODEL|RUN|FILE.gguf|URL")
@click.option("--lang", "language", metavar="L", help="The language: a name, or a TOML file; a run brings its own.")
@click.option("--recipe", metavar="R", help="Whose held-out problems, prompt and sampling; a run brings its own.")
@click.option(
    "--suite",
    metavar="S",
    help="Instead of the recipe's held-out problems, this set: lowres-code recipe list --suites.",
)
@set_option
@click.option("--samples", type=WholeNumber(min=1), help="Completions for each problem.")
@click.option("--model", "served", metavar="NAME", help="Which model of the endpoint at URL.")
@click.option("--out", type=NewPath(), metavar="DIR", help="The folder of the evaluation.")
@judge_option
@json_option
def command(
    model: str,
    language: str | None,
    recipe: str | None,
    suite: str | None,
    overrides: tuple[str, ...],
    samples: int | None,
    served: str | None,
    out: Path | None,
    judges: tuple[str, ...],
    as_json: bool,
) -> None:
    """Measure MODEL on held-out problems; every judged sample is kept.

    MODEL is pocket, a folder, a name on the hub, a GGUF file, the directory of a run, or the URL of an
    OpenAI-compatible endpoint (its key: the environment variable OPENAI_API_KEY). A command that was stopped goes on
    where it was when it is called again.
    """
    from lowres_code._util.quiet import quiet_libraries
    from lowres_code.runs.measure import Subject, measure

    subject = Subject.of(model, served)
    if language is None and not subject.run:
        raise UsageError("--lang is missing: lowres-code eval MODEL --lang NAME; the names: lowres-code lang list")
    backend = find_language(language or (subject.run.language() if subject.run else ""), elsewhere=True)
    changes = [*overrides, *served_by(judges), *([f"eval.samples={samples}"] if samples else [])]
    asked = open_suite(suite, backend.name) if suite else None
    if subject.run and recipe is None:
        chosen = subject.run.recipe(changes, asked)
    else:
        chosen = load_recipe(opened_recipe(recipe or "quickstart"), changes, training=False, suite=asked)
    must_run(backend, chosen.limits)
    quiet_libraries()
    try:
        folder, summary = measure(subject, chosen, backend, out, screen(stderr=True))
    except KeyboardInterrupt as stop:
        raise SystemExit(STOPPED) from stop
    if as_json:
        print_json({"folder": str(folder.path), **summary.model_dump(mode="json")})
    else:
        from lowres_code.report.terminal import evaluation_tables

        of = f"problems of {suite}" if suite else "held-out problems"
        title = f"{summary.asked.model} on {summary.all.problems if summary.all else 0} {of}"
        console().print(*evaluation_tables(summary, title), sep="\n")
        click.echo(f"every sample: {folder.path}")
    if summary.complete and summary.failures:
        click.echo(f"some samples ended before their last turn: {'; '.join(summary.failures)}", err=True)
    if not summary.complete:
        raise LowresCodeError(
            f"{summary.missing} samples could not be had ({'; '.join(summary.failures) or 'no reason was given'}); "
            "the same command asks for them again"
        )
