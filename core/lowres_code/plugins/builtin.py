"""What this package itself brings, as a plugin like any third party's; languages are plugins of their own."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from lowres_code.checkers import CHECKERS, Checker
from lowres_code.plugins.hookspecs import Registry, hookimpl
from lowres_code.reward import TERMS, RewardTerm
from lowres_code.sources import ProblemSource
from lowres_code.sources.data_sets import Dataset, File
from lowres_code.sources.reasoning_gym import ReasoningGym


@hookimpl
def register_problem_sources(register: Registry[ProblemSource[Any]]) -> None:
    """Made on the spot, from the hub, or from a file."""
    for source in (ReasoningGym(), Dataset(), File()):
        register(source)


@hookimpl
def register_rewards(register: Registry[RewardTerm[Any]]) -> None:
    """The terms of `lowres_code.reward`."""
    for term in TERMS:
        register(term)


@hookimpl
def register_checkers(register: Registry[Checker]) -> None:
    """Those of `lowres_code.checkers`."""
    for checker in CHECKERS:
        register(checker)


@hookimpl
def register_recipes(register: Registry[Path]) -> None:
    """The folder ``recipes/``."""
    spec = importlib.util.find_spec("lowres_code.recipes")
    if spec is not None and spec.submodule_search_locations:
        register(Path(next(iter(spec.submodule_search_locations))))
