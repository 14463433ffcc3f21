"""The command line: one module for each command."""

from lowres_code.cli.main import main

__all__ = ["main"]
