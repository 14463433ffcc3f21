"""What the public interface adds to the modules behind it: a language can be given by its name."""

from __future__ import annotations

from collections.abc import Iterable

from lowres_code.asked import check_servers
from lowres_code.errors import UsageError
from lowres_code.judge import Judge as _Judge
from lowres_code.language.base import Language, Limits
from lowres_code.plugins.manager import find_language as find_registered


def find_language(name: str, elsewhere: bool = False) -> Language:
    """The language backend of that name, or in that TOML file, if its tools are installed.

    Args:
        name: the name, or the path of the file.
        elsewhere: whether its programs run at a served judge or over a cluster, and its tools need not be here.

    Raises:
        UsageError: there is none, or something it needs is missing.
    """
    language = find_registered(name).thing
    if not elsewhere:
        must_be_installed(language)
    return language


def must_be_installed(language: Language) -> None:
    """See that what a language needs is on this machine.

    Raises:
        UsageError: something is missing.
    """
    if missing := language.missing():
        raise UsageError(missing.message(language.name))


class Judge(_Judge):
    """Judges programs of one language; holds the worker processes, so use it in ``with`` or `close` it.

    Example: ``with Judge("lua") as judge: judge.check("print(6 * 7)", answer="42").correct``. Several threads may use
    one at once. It belongs to the process that made it; pickled, it makes its own elsewhere.
    """

    def __init__(
        self,
        language: Language | str,
        limits: Limits | None = None,
        isolation: str = "auto",
        workers: int | None = None,
        servers: str | Iterable[str] = (),
        ray: str | None = None,
    ) -> None:
        """Args:
            language: the backend, its name, or the path of its TOML file.
            limits: of each program; by default `Limits`. The language's own needs come first.
            isolation: ``"auto"``, or the name of an isolation.
            workers: how many programs at a time; by default one for each core.
            servers: the address, or addresses, of served judges (``lowres-code serve``) that run the programs instead
                of this machine; the token is taken from the environment variable ``LOWRES_CODE_TOKEN``.
            ray: or the address of a Ray cluster all of whose nodes run them, ``workers`` at a time each; ``"local"``
                starts one here, ``"auto"`` is that of this machine.

        Raises:
            UsageError: there is no such language, or something it needs is missing.
            JudgeError: the isolation does not work here, no server answers, or a node cannot run the language.
        """
        addresses = (servers,) if isinstance(servers, str) else check_servers(servers)
        found = find_language(language, bool(addresses or ray)) if isinstance(language, str) else language
        super().__init__(found, limits, isolation, workers, addresses, ray)

    def __enter__(self) -> Judge:
        return self
