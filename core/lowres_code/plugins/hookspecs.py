"""The hooks that a plugin may implement; each receives ``register`` and calls it once for each thing it brings.

The first that registers a name has it. What this package brings itself comes first; then the plugins of others: those
with ``hookimpl(tryfirst=True)``, the others, those with ``hookimpl(trylast=True)``, and among equals the one that was
loaded last. Wrappers are refused.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import pluggy

if TYPE_CHECKING:
    import click

    from lowres_code.checkers import Checker
    from lowres_code.language.base import Language
    from lowres_code.reward import RewardTerm
    from lowres_code.sources import ProblemSource

GROUP = "lowres_code"
hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)

T_contra = TypeVar("T_contra", contravariant=True)


class Registry(Protocol[T_contra]):
    """``register(thing)``; a name that is taken is refused."""

    def __call__(self, thing: T_contra, /) -> None:
        """Make the thing known."""


@hookspec
def register_languages(register: Callable[[Language], None]) -> None:
    """Register language backends: ``register(MyLanguage())``."""


@hookspec
def register_problem_sources(register: Callable[[ProblemSource[Any]], None]) -> None:
    """Register problem sources, for ``source = "NAME"`` in ``[data.train]`` and ``[data.eval]``."""


@hookspec
def register_rewards(register: Callable[[RewardTerm[Any]], None]) -> None:
    """Register reward terms, for ``NAME = WEIGHT`` in ``[reward]``, or ``[reward.NAME]`` with options."""


@hookspec
def register_checkers(register: Callable[[Checker], None]) -> None:
    """Register checkers, for ``"checker": "NAME"`` in a row, or ``"NAME(option=value)"``."""


@hookspec
def register_recipes(register: Callable[[Path], None]) -> None:
    """Register folders of recipes; a recipe's name is its path in the folder without ``.toml``."""


@hookspec
def register_commands(register: Callable[[click.Command], None]) -> None:
    """Register commands of ``lowres-code``."""
