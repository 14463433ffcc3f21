"""``lowres-code``: finds the commands, loads each only when it is called, turns errors into one line."""

from __future__ import annotations

import errno
import importlib
import io
import sys
from pathlib import Path
from typing import Any

import click

from lowres_code.errors import STOPPED, LowresCodeError, UsageError, near_match

COMMANDS = {
    "train": "Train a model with GRPO, the language itself being the judge.",
    "eval": "Measure a model on held-out problems.",
    "ask": "Ask a model one question, and run what it writes.",
    "compare": "Compare evaluations of the same problems.",
    "score": "Judge completions that you already have.",
    "run": "Run one program as the judge does.",
    "lang": "Languages: list, show, new, verify, bench.",
    "recipe": "Recipes: list, show, check, copy, diff, schema.",
    "report": "Say what runs gained, as a page with every sample too.",
    "watch": "Watch a run while it trains, in a browser and here.",
    "serve": "Serve the judge to other programs and machines.",
    "export": "Write a trained model with a model card, and share it.",
    "doctor": "Say what works on this machine, and what fixes the rest.",
}


class _Failure(click.ClickException):
    """One of this package's errors, as click shows errors."""

    def __init__(self, error: LowresCodeError) -> None:
        super().__init__(str(error))
        self.exit_code = error.exit_code  # type: ignore[misc]


def _about_files(error: OSError) -> LowresCodeError | None:
    """What to say of an error that a file, a folder or a disk has made; ``None`` of any other."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return LowresCodeError(f"cannot write: {error.strerror}")
    if error.filename is not None:
        return UsageError(f"cannot use {error.filename!r}: {error.strerror}")
    return UsageError(str(error.strerror)) if error.errno == errno.ENOENT else None  # no temporary directory


def _must_be_somewhere() -> None:
    try:
        Path.cwd()
    except OSError as error:
        raise UsageError(f"the working directory cannot be used: {error.strerror}") from error


def _write_all_text() -> None:
    """What the encoding of standard output or standard error lacks is written as an escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


class Commands(click.Group):
    """The built-in commands and those of plugins, imported when they are called."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run; what a terminal has no character for is written as an escape, whatever its encoding."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        return super().main(*args, **extra)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Built-in names first, then those that plugins bring."""
        return [*COMMANDS, *self._from_plugins()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, or ``None``."""
        if cmd_name in COMMANDS:
            module = importlib.import_module(f"lowres_code.cli.{cmd_name}_command")
            command: click.Command = module.command
            return command
        return self._from_plugins().get(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the near match in the message."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            raise click.UsageError(f"there is no command {args[0]!r}; {near_match(args[0], COMMANDS)}", ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands in the help, without importing them."""
        rows = [*COMMANDS.items(), *((n, c.get_short_help_str()) for n, c in self._from_plugins().items())]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> Any:
        """Turn this package's errors, and those of files, into one line and their exit code."""
        _write_all_text()
        try:
            _must_be_somewhere()
            return super().invoke(ctx)
        except LowresCodeError as error:
            raise _Failure(error) from error
        except KeyboardInterrupt as stop:
            click.echo("stopped", err=True)
            raise SystemExit(STOPPED) from stop
        except OSError as error:
            if (told := _about_files(error)) is None:
                raise
            raise _Failure(told) from error

    def _from_plugins(self) -> dict[str, click.Command]:
        from lowres_code.plugins.manager import plugin_manager

        return {name: registered.thing for name, registered in plugin_manager().commands.items()}


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="lowres-code")
def main() -> None:
    """Teach small open models the programming languages that have little public text.

    Sample programs, run them safely, reward the right ones (GRPO), measure honestly what was gained.
    """
