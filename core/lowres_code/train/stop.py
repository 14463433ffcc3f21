"""Ends GRPO before its last step, where it learns no more.

What decides is measured on training problems: a run that ended where the held-out problems look best would have been
tuned on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.text import Text
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from lowres_code.errors import UsageError, near_match
from lowres_code.recipe.stages import StopTable
from lowres_code.train.processes import ALONE, Processes


class EarlyStop(TrainerCallback):  # type: ignore[misc]
    """Stops, with a checkpoint, after the step that gives a reason."""

    def __init__(
        self, table: StopTable, before: Sequence[float], console: Console, processes: Processes = ALONE
    ) -> None:
        """Args:
        table: ``[stop]``.
        before: the metric's values in the steps that were made already.
        console: is told the reason.
        processes: that train together; they stop together.
        """
        self._table, self._values, self._console, self._processes = table, [*before], console, processes

    def reason(self) -> str | None:
        """Why to stop now; ``None`` to go on."""
        return reason_to_stop(self._values, self._table)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """Look at what TRL measured in this step; one that learns from completions of before has no rewards.

        Raises:
            UsageError: there is no such metric.
        """
        if not logs or "reward" not in logs or state.global_step >= state.max_steps:
            return
        if (metric := self._table.metric) not in logs:
            raise UsageError(f"stop.metric: no metric {metric!r}; {near_match(metric, logs)}")
        self._values.append(logs[metric])
        if reason := next(filter(None, self._processes.all([self.reason()])), None):
            self._console.print(Text(f"Stopping after step {state.global_step}: {reason}"))
            control.should_save = control.should_training_stop = True


def reason_to_stop(values: Sequence[float], table: StopTable) -> str | None:
    """Why training may stop after the last of these steps; ``None`` if it should go on.

    Args:
        values: the metric in each step that has one.
        table: ``[stop]``.
    """
    means = [sum(values[end - table.window : end]) / table.window for end in range(table.window, len(values) + 1)]
    if not means:
        return None
    of = f"the mean of {table.metric} over {table.window} steps"
    if table.enough is not None and means[-1] >= table.enough:
        return f"{of} is {means[-1]:.3f}, and {table.enough:g} is enough"
    best = max(range(len(means)), key=means.__getitem__)  # the first of equal ones
    since = len(means) - 1 - best
    if table.patience is not None and since >= table.patience:
        return f"{of} has not surpassed {means[best]:.3f} for {since} steps"
    return None
