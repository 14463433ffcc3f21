"""Recipes: TOML files that say which model learns what, from which problems, and how it is measured; and suites."""

from lowres_code.recipe.check import load_limits, load_recipe
from lowres_code.recipe.files import RecipeFile, open_recipe
from lowres_code.recipe.locate import find_recipe, recipe_names
from lowres_code.recipe.schema import DataTable, LimitsTable, LoraTable, ModelTable, Recipe
from lowres_code.recipe.stages import EvalTable, PromptTable
from lowres_code.recipe.suite import Suite, open_suite
from lowres_code.recipe.table import Expected

__all__ = [
    "DataTable",
    "EvalTable",
    "Expected",
    "LimitsTable",
    "LoraTable",
    "ModelTable",
    "PromptTable",
    "Recipe",
    "RecipeFile",
    "Suite",
    "find_recipe",
    "load_limits",
    "load_recipe",
    "open_recipe",
    "open_suite",
    "recipe_names",
]
