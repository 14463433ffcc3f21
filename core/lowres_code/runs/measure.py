"""The whole of an evaluation, from the name of a model to its figures."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from lowres_code._util.progress import progress_line, say
from lowres_code.errors import UsageError
from lowres_code.evaluation.folder import EvaluationFolder, Summary, fingerprint
from lowres_code.evaluation.run import Writer, evaluate
from lowres_code.generation.base import Generator
from lowres_code.generation.endpoint import without_credentials
from lowres_code.generation.models import shown_name, weights_fingerprint
from lowres_code.generation.names import check_model_name
from lowres_code.generation.open import URL, open_endpoint, open_generator
from lowres_code.language.base import Language
from lowres_code.recipe.build import load_problems, started_judge
from lowres_code.recipe.schema import ModelTable, Recipe
from lowres_code.runs.directory import RunDirectory
from lowres_code.runs.trained import trained_model

EVALUATIONS = Path("evaluations")  # where they go that name no folder


@dataclass(frozen=True, slots=True)
class Subject:
    """What is measured: one of a model's name, a run, and an endpoint.

    Attributes:
        name: a model's, the directory of a run, or an endpoint's URL.
        served: which model of the endpoint.
        run: the run, if it is one.
    """

    name: str
    served: str | None = None
    run: RunDirectory | None = None

    @classmethod
    def of(cls, name: str, served: str | None) -> Subject:
        """What a name on the command line stands for.

        Raises:
            UsageError: ``served`` is named, and it is no endpoint; or the name is misspelt.
        """
        if served and not name.startswith(URL):
            raise UsageError(f"--model names a model of an endpoint, and {name!r} is no URL")
        if name.startswith(URL) and not served:
            raise UsageError(f"--model is missing: which model of {without_credentials(name)} to ask, as it names it")
        run = RunDirectory(Path(name))
        found = cls(name, served, run if run.exists() else None)
        if not (found.run or name.startswith(URL)):
            check_model_name(name)
        return found

    def model(self, recipe: Recipe) -> tuple[ModelTable, Path | None]:
        """The model's table, and the folder of an adapter to merge."""
        if self.run:
            return trained_model(self.run)
        return recipe.model.model_copy(update={"name": self.name, "revision": None}), None

    def shown(self, recipe: Recipe) -> str:
        """Its name in records."""
        if self.name.startswith(URL):
            return f"{self.served} at {without_credentials(self.name)}"
        return shown_name(*self.model(recipe))

    def weights(self, recipe: Recipe) -> str | None:
        """A fingerprint of its files, where it has some on this machine."""
        return None if self.name.startswith(URL) else weights_fingerprint(*self.model(recipe))

    def open(self, recipe: Recipe) -> Generator:
        """The generator that writes with it."""
        if self.name.startswith(URL):
            return open_endpoint(self.name, self.served)
        table, adapter = self.model(recipe)
        return open_generator(table, recipe.eval.batch_size, adapter)


def measure(
    subject: Subject, recipe: Recipe, language: Language, out: Path | None, console: Console
) -> tuple[EvaluationFolder, Summary]:
    """Measure a model on a recipe's held-out problems, or go on with a measurement that was stopped.

    Args:
        subject: what is measured.
        recipe: its problems, prompt, limits and sampling.
        language: of the judge.
        out: the folder; by default one under ``evaluations/``, or of a run under its ``eval/``, whose name follows
            from what is asked.
        console: for progress.

    Raises:
        UsageError: the model, the problems or the folder cannot be used.
        JudgeError: the judge does not work.
    """
    weights = subject.weights(recipe)
    folder = EvaluationFolder(out or default_folder(subject, recipe, language, weights))
    folder.must_be_usable()
    if not subject.name.startswith(URL):
        recipe = recipe.model_copy(update={"model": subject.model(recipe)[0]})  # what is written down runs again
    problems = load_problems(recipe.data.eval, "eval")
    writer = Writer(subject.shown(recipe), lambda: subject.open(recipe), weights)
    judging = started_judge(recipe.limits, language, console)
    progressing = progress_line(console, f"evaluating {subject.served or subject.name}")
    try:
        with judging as judge, progressing as progress:
            return folder, evaluate(folder, writer, problems, judge, recipe, progress)
    except KeyboardInterrupt:
        say(console, f"stopped; {_kept(folder.path)}")
        raise


def _kept(folder: Path) -> str:
    """What a measurement that was stopped leaves."""
    files = [folder / name for name in ("samples.jsonl", "unfinished.jsonl")]
    if any(file.is_file() and file.stat().st_size for file in files):
        return f"{folder} keeps the samples so far, and the same command goes on with it"
    return "there is no sample yet; the same command begins again"


def default_folder(subject: Subject, recipe: Recipe, language: Language, weights: str | None) -> Path:
    """Another one for each question, so that the same command finds what it has begun."""
    # It completes what is there, and a description tells each --set in the order in which it was given.
    tables = recipe.model_dump(mode="json", exclude={"eval": {"metamorphic"}, "recipe": {"description"}})
    asked = fingerprint(subject.name, subject.served, tables, language.name, weights)[:8]
    if subject.run:
        return subject.run.evaluation_folder(asked).path
    words = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(subject.served or subject.name).name).strip("-.") or "model"
    return EVALUATIONS / f"{words}-{language.name}-{asked}"
