"""What the page of a report shows, gathered from runs and evaluations; see ``page/app.js`` for what is made of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import tomli_w
from pydantic import BaseModel

from lowres_code.errors import UsageError
from lowres_code.evaluation.compare import Comparison, compare
from lowres_code.evaluation.folder import EvaluationFolder, ProblemRecord
from lowres_code.evaluation.metrics import Metrics
from lowres_code.evaluation.record import SampleRecord
from lowres_code.plugins.manager import find_language
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


class Problems(BaseModel):
    """Problems in columns."""

    id: list[str] = []
    task: list[str] = []
    question: list[str] = []
    expected: list[str] = []


class Samples(BaseModel):
    """Samples in columns.

    Attributes:
        source, problem, verdict: places in `Page.sources`, `Page.problems`, `Page.verdicts`.
        step: of training; 0 in an evaluation.
        text: the completion; program: where it stands in that, or itself, or nothing.
        answer, said, tokens, cut, bare: what the judge said, how long it was, and whether the answer is only stated.
    """

    source: list[int] = []
    problem: list[int] = []
    verdict: list[int] = []
    step: list[int] = []
    text: list[str] = []
    program: list[tuple[int, int] | str | None] = []
    answer: list[str | None] = []
    said: list[str] = []
    tokens: list[int | None] = []
    cut: list[bool] = []
    bare: list[bool] = []


class Page(BaseModel):
    """All that a page shows."""

    title: str
    subtitle: str
    measured: str
    notes: list[str] = []
    runs: list[RunPart]
    evaluations: list[EvaluationPart]
    comparisons: list[ComparisonPart]
    sources: list[str] = []
    languages: list[str] = []
    verdicts: list[str] = []
    problems: Problems = Problems()
    samples: Samples = Samples()
    left_out: str = ""


class Gathered:
    """What is in some runs and evaluations, under one set of labels."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """Raises `UsageError` if one is neither a run nor an evaluation."""
        self.runs: list[Run] = []
        self.evaluations: list[tuple[str, str, Evaluation]] = []  # label, language
        for path in paths:
            if RunDirectory(path).exists():
                self._add_run(load_run(path), path.name if len(paths) > 1 else "")
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


def page_of(paths: Sequence[Path]) -> Page:
    """The page of runs and evaluations, with every sample.

    Raises:
        UsageError: one is neither a run nor an evaluation, or cannot be read.
    """
    found = Gathered(paths)
    page = Page(
        title=_title(found, paths),
        subtitle=_subtitle(found),
        measured=_measured(found),
        runs=[_run_part(run) for run in found.runs],
        evaluations=[_evaluation_part(label, one) for label, _, one in found.evaluations],
        comparisons=list(_comparisons(found)),
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


class Columns:
    """Puts samples into the columns of a page."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._problems: dict[tuple[str, str], int] = {}  # id and question
        self._verdicts: dict[str, int] = {}

    def add(
        self, label: str, language: str, samples: Sequence[SampleRecord], problems: Iterable[ProblemRecord]
    ) -> None:
        """All samples of one source; problems with the same id and question are one for all sources."""
        if not samples:
            return
        known, columns = {problem.id: problem for problem in problems}, self._page.samples
        self._page.sources.append(label)
        self._page.languages.append(language)
        for sample in samples:
            columns.source.append(len(self._page.sources) - 1)
            columns.problem.append(self._problem(sample, known.get(sample.problem)))
            columns.verdict.append(self._verdict(sample.verdict))
            columns.step.append(sample.step or 0)
            columns.text.append(sample.completion)
            columns.program.append(_place(sample))
            columns.answer.append(sample.answer)
            columns.said.append(_said(sample))
            columns.tokens.append(sample.tokens)
            columns.cut.append(sample.cut)
            columns.bare.append(bool(sample.trust and sample.trust.bare))

    def _problem(self, sample: SampleRecord, record: ProblemRecord | None) -> int:
        question = record.question if record else ""
        key, problems = (sample.problem, question), self._page.problems
        if key not in self._problems:
            self._problems[key] = len(problems.id)
            tests = record.tests if record else ()
            problems.id.append(sample.problem)
            problems.task.append(sample.task)
            problems.question.append(question)
            problems.expected.append(" | ".join(str(test["expected"]) for test in tests if test.get("expected")))
        return self._problems[key]

    def _verdict(self, verdict: str) -> int:
        if verdict not in self._verdicts:
            self._verdicts[verdict] = len(self._page.verdicts)
            self._page.verdicts.append(verdict)
        return self._verdicts[verdict]


def _place(sample: SampleRecord) -> tuple[int, int] | str | None:
    """Where the program stands in the completion, in UTF-16 units, as JavaScript counts."""
    if sample.program is None:
        return None
    begin = sample.completion.find(sample.program)
    if begin < 0:
        return sample.program
    first = _units(sample.completion[:begin])
    return first, first + _units(sample.program)


def _units(text: str) -> int:
    return len(text) + sum(character > "\uffff" for character in text)


def _said(sample: SampleRecord) -> str:
    notes = [f"line {note.line}: {note.message}" if note.line else note.message for note in sample.diagnostics[:3]]
    return "\n".join(notes) or sample.stderr[-300:].strip()


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
        recipe=tomli_w.dumps(run.recipe.model_dump(exclude_none=True)),
    )


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


def _comparisons(found: Gathered) -> Iterable[ComparisonPart]:
    """The first evaluation against the last, and each stage against the one before; or all against the first."""
    there = [(label, one.path) for label, _, one in found.evaluations if one.summary.all and "step" not in label]
    if len(there) < 2:
        return
    pairs = [(there[0], other) for other in there[1:]]
    if len(found.runs) == 1 and len(there) > 2:
        pairs = [(there[0], there[-1]), *((there[n], there[n + 1]) for n in range(1, len(there) - 1))]
    for (before, old), (after, new) in pairs:
        compared: Comparison = compare(EvaluationFolder(old), [EvaluationFolder(new)], anyway=True)[0]
        yield ComparisonPart(
            title=f"{before} → {after}",
            notes=compared.notes(),
            all=compared.all.model_dump(mode="json"),
            by_task={task: part.model_dump(mode="json") for task, part in compared.by_task.items()},
        )


def _title(found: Gathered, paths: Sequence[Path]) -> str:
    if len(found.runs) == 1 and len(paths) == 1:
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
