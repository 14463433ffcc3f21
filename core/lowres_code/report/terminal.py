"""What people read in a terminal: the tables of runs, evaluations and comparisons. Names are shown without markup."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lowres_code.evaluation.compare import Comparison, Difference
from lowres_code.evaluation.folder import Summary
from lowres_code.evaluation.metrics import Metrics
from lowres_code.runs.directory import DONE, INTERRUPTED, RunDirectory

ALL = "all"  # the label of the row of totals; a task may be called so too


def evaluation_tables(summary: Summary, title: str) -> Iterator[Table | Text]:
    """Shares of samples that parse, run and are right, overall, by task and by difficulty; then all other figures."""
    if summary.all is None:
        yield Text(f"{title}: no sample was judged")
        return
    table = _table(title, "task", "problems", "syntax", "runs", "pass@1")
    table.add_row(ALL, *_row(summary.all), end_section=True)
    for task, part in summary.by_task.items():
        table.add_row(Text(task), *_row(part))
    yield table
    if summary.by_difficulty:
        table = _table("", "difficulty", "problems", "syntax", "runs", "pass@1")
        for difficulty, part in summary.by_difficulty.items():
            table.add_row(Text(difficulty), *_row(part))
        yield table
    yield Text("\n".join(_figures(summary.all)))


def _figures(figures: Metrics) -> Iterator[str]:
    """Everything that is not in the table, in a few lines."""
    several = [f"pass@{k} {share}" for k, share in figures.pass_at_k.items()]
    greedy = [f"greedy {figures.greedy}"] if figures.greedy else []
    yield "; ".join([*several, f"any right {figures.any_of_n}", f"all right {figures.all_of_n}", *greedy])
    shares = {"cut": figures.cut, "timeout": figures.timeout, "judge failed": figures.infra_error}
    sizes = [f"{figures.tokens:g} tokens"] if figures.tokens is not None else []
    sizes += [f"{figures.seconds:g} s a sample (mean)"] if figures.seconds else []
    yield "; ".join([*(f"{name} {share.value:.1%}" for name, share in shares.items()), *sizes])
    yield ", ".join(f"{verdict} {count}" for verdict, count in figures.verdicts.items())


def run_table(base: Summary, trained: Summary) -> Table | Text:
    """Before and after, overall and by task."""
    if base.all is None or trained.all is None:
        return Text("no sample was judged")
    asked = base.asked
    title = f"{base.all.problems} held-out problems x {asked.samples} samples at temperature {asked.temperature:g}"
    table = _table(f"{title}; 95 % intervals", "task", "syntax", "runs", "pass@1 before", "pass@1 after")
    table.add_row(ALL, *_change(base.all, trained.all), end_section=True)
    for task, before in base.by_task.items():
        if task in trained.by_task:
            table.add_row(Text(task), *_change(before, trained.by_task[task]))
    return table


def steps_table(steps: Mapping[int, Summary]) -> Table:
    """The evaluations that were made while the model trained."""
    table = _table("while training; 95 % intervals", "step", "problems", "syntax", "runs", "pass@1")
    for step, summary in steps.items():
        if summary.all:
            table.add_row(str(step), *_row(summary.all))
    return table


def comparison_table(comparison: Comparison) -> Table:
    """Two evaluations, paired: overall and by task."""
    title = f"{comparison.before} -> {comparison.after}: the same problems, paired; 95 % intervals"
    table = _table(title, "task", "problems", "before", "after", "difference", "better / worse", "p (exact)")
    table.add_row(ALL, *_difference(comparison.all), end_section=True)
    for task, part in comparison.by_task.items():
        table.add_row(Text(task), *_difference(part))
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
        console.print(*evaluation_tables(base, "before training"), sep="\n")
    if meanwhile := run.step_evaluations():
        console.print(steps_table(meanwhile))
    for line in _summary(run.read_metrics()):
        console.print(Text(line))
    if unfinished:
        console.print(Text(f"Go on with: lowres-code train --resume {shlex.quote(str(run.path))}"))


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=Text(title) if title else None, title_justify="left")
    table.add_column(first, no_wrap=True)
    for column in others:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _row(part: Metrics) -> list[str]:
    return [str(part.problems), *_percentages(part), str(part.pass_at_1)]


def _change(before: Metrics, after: Metrics) -> list[str]:
    shares = (f"{b} -> {a}" for b, a in zip(_percentages(before), _percentages(after), strict=True))
    return [*shares, str(before.pass_at_1), str(after.pass_at_1)]


def _difference(part: Difference) -> list[str]:
    gained = f"{part.difference.value:+.3f} [{part.difference.low:+.3f}, {part.difference.high:+.3f}]"
    shares = [f"{share.value:.3f}" for share in (part.before, part.after)]
    return [str(part.problems), *shares, gained, f"{part.better} / {part.worse}", f"{part.p_value:.3g}"]


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


def _percentages(part: Metrics) -> list[str]:
    return [f"{share.value:.1%}" for share in (part.syntax, part.runs)]
