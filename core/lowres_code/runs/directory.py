"""The directory of one training run: what is in it, and how far the run has come."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import tomli_w

from lowres_code._util.files import (
    JsonLines,
    keep_records,
    must_take_folder,
    read_json_lines,
    write_atomically,
    write_json,
    write_records,
)
from lowres_code._util.lock import is_locked, lock
from lowres_code.errors import UsageError
from lowres_code.evaluation.folder import EvaluationFolder, ProblemRecord, Summary
from lowres_code.language.toml_file import files_beside
from lowres_code.recipe import Recipe, RecipeFile, Suite, load_recipe
from lowres_code.runs.health import Finding

# What a run leaves that was stopped, or refused, before it had really begun.
_OF_A_BEGINNING = {".lock", "checkpoints", "env.json", "eval", "language.toml", "recipes", "status.json"}
STAGES = ("base", "sft", "trained")  # that are evaluated, in their order
STARTED, TRAINING, TRAINED, INTERRUPTED, DONE = "started", "training", "trained", "interrupted", "done"


class RunDirectory:
    """Paths and files of a run.

    ``recipe.toml`` (resolved, runs again as it is), ``recipes/`` (what came from elsewhere, as it came: each file
    is named by its SHA-256), ``env.json``, ``status.json``, ``language.toml`` (a copy, if the language came from a
    file that the user named), ``expected.json`` (at the end, if something was expected), ``problems.jsonl`` (that
    GRPO trains on), ``metrics.jsonl``, ``samples.jsonl``, ``health.jsonl`` (what went wrong, see
    `lowres_code.runs.health`), ``eval/base/``, ``eval/sft/``, ``eval/step-N/``, ``eval/trained/`` (see
    `lowres_code.evaluation.folder`), ``sft/round-1/`` and so on (see `lowres_code.train.sft`), ``selection.jsonl``
    and ``selection/`` (see `lowres_code.train.selection`), ``checkpoints/``, and ``model/`` or ``adapter/``.
    """

    def __init__(self, path: Path, owned: bool = True) -> None:
        """Args:
        path: of the directory.
        owned: whether this process is the one that writes it; of several that train together one is. To the others
            its status, its lock and what is to be forgotten are not theirs to change.
        """
        self.path = path
        self._owned = owned
        self.checkpoints = path / "checkpoints"
        self.model = path / "model"
        self.adapter = path / "adapter"
        self.selection_file = path / "selection.jsonl"
        self._lock = path / ".lock"

    @classmethod
    def create(
        cls,
        path: Path,
        recipe: Recipe,
        env: dict[str, Any],
        language_file: Path | None = None,
        origin: RecipeFile | None = None,
    ) -> RunDirectory:
        """A new run in a directory that holds none; ``origin`` is the recipe as it was written.

        Raises:
            UsageError: the directory holds a run already, or cannot be made.
        """
        run = cls(path)
        run.must_be_new()
        try:
            (path / "eval").mkdir(parents=True, exist_ok=True)
            (path / "language.toml").unlink(missing_ok=True)  # of a run that had hardly begun
            if language_file:
                write_atomically(path / "language.toml", language_file.read_text(encoding="utf-8"))
                for beside in files_beside(language_file):
                    write_atomically(path / beside.name, beside.read_text(encoding="utf-8"))
            for file in origin.foreign() if origin else ():
                (path / "recipes").mkdir(exist_ok=True)
                (path / "recipes" / f"{file.sha256}.toml").write_bytes(file.text.encode())
        except OSError as error:
            raise UsageError(f"cannot make the run directory {str(path)!r}: {error}") from error
        write_json(path / "env.json", {**env, "recipe": origin.provenance()} if origin else env)
        run.set_status(STARTED)
        recipe_text = tomli_w.dumps(recipe.model_dump(exclude_none=True))
        write_atomically(path / "recipe.toml", recipe_text)  # last: it is what makes a directory a run
        return run

    @classmethod
    def open(cls, path: Path, owned: bool = True) -> RunDirectory:
        """The run in a directory; see the constructor.

        Raises:
            UsageError: there is none.
        """
        run = cls(path, owned)
        if not run.exists():
            raise UsageError(f"{str(path)!r} holds no run (no recipe.toml and env.json)")
        return run

    def exists(self) -> bool:
        """Whether a run was begun here; the folder of an evaluation has a recipe too, and is none.

        Raises:
            UsageError: nobody can tell, for instance because this user may not look.
        """
        try:
            return all((self.path / name).is_file() for name in ("recipe.toml", "env.json"))
        except OSError as error:
            raise UsageError(f"{str(self.path)!r} cannot be a run directory: {error.strerror}") from error

    def sft_round(self, number: int) -> Path:
        """Where a round of the supervised stage is kept, counted from 1."""
        return self.path / "sft" / f"round-{number}"

    def has_model(self) -> bool:
        """Whether training has ended and its result was saved whole."""
        return self.model.is_dir() or self.adapter.is_dir()

    def must_be_new(self) -> None:
        """Raises `UsageError` if a run was begun here, or something else is here, or nothing can be written here."""
        if self.exists():
            raise UsageError(
                f"{str(self.path)!r} already holds a run; go on with it: --resume {self.path}, or choose another --out"
            )
        try:
            strange = sorted({file.name for file in self.path.iterdir()} - _OF_A_BEGINNING)
        except FileNotFoundError:
            strange = []
        except OSError as error:
            raise UsageError(f"{str(self.path)!r} cannot be a run directory: {error.strerror}") from error
        must_take_folder(self.path)
        if strange:
            raise UsageError(f"{str(self.path)!r} holds other things ({strange[0]!r}); choose a new folder for --out")

    @property
    def recipe_file(self) -> Path:
        """The recipe as it was used."""
        return self.path / "recipe.toml"

    def recipe(self, overrides: Sequence[str] = (), suite: Suite | None = None) -> Recipe:
        """The run's recipe, a suite and overrides on top; its ``[train]`` need not suit the TRL that is installed."""
        return load_recipe(self.recipe_file, overrides, training=False, suite=suite)

    def env(self) -> dict[str, Any]:
        """What the run ran on, its language and its seed."""
        return _read_object(self.path / "env.json")

    def language(self) -> str:
        """The run's language, as ``--lang`` takes it: its name, or the path of its file."""
        own = self.path / "language.toml"
        return str(own) if own.is_file() else str(self.env()["language"])

    def status(self) -> dict[str, Any]:
        """``{"state", "step", "steps", "updated"}``: how far the run came, also after a crash."""
        return _read_object(self.path / "status.json")

    def set_status(self, state: str, step: int | None = None, steps: int | None = None) -> None:
        """Note how far the run is; steps that are not given stay as they were."""
        if not self._owned:
            return
        before = self.status() if step is None and (self.path / "status.json").is_file() else {"step": 0, "steps": 0}
        status = {
            "state": state,
            "step": before["step"] if step is None else step,
            "steps": before["steps"] if steps is None else steps,
            "updated": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        }
        write_json(self.path / "status.json", status)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other process from going on with this run meanwhile; the lock ends with this process.

        Raises:
            UsageError: another process has it.
        """
        with ExitStack() as stack:
            try:
                if self._owned:
                    stack.enter_context(lock(self._lock))
            except BlockingIOError as error:
                raise UsageError(f"another process is working on the run in {str(self.path)!r}") from error
            except OSError as error:
                raise UsageError(f"cannot work in {str(self.path)!r}: {error.strerror}") from error
            yield

    def is_alive(self) -> bool:
        """Whether a process on this machine is working on the run."""
        return is_locked(self._lock)

    def keep_training_problems(self, problems: Iterable[ProblemRecord]) -> None:
        """Write ``problems.jsonl``: the questions behind the samples of the training."""
        if self._owned:
            write_records(self.path / "problems.jsonl", [problem.model_dump() for problem in problems])

    def training_problems(self) -> list[ProblemRecord]:
        """The questions behind the samples of the training; none in a run of an older version."""
        return [ProblemRecord.model_validate(line) for line in read_json_lines(self.path / "problems.jsonl")]

    def metrics(self) -> JsonLines:
        """``metrics.jsonl``, to append to."""
        return JsonLines(self.path / "metrics.jsonl")

    def samples(self) -> JsonLines:
        """``samples.jsonl``, to append to."""
        return JsonLines(self.path / "samples.jsonl")

    def forget_after(self, step: int) -> None:
        """Drop metrics and samples of steps after ``step``: a run that goes on from there makes them again."""
        for name in ("metrics.jsonl", "samples.jsonl", "health.jsonl") if self._owned else ():
            keep_records(self.path / name, lambda record: record.get("step", 0) <= step)

    def read_metrics(self) -> list[dict[str, Any]]:
        """All records of ``metrics.jsonl``."""
        return list(read_json_lines(self.path / "metrics.jsonl"))

    def health(self) -> JsonLines:
        """``health.jsonl``, to append to."""
        return JsonLines(self.path / "health.jsonl")

    def read_health(self) -> list[Finding]:
        """What has gone wrong in training so far, as it was told."""
        fields = Finding.__dataclass_fields__
        records = read_json_lines(self.path / "health.jsonl")
        return [Finding(**{name: record[name] for name in fields}) for record in records]

    def evaluation_folder(self, which: str) -> EvaluationFolder:
        """``eval/base``, ``eval/sft``, ``eval/step-N`` or ``eval/trained``."""
        return EvaluationFolder(self.path / "eval" / which)

    def evaluation(self, which: str) -> Summary | None:
        """A finished evaluation, ``base``, ``sft`` or ``trained``; ``None`` if it was not reached.

        Raises:
            UsageError: an older version made it, which kept no samples.
        """
        folder = self.evaluation_folder(which)
        if not folder.exists() and not folder.is_of_an_older_version():
            return None
        summary = folder.summary()
        return summary if summary.complete else None

    def after_a_stop(self) -> str:
        """What is kept of a run that was stopped in the midst of something, and what goes on with it; for people."""
        if not self.exists():
            return "There is no run yet: the same command begins it."
        last = self.last_checkpoint()
        kept = f"from step {last.name.rpartition('-')[2]}, the last that was saved" if last else "before the first step"
        kept = "after the last step" if self.has_model() else kept
        return f"It goes on {kept}, with: lowres-code train --resume {shlex.quote(str(self.path))}"

    def is_finished(self) -> bool:
        """Whether nothing is left to do."""
        last = "sft" if self.recipe().ends_with_sft else "trained"
        return bool(self.status()["state"] == DONE and self.evaluation(last))

    def step_evaluations(self) -> dict[int, Summary]:
        """The finished evaluations that were made while the model trained, by their step, in order."""
        names = [folder.name for folder in (self.path / "eval").glob("step-*")]
        steps = sorted(int(name[5:]) for name in names if name[5:].isdecimal())
        found = {step: self.evaluation(f"step-{step}") for step in steps}
        return {step: summary for step, summary in found.items() if summary}

    def last_checkpoint(self) -> Path | None:
        """The newest checkpoint that was saved whole."""
        whole = [
            folder for folder in self.checkpoints.glob("checkpoint-*") if (folder / "trainer_state.json").is_file()
        ]
        return max(whole, key=lambda folder: int(folder.name.rsplit("-", 1)[1]), default=None)


def _read_object(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read {str(path)!r}: {error}") from error
    if not isinstance(value, dict):
        raise UsageError(f"{str(path)!r} is damaged: not a JSON object")
    return value
