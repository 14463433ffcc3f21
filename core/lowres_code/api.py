"""What the public interface adds to the modules behind it: a language can be given by its name."""

from __future__ import annotations

from lowres_code.errors import UsageError
from lowres_code.judge import Judge as _Judge
from lowres_code.language.base import Language, Limits
from lowres_code.plugins.manager import find_language as find_registered


def find_language(name: str) -> Language:
    """The language backend of that name, or in that TOML file, if its tools are installed.

    Raises:
        UsageError: there is none, or something it needs is missing.
    """
    language = find_registered(name).thing
    missing = language.missing()
    if missing:
        raise UsageError(missing.message(language.name))
    return language


class Judge(_Judge):
    """Judges programs of one language; holds the worker processes, so use it in ``with`` or `close` it.

    Example: ``with Judge("lua") as judge: judge.judge([completion], [problem])``.
    """

    def __init__(
        self,
        language: Language | str,
        limits: Limits | None = None,
        isolation: str = "auto",
        workers: int | None = None,
    ) -> None:
        """Args:
            language: the backend, its name, or the path of its TOML file.
            limits: of each program; by default `Limits`. The language's own needs come first.
            isolation: ``"auto"``, or the name of an isolation.
            workers: how many programs at a time; by default one for each core.

        Raises:
            UsageError: there is no such language, or something it needs is missing.
            JudgeError: the isolation does not work here.
        """
        found = find_language(language) if isinstance(language, str) else language
        super().__init__(found, limits, isolation, workers)

    def __enter__(self) -> Judge:
        return self
