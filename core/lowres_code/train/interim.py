"""Evaluations while the model trains."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments


class Interim(TrainerCallback):  # type: ignore[misc]
    """Has the model evaluated after every so many steps, but for the last: the trained model is evaluated anyway.

    It is evaluated before that step's checkpoint is saved: a run that is stopped meanwhile comes here again, with the
    same weights, and goes on with the evaluation.
    """

    def __init__(
        self, every: int, paused: Callable[[], AbstractContextManager[None]], evaluate: Callable[[str], None]
    ) -> None:
        """Args:
        every: steps between two.
        paused: keeps the screen clear meanwhile.
        evaluate: takes the evaluation's name, ``step-N``.
        """
        self._every, self._paused, self._evaluate = every, paused, evaluate

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Evaluate, if it is time."""
        step = state.global_step
        if step % self._every == 0 and step < state.max_steps and not control.should_training_stop:
            with self._paused():
                self._evaluate(f"step-{step}")
