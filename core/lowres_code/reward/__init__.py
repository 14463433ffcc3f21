"""Rewards: what a judged completion is worth, one term for each aspect. A recipe weighs them by name."""

from lowres_code.reward.base import RewardInput, RewardOptions, RewardTerm
from lowres_code.reward.terms import TERMS

__all__ = ["TERMS", "RewardInput", "RewardOptions", "RewardTerm"]
