"""verl: a reward function that its reward managers call.

``reward.custom_reward_function.path=pkg://lowres_code.adapters.verl reward.custom_reward_function.name=compute_score
+reward.custom_reward_function.reward_kwargs.language=prolog``
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lowres_code.adapters.judging import row_of, surely_judged
from lowres_code.errors import UsageError


def compute_score(solution_str: str, ground_truth: Any, *, language: str = "", **_: Any) -> dict[str, Any]:
    """The score of one completion: 1 for a right program, 0 for another.

    Args:
        solution_str: what the model wrote.
        ground_truth: the right answer, a list of tests, or a row with the keys of a problem.
        language: its name or its file; must be given, as one of the ``reward_kwargs``.

    Raises:
        UsageError: there is no such language, or the ground truth does not say what is right.
        JudgeError: the judge itself has failed. verl cannot leave out a sample, so its run stops here and goes on
            from its last checkpoint.
    """
    if not language:
        raise UsageError("which language? +reward.custom_reward_function.reward_kwargs.language=prolog")
    judgement = surely_judged(language, solution_str, row_of(_plain(ground_truth)))
    return {"score": float(judgement.correct), "acc": float(judgement.correct), "verdict": judgement.verdict}


def _plain(value: Any) -> Any:
    """The value without numpy's arrays, in which verl's data sets keep lists."""
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return value.tolist() if hasattr(value, "tolist") else value
