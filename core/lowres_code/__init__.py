"""Teach small open models the languages that have little public text, by running what they write.

The names below are the public interface. Each is imported when it is first used: importing this package imports
nothing else, so that the workers that run programs stay small.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # ``X as X`` says that X is exported
    from lowres_code.api import Judge as Judge
    from lowres_code.api import find_language as find_language
    from lowres_code.async_judge import AsyncJudge as AsyncJudge
    from lowres_code.checkers import Checker as Checker
    from lowres_code.checkers import find_checker as find_checker
    from lowres_code.conformance import assert_conforms as assert_conforms
    from lowres_code.errors import JudgeError as JudgeError
    from lowres_code.errors import LowresCodeError as LowresCodeError
    from lowres_code.errors import UsageError as UsageError
    from lowres_code.judgement import Judgement as Judgement
    from lowres_code.language.analysis import Analysis as Analysis
    from lowres_code.language.base import Diagnostic as Diagnostic
    from lowres_code.language.base import EmbeddedLanguage as EmbeddedLanguage
    from lowres_code.language.base import Example as Example
    from lowres_code.language.base import Execution as Execution
    from lowres_code.language.base import Language as Language
    from lowres_code.language.base import Limits as Limits
    from lowres_code.language.base import Missing as Missing
    from lowres_code.language.base import SelfTest as SelfTest
    from lowres_code.language.base import Status as Status
    from lowres_code.language.command import CommandLanguage as CommandLanguage
    from lowres_code.plugins.hookspecs import hookimpl as hookimpl
    from lowres_code.plugins.manager import plugin_manager as plugin_manager
    from lowres_code.problem import Problem as Problem
    from lowres_code.problem import Test as Test
    from lowres_code.recipe import Recipe as Recipe
    from lowres_code.recipe import load_recipe as load_recipe
    from lowres_code.reward import RewardInput as RewardInput
    from lowres_code.reward import RewardOptions as RewardOptions
    from lowres_code.reward import RewardTerm as RewardTerm
    from lowres_code.runs.loaded import Evaluation as Evaluation
    from lowres_code.runs.loaded import Run as Run
    from lowres_code.runs.loaded import load_evaluation as load_evaluation
    from lowres_code.runs.loaded import load_run as load_run
    from lowres_code.sources import ProblemSource as ProblemSource
    from lowres_code.sources import SourceOptions as SourceOptions
    from lowres_code.sources import part_of as part_of

__version__ = "0.1.0"

_HOMES = {
    "api": ("Judge", "find_language"),
    "async_judge": ("AsyncJudge",),
    "language.analysis": ("Analysis",),
    "language.command": ("CommandLanguage",),
    "errors": ("JudgeError", "LowresCodeError", "UsageError"),
    "checkers": ("Checker", "find_checker"),
    "conformance": ("assert_conforms",),
    "judge": ("Judgement",),
    "language.base": (
        "Diagnostic",
        "EmbeddedLanguage",
        "Example",
        "Execution",
        "Language",
        "Limits",
        "Missing",
        "SelfTest",
        "Status",
    ),
    "plugins.hookspecs": ("hookimpl",),
    "plugins.manager": ("plugin_manager",),
    "problem": ("Problem", "Test"),
    "recipe": ("Recipe", "load_recipe"),
    "reward": ("RewardInput", "RewardOptions", "RewardTerm"),
    "runs.loaded": ("Evaluation", "Run", "load_evaluation", "load_run"),
    "sources": ("ProblemSource", "SourceOptions", "part_of"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)  # noqa: PLE0605


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
