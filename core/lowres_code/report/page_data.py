"""What the page of a report shows, gathered from runs and evaluations; see ``page/app.js`` for what is made of it."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import tomli_w
from pydantic import BaseModel, Field

from lowres_code.errors import UsageError
from lowres_code.evaluation.compare import Comparison, compare
from lowres_code.evaluation.folder import EvaluationFolder
from lowres_code.evaluation.metrics import Metrics
from lowres_code.generation.endpoint import without_credentials
from lowres_code.plugins.manager import find_language
from lowres_code.recipe.schema import Recipe
from lowres_code.report.page_samples import Columns, Sampled
from lowres_code.runs.directory import RunDirectory
from lowres_code.runs.loaded import Evaluation, Run, load_evaluation, load_run

LABELS = {"base": "before", "sft": "after SFT", "trained": "after"}


class RunPart(BaseModel):
    """A training run: what was measured in each step, and where it comes from."""

    name: str
    steps: list[int]
    metrics: dict[str, list[float | None]]
    verdicts: list[str]
    counts: list[list[int]]
    health: list[dict[str, Any]]
    facts: dict[str, str | int]
    recipe: str


class EvaluationPart(BaseModel):
    """An evaluation's figures."""

    label: str
    all: Metrics | None
    by_task: dict[str, Metrics]
    by_difficulty: dict[str, Metrics]


class ComparisonPart(BaseModel):
    """Two evaluations, paired."""

    title: str
    notes: list[str]
    all: dict[str, Any]
    by_task: dict[str, Any]
    by_turn: dict[int, Any]


class Page(Sampled):
    """All that a page shows."""

    title: str
    subtitle: str
    measured: str
    notes: list[str] = Field(default=[])
    runs: list[RunPart]
    evaluations: list[EvaluationPart]
    comparisons: list[ComparisonPart]
    left_out: str = ""

    def as_json(self) -> str:
        """All of it in ASCII: a model may have written half of a character."""
        return json.dumps(self.model_dump(), separators=(",", ":"))


class Gathered:
    """What is in some runs and evaluations, under one set of labels."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """Raises `UsageError` if one is neither a run nor an evaluation."""
        self.runs: list[Run] = []
        self.evaluations: list[tuple[str, str, Evaluation]] = []  # label, language
        self.interim: set[Path] = set()  # those that were made while a model trained
        several = sum(RunDirectory(path).exists() for path in paths) > 1
        for path in paths:
            if RunDirectory(path).exists():
                self._add_run(load_run(path), path.name if several else "")
            elif not EvaluationFolder(path).exists() and not EvaluationFolder(path).is_of_an_older_version():
                raise UsageError(f"{str(path)!r} holds no run (no recipe.toml and env.json), and no evaluation")
            else:
                evaluation = load_evaluation(path)
                self.evaluations.append((path.name, evaluation.summary.asked.language, evaluation))

    def _add_run(self, run: Run, name: str) -> None:
        self.runs.append(run)
        grpo = "after GRPO" if "sft" in run.evaluations else LABELS["trained"]
        for stage, evaluation in run.evaluations.items():
            label = grpo if stage == "trained" else LABELS.get(stage, stage.replace("-", " "))
            self.evaluations.append((f"{name}, {label}" if name else label, str(run.env["language"]), evaluation))
            if stage not in LABELS:
                self.interim.add(evaluation.path)


def page_of(paths: Sequence[Path]) -> Page:
    """The page of runs and evaluations, with every sample.

    Raises:
        UsageError: one is neither a run nor an evaluation, or cannot be read.
    """
    found = Gathered(paths)
    notes = [f"{label}: {one.unfinished}" for label, _, one in found.evaluations if one.unfinished]
    page = Page(
        title=_title(found, paths),
        subtitle=_subtitle(found),
        measured=_measured(found),
        runs=[_run_part(run) for run in found.runs],
        evaluations=[_evaluation_part(label, one) for label, _, one in found.evaluations],
        comparisons=list(_comparisons(found, notes)),
        notes=notes,
    )
    columns = Columns(page)
    for label, language, evaluation in found.evaluations:
        samples = sorted(evaluation.samples, key=lambda sample: (sample.problem, sample.greedy, sample.sample))
        columns.add(label, language, samples, evaluation.problems.values())
    for run in found.runs:
        label = f"{run.path.name}, training" if len(found.runs) > 1 else "training"
        problems = RunDirectory(run.path).training_problems()
        columns.add(label, str(run.env["language"]), run.samples, problems)
    return page


def _run_part(run: Run) -> RunPart:
    records = [record for record in run.metrics if "step" in record]
    steps = [int(record["step"]) for record in records]
    names = sorted({name for record in records for name, value in record.items() if isinstance(value, int | float)})
    by_step = Counter((sample.step, sample.verdict) for sample in run.samples)
    total = Counter(sample.verdict for sample in run.samples)
    verdicts = sorted(total, key=lambda verdict: (verdict != "correct", -total[verdict]))
    return RunPart(
        name=run.path.name,
        steps=steps,
        metrics={name: [_number(record.get(name)) for record in records] for name in names},
        verdicts=verdicts,
        counts=[[by_step[(step, verdict)] for step in steps] for verdict in verdicts],
        health=[finding.as_json() for finding in run.health],
        facts=_facts(run),
        recipe=tomli_w.dumps(_without_secrets(run.recipe).model_dump(exclude_none=True)),
    )


def _without_secrets(recipe: Recipe) -> Recipe:
    """The same without a password in an address: pages are given away."""
    if recipe.sft is None or recipe.sft.url is None:
        return recipe
    return recipe.model_copy(update={"sft": recipe.sft.model_copy(update={"url": without_credentials(recipe.sft.url)})})


def _number(value: Any) -> float | None:
    """NaN and infinity are no JSON."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _facts(run: Run) -> dict[str, str | int]:
    env, status = run.env, run.status
    state = f"{status['state']}, step {status['step']} of {status['steps']}, {status['updated']}"
    named = {name: env.get(name) for name in ("language", "seed", "isolation", "processes", "cpus", "gpu", "commit")}
    packages = {name: env.get("packages", {}).get(name) for name in ("lowres-code", "torch", "transformers", "trl")}
    facts = {"model": run.recipe.model.name, "state": state, **named, "system": env.get("system"), **packages}
    return {name: value for name, value in facts.items() if value is not None}


def _evaluation_part(label: str, evaluation: Evaluation) -> EvaluationPart:
    summary = evaluation.summary
    return EvaluationPart(label=label, all=summary.all, by_task=summary.by_task, by_difficulty=summary.by_difficulty)


def _comparisons(found: Gathered, notes: list[str]) -> Iterable[ComparisonPart]:
    """The first evaluation against the last, and each stage against the one before; or all against the first."""
    there = [
        (label, one.path) for label, _, one in found.evaluations if one.summary.all and one.path not in found.interim
    ]
    if len(there) < 2:
        return
    pairs = [(there[0], other) for other in there[1:]]
    if len(found.runs) == 1 and len(there) > 2:
        pairs = [(there[0], there[-1]), *((there[n], there[n + 1]) for n in range(1, len(there) - 1))]
    for (before, old), (after, new) in pairs:
        try:
            compared: Comparison = compare(EvaluationFolder(old), [EvaluationFolder(new)], anyway=True)[0]
        except UsageError as error:  # no problem in common, for one: the others can still be compared
            notes.append(f"{before} and {after} are not compared: {error}")
            continue
        yield ComparisonPart(
            title=f"{before} → {after}",
            notes=compared.notes(),
            all=compared.all.model_dump(mode="json"),
            by_task={task: part.model_dump(mode="json") for task, part in compared.by_task.items()},
            by_turn={turn: part.model_dump(mode="json") for turn, part in compared.by_turn.items()},
        )


def _title(found: Gathered, paths: Sequence[Path]) -> str:
    if len(found.runs) == 1:
        run = found.runs[0]
        return f"{Path(run.recipe.model.name).name} learns {_language(run.env['language'])}"
    return " and ".join(path.name for path in paths)


def _language(name: str) -> str:
    """A language's title, if it is installed here; a report may be made elsewhere."""
    try:
        return find_language(name).thing.title
    except UsageError:
        return name


def _subtitle(found: Gathered) -> str:
    if len(found.runs) == 1:
        run = found.runs[0]
        return (
            f"recipe {run.recipe.recipe.name or '(unnamed)'}, seed {run.env['seed']}, {str(run.status['updated'])[:10]}"
        )
    return ", ".join(sorted({f"{one.summary.asked.model} ({language})" for _, language, one in found.evaluations}))


def _measured(found: Gathered) -> str:
    figures = [(one.summary, one.summary.all) for _, _, one in found.evaluations if one.summary.all]
    if not figures:
        return ""
    summary, metrics = figures[0]
    asked = summary.asked
    return (
        f"pass@1: the share of right programs, {metrics.problems} held-out problems x {asked.samples} samples at "
        f"temperature {asked.temperature:g}; 95 % intervals with the problem as the unit."
    )
