"""``lowres-code train``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import click
from click.core import ParameterSource
from rich.console import Console

from lowres_code._util.progress import say
from lowres_code.cli.options import (
    NewPath,
    WholeNumber,
    console,
    find_language,
    judge_option,
    must_run,
    opened_recipe,
    served_by,
    set_option,
)
from lowres_code.errors import STOPPED, UsageError
from lowres_code.recipe import load_recipe
from lowres_code.runs.directory import INTERRUPTED, RunDirectory
from lowres_code.train.processes import Processes

PROCESSES = Processes.started()
QUICKSTART, WITH_GPU = "quickstart", "gsm8k/qwen2.5-coder-1.5b"


@click.command("train")
@click.option("--lang", "language", metavar="L", help="The language to teach.")
@click.option("--recipe", metavar="NAME|PATH|URL", help="Which recipe; see `lowres-code recipe list`.")
@set_option
@click.option("--out", type=NewPath(), metavar="DIR", help="Where the run is kept.")
@click.option("--resume", "resumed", type=click.Path(path_type=Path), metavar="DIR", help="Go on with a stopped run.")
@click.option(
    "--seed",
    type=WholeNumber(0, 2**32 - 1),
    default=0,
    show_default=True,
    help="Of the data, the sampling and the training.",
)
@judge_option
@click.pass_context
def command(
    context: click.Context,
    language: str | None,
    recipe: str | None,
    overrides: tuple[str, ...],
    out: Path | None,
    resumed: Path | None,
    seed: int,
    judges: tuple[str, ...],
) -> None:
    """Train a model with GRPO; measure it on held-out problems before and after.

    Without --recipe: `quickstart`, which teaches the embedded pocket model, where there is no GPU; else
    `gsm8k/qwen2.5-coder-1.5b`.
    """
    if resumed is not None:
        seeded = context.get_parameter_source("seed") is not ParameterSource.DEFAULT
        if recipe or overrides or out or seeded:
            raise UsageError(
                "--resume goes on with the run's own recipe and seed: "
                "--recipe, --set, --out and --seed do not go with it"
            )
        _resume(resumed, language, served_by(judges))
        return
    if language is None:
        raise UsageError("--lang is missing: lowres-code train --lang NAME; the names: lowres-code lang list")
    _train(language, recipe, (*overrides, *served_by(judges)), out, seed)


def _train(name: str, recipe_name: str | None, overrides: tuple[str, ...], out: Path | None, seed: int) -> None:
    language = find_language(name, elsewhere=True)
    chosen = recipe_name or _default_recipe()
    origin = opened_recipe(chosen)
    recipe = load_recipe(origin, overrides)
    must_run(language, recipe.limits)
    if out is None and PROCESSES.count > 1:
        raise UsageError(f"one of {PROCESSES.count} processes: they need one folder, --out DIR, that all of them see")
    out = out or Path("runs") / f"{language.name}-{origin.stem}-{datetime.now():%Y%m%d-%H%M%S}"
    RunDirectory(out, PROCESSES.main).must_be_new()  # before the seconds that torch takes
    screen = _console()
    why = "" if recipe_name else " (the default here; another: --recipe NAME, see lowres-code recipe list)"
    screen.print(f"Recipe {chosen}{why}; run directory {out}")
    from lowres_code._util.quiet import quiet_libraries

    quiet_libraries()
    from lowres_code.train.session import train

    with _stoppable(out, screen):
        run = train(recipe, language, out, seed, screen, origin)
    _report(run, screen)
    _exit_if_interrupted(run.status()["state"])


def _resume(path: Path, name: str | None, changes: list[str]) -> None:
    from lowres_code._util.quiet import quiet_libraries

    run = RunDirectory.open(path)
    own = str(run.env()["language"])
    if name not in (None, own) and not _is_file_of(run, name):
        raise UsageError(f"the run in {str(path)!r} is of language {own!r}, not {name!r}")
    screen, status = _console(), run.status()
    if run.is_finished():
        screen.print("This run is finished; there is nothing left to do.")
    else:
        language = find_language(run.language(), elsewhere=True)
        must_run(language, run.recipe(changes).limits)
        screen.print(f"Going on with {path}, {status['state']}, step {status['step']}")
        quiet_libraries()
        from lowres_code.train.session import resume

        with _stoppable(path, screen):
            resume(path, language, screen, changes)
    _report(run, screen)
    _exit_if_interrupted(run.status()["state"])


def _report(run: RunDirectory, screen: Console) -> None:
    """What the run came to; its page, too, when it has come to its end."""
    from lowres_code.report.html import write_page
    from lowres_code.report.page_data import page_of
    from lowres_code.report.terminal import print_run

    print_run(run, screen)
    if PROCESSES.main and run.is_finished():
        target = run.path / "report.html"
        write_page(page_of([run.path]), target)
        screen.print(f"page: {target}", soft_wrap=True)


def _console() -> Console:
    """The main process talks; the others would say the same."""
    return console() if PROCESSES.main else Console(quiet=True)


def _is_file_of(run: RunDirectory, name: str | None) -> bool:
    """Whether a file says just what the run's own language file says."""
    files = (Path(str(name)), Path(run.language()))
    return all(file.is_file() for file in files) and files[0].read_bytes() == files[1].read_bytes()


@contextmanager
def _stoppable(path: Path, screen: Console) -> Iterator[None]:
    """Ctrl-C that stops at once, while nothing is trained or as the second: say what is kept, and what goes on."""
    try:
        yield
    except KeyboardInterrupt as stop:
        say(screen, f"Stopped at once. {RunDirectory(path).after_a_stop()}")
        raise SystemExit(STOPPED) from stop


def _exit_if_interrupted(state: str) -> None:
    if state == INTERRUPTED:
        raise SystemExit(STOPPED)


def _default_recipe() -> str:
    """Quickstart without a GPU; with one, a recipe for a real model."""
    import torch

    return WITH_GPU if torch.cuda.is_available() else QUICKSTART
