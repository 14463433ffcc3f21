"""``lowres-code eval``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from lowres_code.cli.options import console, find_language, json_option, print_json, set_option
from lowres_code.errors import UsageError
from lowres_code.language.base import Language
from lowres_code.recipe import Recipe, find_recipe, load_recipe


@click.command("eval")
@click.argument("model", metavar="MODEL|RUN")
@click.option("--lang", "language", metavar="L", help="The language: a name, or a TOML file; a run brings its own.")
@click.option("--recipe", metavar="R", help="Whose held-out problems, prompt and sampling; a run brings its own.")
@set_option
@click.option("--samples", type=click.IntRange(min=1), help="Completions for each problem.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the result there, as JSON.")
@json_option
def command(
    model: str,
    language: str | None,
    recipe: str | None,
    overrides: tuple[str, ...],
    samples: int | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Measure MODEL (a name, a folder, or the directory of a run) on held-out problems."""
    from lowres_code._util.files import must_be_writable, write_json
    from lowres_code.runs.directory import RunDirectory

    if out:
        must_be_writable(out)
    is_run = (Path(model) / "recipe.toml").is_file()
    if language is None and not is_run:
        raise UsageError("--lang is missing: lowres-code eval MODEL --lang NAME; the names: lowres-code lang list")
    backend = find_language(language or RunDirectory.open(Path(model)).language())
    changes = [*overrides, *([f"eval.samples={samples}"] if samples else [])]
    source = Path(model) / "recipe.toml" if is_run and recipe is None else find_recipe(recipe or "quickstart")
    result = _evaluate(model, is_run, load_recipe(source, changes), backend)
    if as_json:
        print_json(result)
    else:
        from lowres_code.report.terminal import evaluation_table

        console().print(evaluation_table(result, f"{model} on {result['problems']} held-out problems"))
    if out:
        write_json(out, result)


def _evaluate(model: str, is_run: bool, recipe: Recipe, language: Language) -> dict[str, Any]:
    from rich.console import Console

    from lowres_code._util.quiet import quiet_libraries

    quiet_libraries()
    from lowres_code._util.progress import progress_line
    from lowres_code.evaluation.run import evaluate
    from lowres_code.generation.models import load_model, load_tokenizer
    from lowres_code.recipe.build import load_problems, started_judge
    from lowres_code.runs.directory import RunDirectory
    from lowres_code.runs.trained import load_trained

    seed = recipe.eval.seed
    if is_run:
        run = RunDirectory.open(Path(model))
        table, seed = run.recipe().model, int(run.env()["seed"])
        network = load_trained(run)
    else:
        table = recipe.model.model_copy(update={"name": model, "revision": None})
        network = load_model(table)
    tokenizer = load_tokenizer(table)
    problems = load_problems(recipe.data.eval, "eval", seed)
    screen = Console(stderr=True)
    judging, progressing = started_judge(recipe.limits, language, screen), progress_line(screen, f"evaluating {model}")
    with judging as judge, progressing as progress:
        evaluation = evaluate(network, tokenizer, problems, judge, recipe.prompt, recipe.eval, progress)
    return {"model": model, "language": language.name, "isolation": judge.isolation, **evaluation.summary()}
