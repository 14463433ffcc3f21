"""A run or an evaluation as Python objects and as pandas frames."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lowres_code._util.given import PATH, must_be
from lowres_code.errors import UsageError
from lowres_code.evaluation.folder import EvaluationFolder, ProblemRecord, Summary
from lowres_code.evaluation.record import SampleRecord, read_samples
from lowres_code.recipe.schema import Recipe
from lowres_code.runs.directory import STAGES, RunDirectory
from lowres_code.runs.health import Finding

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, repr=False)
class Evaluation:
    """One evaluation.

    Attributes:
        path: its folder.
        summary: what was asked, and what it came to, with intervals; while samples are missing, the figures of those
            that are there.
    """

    path: Path
    summary: Summary

    def __repr__(self) -> str:
        asked, figures = self.summary.asked, self.summary.all
        told = [asked.model, asked.language, *([f"pass@1 {figures.pass_at_1}"] if figures else []), self._there]
        return f"Evaluation({str(self.path)!r}: {', '.join(told)})"

    @property
    def unfinished(self) -> str | None:
        """How far one is that lacks samples, and what goes on with it, for people; ``None`` if it is complete."""
        if self.summary.complete:
            return None
        run = self.path.absolute().parent.parent
        of_run = self.path.name in STAGES or self.path.name.startswith("step-")
        again = f"lowres-code train --resume {shlex.quote(str(run))}" if of_run else "the same lowres-code eval command"
        return f"unfinished, {self._there}: {again} goes on with it"

    @property
    def _there(self) -> str:
        """How many samples are there; of how many, if some are missing."""
        missing, expected = self.summary.missing, self.summary.asked.samples_of(len(self.problems))
        return f"{expected - missing} of {expected} samples" if missing else f"{expected} samples"

    @cached_property
    def samples(self) -> list[SampleRecord]:
        """Every judged sample."""
        return EvaluationFolder(self.path).samples()

    @cached_property
    def problems(self) -> dict[str, ProblemRecord]:
        """What was asked, by id."""
        return {problem.id: problem for problem in EvaluationFolder(self.path).problems()}

    def frame(self) -> pandas.DataFrame:
        """The samples, a row each, with the question beside them and a column ``correct``."""
        questions = {name: problem.question for name, problem in self.problems.items()}
        return _frame(self.samples, lambda sample: {"question": questions.get(sample.problem)})


@dataclass(frozen=True, repr=False)
class Run:
    """One training run.

    Attributes:
        path: its directory.
        recipe: as it was used.
        env: what it ran on: versions, hardware, commit, isolation, language, seed.
        status: how far it came: state, step, steps.
        evaluations: those that are finished: ``base``, ``sft``, ``step-N``, ``trained``, in this order.
        health: what went wrong in training, as it was told.
    """

    path: Path
    recipe: Recipe
    env: Mapping[str, Any]
    status: Mapping[str, Any]
    evaluations: Mapping[str, Evaluation]
    health: tuple[Finding, ...]

    def __repr__(self) -> str:
        status, measured = self.status, self.evaluations
        steps = f", step {status['step']} of {status['steps']}" if status.get("steps") else ""
        figures = ((name, one.summary.all) for name, one in measured.items() if name in STAGES)
        told = [f"{name} pass@1 {figure.pass_at_1}" for name, figure in figures if figure]
        told += [f"{len(self.health)} warnings"] if self.health else []
        what = f"{self.recipe.model.name} learns {self.env.get('language')}, {status.get('state')}{steps}"
        return f"Run({str(self.path)!r}: {'; '.join([what, *told])})"

    @cached_property
    def metrics(self) -> list[dict[str, Any]]:
        """What was measured in each step."""
        return RunDirectory(self.path).read_metrics()

    @cached_property
    def samples(self) -> list[SampleRecord]:
        """Every completion of the training, judged."""
        return list(read_samples(self.path / "samples.jsonl"))

    def metrics_frame(self) -> pandas.DataFrame:
        """The metrics, a row for each step, which is the index."""
        import pandas

        frame = pandas.DataFrame(self.metrics)
        return frame.set_index("step") if len(frame) else frame

    def samples_frame(self) -> pandas.DataFrame:
        """The completions of the training, a row each; the terms of the reward are columns ``reward/NAME``."""
        return _frame(
            self.samples, lambda sample: {f"reward/{name}": value for name, value in (sample.rewards or {}).items()}
        )


def load_run(path: str | Path) -> Run:
    """The training run in a directory.

    Raises:
        UsageError: there is none, or it cannot be read.
    """
    must_be(path, PATH, 'load_run takes the directory of a run, as "runs/mine"')
    if not RunDirectory(Path(path)).exists() and EvaluationFolder(Path(path)).exists():
        raise UsageError(f"{str(path)!r} is an evaluation, and no run: load_evaluation")
    run = RunDirectory.open(Path(path))
    steps = {f"step-{step}": summary for step, summary in run.step_evaluations().items()}
    stages = {stage: summary for stage in STAGES if (summary := run.evaluation(stage))}
    last = {name: stages.pop(name) for name in ("trained",) if name in stages}
    found = {**stages, **steps, **last}
    return Run(
        run.path,
        run.recipe(),
        run.env(),
        run.status(),
        {name: Evaluation(run.evaluation_folder(name).path, summary) for name, summary in found.items()},
        tuple(run.read_health()),
    )


def load_evaluation(path: str | Path) -> Evaluation:
    """The evaluation in a folder; of one that is unfinished, as `Evaluation.unfinished` tells, what is there.

    Raises:
        UsageError: there is none, or it cannot be read.
    """
    must_be(path, PATH, 'load_evaluation takes the folder of an evaluation, as "runs/mine/eval/trained"')
    if RunDirectory(Path(path)).exists():
        raise UsageError(f"{str(path)!r} is a run: load_run, or the folder of one of its evaluations, eval/base")
    return Evaluation(Path(path), EvaluationFolder(Path(path)).so_far())


def _frame(samples: Iterable[SampleRecord], more: Callable[[SampleRecord], Mapping[str, Any]]) -> pandas.DataFrame:
    import pandas

    rows = [{**sample.model_dump(exclude={"rewards"}), "correct": sample.correct, **more(sample)} for sample in samples]
    return pandas.DataFrame(rows)
