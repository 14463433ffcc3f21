"""``lowres-code lang``."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table

from lowres_code._util.screen import screen
from lowres_code._util.text import argument_text
from lowres_code.cli.options import (
    NewPath,
    WholeNumber,
    console,
    find_language,
    isolation_option,
    json_option,
    print_json,
    read_program,
    workers_option,
)
from lowres_code.errors import UsageError
from lowres_code.language.base import NAME, SUFFIX
from lowres_code.language.command import CommandLanguage
from lowres_code.plugins.manager import find_language as find_registered
from lowres_code.plugins.manager import plugin_manager

if TYPE_CHECKING:
    from lowres_code.conformance import Report
    from lowres_code.conformance.bench import Bench


@click.group("lang")
def command() -> None:
    """Languages: list, show, new, verify, bench."""


@command.command("list")
@json_option
def list_languages(as_json: bool) -> None:
    """All languages, where each came from, and whether it can run here."""
    manager = plugin_manager()
    rows = [
        {"name": name, "title": r.thing.title, "origin": r.origin, "missing": (m.install or m.what) if m else None}
        for name, r in manager.languages.items()
        for m in [r.thing.missing()]
    ]
    failures = [{"plugin": failure.plugin, "error": failure.error} for failure in manager.failures]
    if as_json:
        print_json({"languages": rows, "failures": failures})
        return
    table = Table("language", "from", "here")
    for row in rows:
        table.add_row(row["name"], row["origin"], f"missing; {row['missing']}" if row["missing"] else "ready")
    console().print(table)
    for failure in failures:
        click.echo(f"plugin {failure['plugin']!r} could not be loaded: {failure['error']}", err=True)


@command.command("show")
@click.argument("name")
def show(name: str) -> None:
    """What a model is told about a language, its worked examples, its commands, and the limits that it raises."""
    registered = find_registered(name)
    language = registered.thing
    click.echo(
        f"{language.title} ({registered.origin}), files {language.suffix}, fences {', '.join(language.fences)}\n"
    )
    click.echo(language.guidance)
    for example in language.examples:
        click.echo(f"\n{example.question}\n\n{example.program}\n\nanswer: {example.answer}")
    if isinstance(language, CommandLanguage):
        _show_commands(language)
    if language.needs:
        click.echo("limits are at least: " + ", ".join(f"{name} {least}" for name, least in language.needs.items()))


def _show_commands(language: CommandLanguage) -> None:
    """All that a language file lets programs see and the machine do."""
    lines = {"compile": language.compile, "run": language.run, "check": language.check, "reads": language.reads}
    click.echo()
    for what, words in lines.items():
        if words:
            click.echo(f"{what}: {shlex.join(words)}")
    for name, value in language.variables.items():
        click.echo(f"environment: {name}={value}")


@command.command("new")
@click.argument("name")
@click.option("--python", "as_package", is_flag=True, help="A Python package with a test, instead of one TOML file.")
@click.option(
    "--run", type=argument_text, metavar="COMMAND", default="", help="Runs a program; {file} stands for its file."
)
@click.option("--suffix", metavar=".X", default="", help="Of a program's file.")
@click.option("--hello", type=argument_text, metavar="PROGRAM", default="", help="A program that answers hello.")
@click.option("--dir", "folder", type=NewPath(file_okay=False), default=Path(), help="Where to.")
def new_language(name: str, as_package: bool, run: str, suffix: str, hello: str, folder: Path) -> None:
    """Begin a new language NAME: write NAME.toml, and say what comes next."""
    from lowres_code.language.skeleton import Beginning, language_file, package

    if not re.fullmatch(NAME, name):
        raise UsageError(f"a language's name is lower case, as in my-language, and not {name!r}")
    if suffix and not re.fullmatch(SUFFIX, suffix):
        raise UsageError(f"--suffix is a dot and letters, for instance .fs, and not {suffix!r}")
    begun = Beginning(name, run, suffix, hello)
    if name in plugin_manager().languages:
        raise UsageError(f"there is a language {name!r} already: lowres-code lang show {name}")
    skeleton = package(begun, folder) if as_package else language_file(begun, folder)
    skeleton.write()
    for path in skeleton.files:
        click.echo(f"wrote {path}")
    for number, step in enumerate(skeleton.next_steps, 1):
        click.echo(f"{number}. {step}")


@command.command("bench")
@click.argument("name")
@click.option("--program", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="Time this one instead.")
@click.option("--rounds", type=WholeNumber(min=2), default=20, show_default=True, help="Fresh runs; warm: 4 each.")
@click.option("--batch", type=WholeNumber(min=1), default=512, show_default=True, help="Programs through the pool.")
@isolation_option
@workers_option
@json_option
def bench_language(
    name: str, program: Path | None, rounds: int, batch: int, isolation: str, workers: int | None, as_json: bool
) -> None:
    """Time NAME's programs as the judge runs them (warm) against a sandbox started for each run alone (fresh).

    A compiled language compiles in both. The runs are interleaved; ratio is how many times faster the judge is, by the
    medians, on one core. Exit code 1: a program gives no answer; 3: the judge itself failed.
    """
    from lowres_code._util.progress import progress_line
    from lowres_code.conformance.bench import bench, programs_of
    from lowres_code.sandbox.isolation import choose_isolation

    language = find_language(name)
    programs = [read_program(program)] if program else programs_of(language)
    with progress_line(screen(stderr=True), f"timing {name}") as progress:
        result = bench(
            language, choose_isolation(isolation, language.forks), programs, rounds, batch, workers, progress
        )
    if as_json:
        print_json(result.as_json())
    else:
        _show_bench(result)


@command.command("verify")
@click.argument("name")
@click.option("--soak", type=WholeNumber(min=1), default=1000, show_default=True, help="Programs in the soak.")
@isolation_option
@json_option
def verify_language(name: str, soak: int, isolation: str, as_json: bool) -> None:
    """Try NAME, a language or a TOML file, with all that a backend must stand; tell what does not work yet.

    Exit code 1 if anything failed.
    """
    from lowres_code._util.progress import progress_line
    from lowres_code.conformance import verify

    language = find_language(name)
    with progress_line(screen(stderr=True), f"verifying {language.name}") as progress:
        report = verify(language, isolation, soak, progress)
    if as_json:
        print_json(report.as_json())
    else:
        _show_report(report)
    if not report.passed:
        raise SystemExit(1)


def _show_report(report: Report) -> None:
    table = Table("check", "outcome", "seen")
    for check in report.checks:
        table.add_row(check.name, check.outcome.value, check.detail)
    console().print(table)
    words = "conforms" if report.passed else f"does not conform: {len(report.failures)} failed"
    console().print(
        f"{report.language} {words}; isolation {report.isolation}; {report.programs} programs: "
        f"p50 {report.p50_ms:g} ms, p90 {report.p90_ms:g} ms, {report.per_s:g} programs/s",
        highlight=False,
        markup=False,
    )


def _show_bench(result: Bench) -> None:
    table = Table("program", "warm p50", "p90", "per s", "fresh p50", "p90", "per s", "ratio")
    for row in result.programs:
        cells = [f"{value:g}" for t in (row.warm, row.fresh) for value in (t.p50_ms, t.p90_ms, t.per_s)]
        table.add_row(row.program.splitlines()[-1][:40], *cells, f"{row.ratio:g}")
    console().print(table)
    console().print(
        f"fresh: a sandbox of its own for {result.fresh}\n"
        f"times in ms, isolation {result.isolation}; a batch of {result.batch} of the last program on "
        f"{result.workers} workers: {result.batch_per_s:g} programs/s",
        highlight=False,
        markup=False,
    )
