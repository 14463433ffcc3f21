"""What people read: the tables of a run and of an evaluation. Names are shown as they are, without markup."""

from __future__ import annotations

import shlex
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lowres_code.runs.directory import DONE, INTERRUPTED, RunDirectory

ALL = "all"  # the label of the row of totals; a task may be called so too


def interval_text(share: dict[str, float]) -> str:
    """A share with its 95 % interval: ``0.912 [0.880, 0.936]``."""
    return f"{share['value']:.3f} [{share['low']:.3f}, {share['high']:.3f}]"


def evaluation_table(evaluation: dict[str, Any], title: str) -> Table:
    """Shares of completions that parse, run and are right, overall and by task."""
    table = _table(title, "problems", "parse", "run", "pass@1")
    table.add_row(ALL, *_row(evaluation), end_section=True)
    for task, part in evaluation["by_task"].items():
        table.add_row(Text(task), *_row(part))
    return table


def run_table(base: dict[str, Any], trained: dict[str, Any]) -> Table:
    """Before and after, overall and by task."""
    title = (
        f"{base['problems']} held-out problems x {base['samples_per_problem']} samples at temperature "
        f"{base['temperature']:g}; 95 % intervals"
    )
    table = _table(title, "parse", "run", "pass@1 before", "pass@1 after")
    table.add_row(ALL, *_change(base, trained), end_section=True)
    for task, before in base["by_task"].items():
        table.add_row(Text(task), *_change(before, trained["by_task"][task]))
    return table


def print_run(run: RunDirectory, console: Console) -> None:
    """All that is known of a run: how far it came, the table if both evaluations are there, what to do next."""
    status, base, trained = run.status(), run.evaluation("base"), run.evaluation("trained")
    steps = f", step {status['step']} of {status['steps']}" if status["steps"] else ""
    unfinished = status["state"] != DONE and not run.is_alive()
    stopped = ", stopped" if unfinished and status["state"] != INTERRUPTED else ""
    console.print(Text(f"{run.path}: {status['state']}{stopped}{steps} ({status['updated']})"))
    if base and trained:
        console.print(run_table(base, trained))
    elif base:
        console.print(evaluation_table(base, "before training"))
    for line in _summary(run.read_metrics()):
        console.print(Text(line))
    if unfinished:
        console.print(Text(f"Go on with: lowres-code train --resume {shlex.quote(str(run.path))}"))


def _table(title: str, *columns: str) -> Table:
    table = Table(title=Text(title), title_justify="left")
    table.add_column("task", no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _row(part: dict[str, Any]) -> list[str]:
    return [str(part["problems"]), *_percentages(part), interval_text(part["pass@1"])]


def _change(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    shares = (f"{b} -> {a}" for b, a in zip(_percentages(before), _percentages(after), strict=True))
    return [*shares, interval_text(before["pass@1"]), interval_text(after["pass@1"])]


def _summary(metrics: list[dict[str, Any]]) -> list[str]:
    timed = [record for record in metrics if "step_time" in record and "judge_s" in record]
    if not timed:
        return []
    first, last = timed[0], timed[-1]
    step_s = sorted(record["step_time"] for record in timed)[len(timed) // 2]
    judge = sum(record["judge_s"] for record in timed) / sum(record["step_time"] for record in timed)
    return [
        f"reward {first['reward']:.3f} (step {first['step']}) -> {last['reward']:.3f} (step {last['step']}); "
        f"correct in training {first['share/correct']:.1%} -> {last['share/correct']:.1%}",
        f"{step_s:.1f} s a step (median), of which the judge {judge:.1%}",
    ]


def _percentages(part: dict[str, Any]) -> list[str]:
    return [f"{part[name]['value']:.1%}" for name in ("syntax", "runs")]
