"""Backends that must not pass verification. Workers import this module: it imports no more than it must."""

from __future__ import annotations

from lowres_code.language.analysis import Analysis
from lowres_code.language.base import Execution, Limits, Status
from lowres_code.problem import Test

from tests.core.sandbox.snake import Snake

HELLO = "answer = 'hello'"


class Generous(Snake):
    """Calls every answer right."""

    name = "generous"
    snippets = {"hello": HELLO}  # noqa: RUF012

    def compare(self, expected: str, actual: str) -> bool:
        """Always."""
        return True


class Indifferent(Snake):
    """Answers hello whatever the program is."""

    name = "indifferent"
    snippets = {"hello": HELLO}  # noqa: RUF012

    def execute(self, program: str, test: Test, limits: Limits) -> Execution:
        """The program is not even looked at."""
        return Execution(Status.OK, answer="hello")


class Unreadable(Snake):
    """Fails at every analysis."""

    name = "unreadable"
    analyses = True

    def analyse(self, program: str) -> Analysis | None:
        """As if the disk were full."""
        raise OSError("no space")
