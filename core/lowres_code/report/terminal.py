"""What people read in a terminal: the tables of runs, evaluations and comparisons. Names are shown without markup."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from lowres_code.evaluation.compare import Comparison, Difference
from lowres_code.evaluation.folder import Summary
from lowres_code.evaluation.metrics import Metrics, TrustFigures
from lowres_code.report.fitting import Fitting, Row, fitting, table_of
from lowres_code.runs.directory import DONE, INTERRUPTED, STAGES, RunDirectory
from lowres_code.runs.expected import outcome_lines
from lowres_code.runs.loaded import Evaluation

ALL = "all"  # the label of the row of totals; a task may be called so too


_SHARES = ("syntax", "runs")  # the columns that a narrow terminal has no room for


def evaluation_tables(summary: Summary, title: str) -> Iterator[Fitting | Text]:
    """Shares of samples that parse, run and are right, overall, by task and by difficulty; then all other figures."""
    if summary.all is None:
        yield Text(f"{title}: no sample was judged")
        return
    by_task: list[Row] = [[Text(task), *_row(part)] for task, part in summary.by_task.items()]
    syntax, runs = _percentages(summary.all)
    columns = ("problems", *_SHARES, "pass@1")
    rows = [[ALL, *_row(summary.all)], None, *by_task]
    yield fitting(title, ("task", *columns), rows, _SHARES, note=f"syntax {syntax}; runs {runs}")
    if len(summary.by_difficulty) > len(summary.by_task):  # else it says the same by other names
        by_difficulty: list[Row] = [
            [Text(difficulty), *_row(part)] for difficulty, part in summary.by_difficulty.items()
        ]
        yield fitting("", ("difficulty", *columns), by_difficulty, _SHARES)
    yield Text("\n".join(_figures(summary.all)))


def _figures(figures: Metrics) -> Iterator[str]:
    """Everything that is not in the table, in a few lines."""
    several = [f"pass@{k} {share}" for k, share in figures.pass_at_k.items()]
    greedy = [f"greedy {figures.greedy}"] if figures.greedy else []
    greedy += [f"tests passed {figures.fraction}"] if figures.fraction else []
    if figures.pass_at_1_by_turn:
        yield f"pass@1 by turn: {_by_turn(figures)}"
    yield "; ".join([*several, f"any right {figures.any_of_n}", f"all right {figures.all_of_n}", *greedy])
    shares = {"cut": figures.cut, "timeout": figures.timeout, "judge failed": figures.infra_error}
    sizes = [f"{figures.tokens:g} tokens"] if figures.tokens is not None else []
    sizes += [f"{figures.seconds:g} s a sample (mean)"] if figures.seconds else []
    yield "; ".join([*(f"{name} {share.value:.1%}" for name, share in shares.items()), *sizes])
    yield ", ".join(f"{verdict} {count}" for verdict, count in figures.verdicts.items())
    if trust := figures.trust:
        bare = "" if trust.bare is None else f"; of the right ones {trust.bare:.1%} merely state their answer"
        bare += f"; {trust.unread} right ones could not be read" if trust.unread else ""
        agreement = "" if trust.agreement is None else f", {trust.agreement:.0%} of the numbers named in the reasoning"
        yield (
            f"programmed and right {trust.earned}{bare}; {trust.clauses:g} clauses, {trust.predicates:g} predicates, "
            f"{trust.constraints:g} constraints a program{agreement}"
        )
        yield from _checks(trust)


def _checks(trust: TrustFigures) -> Iterator[str]:
    """What became of right programs that were looked at once more."""
    told = []
    if trust.one_answer is not None:
        told.append(f"of the right ones {trust.one_answer:.1%} have one answer alone, and so did not try several")
    if trust.follow_renaming is not None:
        told.append(f"{trust.follow_renaming:.1%} of {trust.renamed} are still right with other names")
    if trust.follow_numbers is not None:
        told.append(f"{trust.follow_numbers:.1%} of {trust.renumbered} with the numbers of another question")
    if told:
        yield "; ".join(told)


def run_tables(stages: Mapping[str, Summary]) -> Iterator[Fitting | Text]:
    """The evaluations of a run side by side, overall and by task; on a narrow terminal, one below the other.

    Args:
        stages: at least one of ``base``, ``sft``, ``trained``, in this order.
    """
    figures = [summary.all for summary in stages.values() if summary.all is not None]
    if len(figures) < len(stages):
        yield Text("no sample was judged")
        return
    first = next(iter(stages.values()))
    title = f"{figures[0].problems} held-out problems x {first.asked.samples} samples"
    title += f" at temperature {first.asked.temperature:g}; 95 % intervals"
    parts: dict[str, list[Metrics]] = {}
    for task in first.by_task:
        measured = [summary.by_task[task] for summary in stages.values() if task in summary.by_task]
        if len(measured) == len(stages):
            parts[task] = measured
    when = [_when(stage, stages) for stage in stages]
    yield _side_by_side(title, when, figures, parts)
    if greedy := [f"{stage} {part.greedy}" for stage, part in zip(when, figures, strict=True) if part.greedy]:
        yield Text(f"greedily, one sample of each: {', '.join(greedy)}")
    for stage, part in zip(stages, figures, strict=True):
        if part.pass_at_1_by_turn:
            yield Text(f"pass@1 by turn, {_when(stage, stages)}: {_by_turn(part)}")


def _side_by_side(title: str, when: list[str], figures: list[Metrics], tasks: Mapping[str, list[Metrics]]) -> Fitting:
    """The stages of a run: beside each other, with shares where they have room, else one below the other."""
    rows: list[Row] = [[ALL, *_change(figures)], None]
    below: list[Row] = [[ALL, _stacked(when, figures)], None]
    for task, parts in tasks.items():
        rows.append([Text(task), *_change(parts)])
        below += [[Text(task), _stacked(when, parts)], None]
    columns = ("task", *_SHARES, *(f"pass@1 {stage}" for stage in when))
    syntax, runs = _changed_shares(figures)
    beside = fitting(title, columns, rows, _SHARES, note=f"syntax {syntax}; runs {runs}").forms
    beside = beside if len(when) < 3 else beside[1:]  # of three stages they are too wide
    return Fitting([*beside, (table_of(title, ("task", "pass@1"), below), beside[-1][1])])


def _stacked(when: Sequence[str], parts: Sequence[Metrics]) -> str:
    return "\n".join(f"{stage} {part.pass_at_1}" for stage, part in zip(when, parts, strict=True))


def _by_turn(figures: Metrics) -> str:
    return ", ".join(f"{turn}: {share}" for turn, share in figures.pass_at_1_by_turn.items())


def steps_table(steps: Mapping[int, Summary]) -> Fitting:
    """The evaluations that were made while the model trained."""
    rows = [[str(step), *_row(summary.all)] for step, summary in steps.items() if summary.all]
    columns = ("step", "problems", *_SHARES, "pass@1")
    return fitting("while training; 95 % intervals", columns, rows, _SHARES)


def steps_made(run: RunDirectory, last: int = 10) -> Fitting:
    """The last steps of a training, as far as it is."""
    status = run.status()
    title = f"{run.path}: {status['state']}, step {status['step']} of {status['steps']}"
    rows = [[str(it["step"]), *(_figure(it.get(name)) for name in _STEP)] for it in run.read_metrics()[-last:]]
    return fitting(title, ("step", *_STEP.values()), rows, ["entropy"], ["cut", "seconds"], ["tokens", *_SHARES])


_STEP = {
    "reward": "reward",
    "share/correct": "right",
    "share/runs": "runs",
    "share/syntax": "syntax",
    "completions/mean_length": "tokens",
    "completions/clipped_ratio": "cut",
    "entropy": "entropy",
    "step_time": "seconds",
}


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def comparison_table(comparison: Comparison) -> Fitting:
    """Two evaluations, paired: overall, by turn and by task."""
    title = f"{comparison.before} -> {comparison.after}: the same problems, paired; 95 % intervals"
    columns = ("task", "problems", "before", "after", "difference", "better / worse", "p (exact)")
    by_turn = [[f"after turn {turn}", *_difference(part)] for turn, part in comparison.by_turn.items()]
    by_task: list[Row] = [[Text(task), *_difference(part)] for task, part in comparison.by_task.items()]
    rows = [[ALL, *_difference(comparison.all)], *by_turn, None, *by_task]
    return fitting(title, columns, rows, ["problems"], ["better / worse"], ["p (exact)"])


def print_evaluation(evaluation: Evaluation, console: Console) -> None:
    """All that is known of an evaluation by itself; of one that is unfinished, what is there."""
    asked = evaluation.summary.asked
    title = f"{evaluation.path}: {asked.model}, {asked.language}"
    console.print(*evaluation_tables(evaluation.summary, title), sep="\n")
    if evaluation.unfinished:
        console.print(Text(evaluation.unfinished))


def print_run(run: RunDirectory, console: Console) -> None:
    """All that is known of a run: how far it came, its evaluations in one table, what to do next."""
    status = run.status()
    stages = {stage: summary for stage in STAGES if (summary := run.evaluation(stage))}
    steps = f", step {status['step']} of {status['steps']}" if status["steps"] else ""
    unfinished = status["state"] != DONE and not run.is_alive()
    stopped = ", stopped" if unfinished and status["state"] != INTERRUPTED else ""
    console.print(Text(f"{run.path}: {status['state']}{stopped}{steps} ({status['updated']})"))
    if len(stages) > 1:
        console.print(*run_tables(stages), sep="\n")
        for line in outcome_lines(run):
            console.print(Text(line))
    else:
        for stage, summary in stages.items():
            console.print(*evaluation_tables(summary, f"{_when(stage)} training"), sep="\n")
    if steps_measured := run.step_evaluations():
        console.print(steps_table(steps_measured))
    for line in (*_summary(run.read_metrics()), *(f"Warning: {finding}" for finding in run.read_health())):
        console.print(Text(line))
    if unfinished:
        console.print(Text(f"Go on with: lowres-code train --resume {shlex.quote(str(run.path))}"))


def _row(part: Metrics) -> list[str]:
    return [str(part.problems), *_percentages(part), str(part.pass_at_1)]


def _when(stage: str, stages: Collection[str] = ()) -> str:
    """A stage of a run, as people read it beside the others."""
    return {"base": "before", "sft": "after SFT"}.get(stage, "after GRPO" if "sft" in stages else "after")


def _change(parts: Sequence[Metrics]) -> list[str]:
    return [*_changed_shares(parts), *(str(part.pass_at_1) for part in parts)]


def _changed_shares(parts: Sequence[Metrics]) -> list[str]:
    return [" -> ".join(shares) for shares in zip(*map(_percentages, parts), strict=True)]


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
    memory = max(record.get("cost/peak_gib", 0) for record in timed)
    return [
        f"reward {first['reward']:.3f} (step {first['step']}) -> {last['reward']:.3f} (step {last['step']}); "
        f"correct in training {first['share/correct']:.1%} -> {last['share/correct']:.1%}",
        f"{step_s:.1f} s a step (median), of which the judge {judge:.1%}"
        + (f"; {memory:.1f} GiB of memory at most" if memory else ""),
    ]


def _percentages(part: Metrics) -> list[str]:
    return [f"{share.value:.1%}" for share in (part.syntax, part.runs)]
