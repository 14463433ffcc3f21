"""Teach small open models the languages that have little public text, by running what they write.

The names below are the public interface; importing them does not import torch.
"""

from lowres_code.errors import JudgeError, LowresCodeError, UsageError
from lowres_code.judge import Judge, Judgement
from lowres_code.language import (
    Diagnostic,
    EmbeddedLanguage,
    Example,
    Execution,
    Language,
    Limits,
    Missing,
    SelfTest,
    Status,
)
from lowres_code.plugins import hookimpl, plugin_manager
from lowres_code.problem import Problem, Test
from lowres_code.recipe import Recipe, load_recipe
from lowres_code.reward import RewardTerm
from lowres_code.sources import ProblemSource, SourceOptions

__version__ = "0.1.0"

__all__ = [
    "Diagnostic",
    "EmbeddedLanguage",
    "Example",
    "Execution",
    "Judge",
    "JudgeError",
    "Judgement",
    "Language",
    "Limits",
    "LowresCodeError",
    "Missing",
    "Problem",
    "ProblemSource",
    "Recipe",
    "RewardTerm",
    "SelfTest",
    "SourceOptions",
    "Status",
    "Test",
    "UsageError",
    "hookimpl",
    "load_recipe",
    "plugin_manager",
]
