"""What a run shows and records while TRL trains: progress, metrics, status, and a way to stop without loss."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from lowres_code._util.files import JsonLines
from lowres_code._util.progress import Progress as Told
from lowres_code.runs.directory import TRAINING, RunDirectory
from lowres_code.train.processes import ALONE, Processes


class Interruption(TrainerCallback):  # type: ignore[misc]
    """Ctrl-C as a request: the first asks to stop after this step, with a checkpoint; the second stops at once.

    Of several processes it is enough that one was asked: all stop after the same step.
    """

    def __init__(self, processes: Processes = ALONE) -> None:
        self.stop_requested = False
        self._processes = processes

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Stop here, with a checkpoint, if a stop was requested."""
        self.stop_requested = self._processes.any(self.stop_requested)
        if self.stop_requested:
            control.should_save = control.should_training_stop = True

    @contextmanager
    def watched(self, console: Console) -> Iterator[None]:
        """Take over SIGINT and SIGTERM for as long as the block runs."""

        def note(_number: int, _frame: FrameType | None) -> None:
            if self.stop_requested:
                raise KeyboardInterrupt
            self.stop_requested = True
            console.print("\nStopping after this step; a checkpoint will be saved. Ctrl-C again stops at once.")

        before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class Recorder(TrainerCallback):  # type: ignore[misc]
    """Writes ``metrics.jsonl`` and ``status.json``, and shows progress."""

    def __init__(self, run: RunDirectory, console: Console) -> None:
        self._run = run
        self._metrics = run.metrics()
        self._console = console
        self._began = time.monotonic()
        self._first_step = 0
        self._shown = {"reward": 0.0, "share/correct": 0.0}
        self._bar = Progress(
            TextColumn("step"),
            MofNCompleteColumn(),
            BarColumn(),
            TextColumn("reward {task.fields[reward]:.3f}  correct {task.fields[correct]:.1%}"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Start the clock; a resumed run starts where it stopped."""
        self._began, self._first_step = time.monotonic(), state.global_step
        self._run.set_status(TRAINING, state.global_step, state.max_steps)
        self._task = self._bar.add_task("", total=state.max_steps, completed=state.global_step, reward=0.0, correct=0.0)
        self._bar.start()

    def close(self) -> None:
        """Give the screen back, also after an error."""
        self._bar.stop()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave the screen to somebody else for as long as the block runs."""
        self._bar.stop()
        try:
            yield
        finally:
            self._bar.start()

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Note how far the run is."""
        self._run.set_status(TRAINING, state.global_step, state.max_steps)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """Record what TRL measured in this step; one that learns from completions of before has no rewards."""
        if not logs or "loss" not in logs:
            return
        share = {"judge_share": logs["judge_s"] / logs["step_time"]} if {"judge_s", "step_time"} <= logs.keys() else {}
        self._metrics.append({"step": state.global_step, **logs, **share})
        self._shown |= {name: logs[name] for name in self._shown if name in logs}
        reward, correct = self._shown.values()
        self._bar.update(self._task, completed=state.global_step, reward=reward, correct=correct)
        if not self._console.is_terminal:
            self._print(state, reward, correct)

    def _print(self, state: TrainerState, reward: float, correct: float) -> None:
        done = state.global_step - self._first_step
        left = (time.monotonic() - self._began) / max(1, done) * (state.max_steps - state.global_step)
        self._console.print(
            f"step {state.global_step}/{state.max_steps}  reward {reward:.3f}  "
            f"correct {correct:.1%}  {left:.0f} s left",
            highlight=False,
        )


class SftRecorder(TrainerCallback):  # type: ignore[misc]
    """Writes the metrics of the supervised stage, a line for each step, and tells how far it is."""

    def __init__(self, metrics: Path, progress: Told) -> None:
        self._metrics = JsonLines(metrics)
        self._progress = progress

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """Record what TRL measured in this step."""
        self._metrics.append({"step": state.global_step, **(logs or {})})
        self._progress(state.global_step, state.max_steps)
