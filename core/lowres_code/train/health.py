"""Watches a run's health while TRL trains: what goes wrong is said on the screen and kept in the run."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from lowres_code.runs.directory import RunDirectory
from lowres_code.runs.health import Health


class HealthWatch(TrainerCallback):  # type: ignore[misc]
    """Writes ``health.jsonl``; a run that goes on is not told twice."""

    def __init__(self, run: RunDirectory, console: Console) -> None:
        self._file = run.health()
        self._console = console
        self._health = Health([finding.kind for finding in run.read_health()], run.read_metrics())

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """Look at what TRL measured in this step."""
        if not logs or "reward" not in logs or not state.is_world_process_zero:
            return
        for finding in self._health.observe({"step": state.global_step, **logs}):
            self._file.append(finding.as_json())
            self._console.print(Text(f"Warning: {finding}"))
