"""One training run from start to end: evaluate, train, evaluate again; every step leaves its result on disk."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from lowres_code._util.progress import progress_line
from lowres_code.errors import LowresCodeError, UsageError
from lowres_code.evaluation.run import Writer, evaluate
from lowres_code.generation.base import Generator
from lowres_code.generation.local import LocalGenerator
from lowres_code.generation.models import load_model, load_tokenizer, shown_name
from lowres_code.generation.open import open_generator
from lowres_code.judge import Judge
from lowres_code.language.base import Language
from lowres_code.plugins.manager import plugin_manager
from lowres_code.problem import Problem
from lowres_code.prompt import Message, build_prompt
from lowres_code.recipe.build import load_problems, started_judge
from lowres_code.recipe.schema import Recipe
from lowres_code.runs.directory import DONE, INTERRUPTED, TRAINED, RunDirectory
from lowres_code.runs.environment import environment
from lowres_code.runs.trained import trained_model
from lowres_code.train.adapters import lora_config
from lowres_code.train.arguments import grpo_config
from lowres_code.train.batching import order_by_length
from lowres_code.train.interim import Interim
from lowres_code.train.recorder import Interruption, Recorder
from lowres_code.train.scorer import Scorer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def train(recipe: Recipe, language: Language, out: Path, seed: int, console: Console) -> RunDirectory:
    """A new run in ``out``.

    Raises:
        UsageError: the recipe, the model, the data or ``out`` cannot be used; nothing was trained.
        JudgeError: the judge does not work, or failed on over 2 % of a step.
    """
    _must_be_alone()
    run = RunDirectory(out)
    run.must_be_new()
    with started_judge(recipe.limits, language, console) as judge:
        session = _Session(run, recipe, judge, seed, console)
        session.prepare()  # before there is a run: what is refused here is to be tried again
        RunDirectory.create(out, recipe, environment(language.name, judge.isolation, seed), language.file)
        with run.locked():
            return session.carry_on()


def resume(path: Path, language: Language, console: Console) -> RunDirectory:
    """Go on with the run in a directory, from its last checkpoint and with its own recipe and seed.

    Raises:
        UsageError: there is none, or another process is working on it.
        JudgeError: as `train`.
    """
    _must_be_alone()
    run = RunDirectory.open(path)
    recipe = run.recipe()
    with run.locked(), started_judge(recipe.limits, language, console) as judge:
        session = _Session(run, recipe, judge, int(run.env()["seed"]), console)
        if not run.has_model():
            session.prepare()
        return session.carry_on()


class _Session:
    """What the stages of a run share; making one loads and checks all that can be wrong, and writes nothing."""

    def __init__(self, run: RunDirectory, recipe: Recipe, judge: Judge, seed: int, console: Console) -> None:
        self._run, self._recipe, self._judge, self._seed, self._console = run, recipe, judge, seed, console
        weights = list(recipe.reward.values())
        self._arguments = grpo_config(recipe.train, run.checkpoints, seed, weights)
        self._tokenizer: PreTrainedTokenizerBase = load_tokenizer(recipe.model)
        self._held_out = load_problems(recipe.data.eval, "eval")
        self._problems = _without(load_problems(recipe.data.train, "train", seed), self._held_out)
        self._prompts = [self._prompt(problem) for problem in self._problems]
        self._trainer: Any = None
        needed = self._arguments.generation_batch_size // self._arguments.num_generations
        if len(self._problems) < needed:
            raise UsageError(f"data.train has {len(self._problems)} problems, and each step takes {needed}")

    def carry_on(self) -> RunDirectory:
        """Do the stages that have not been done."""
        if self._trainer is not None:
            self._evaluate("base", self._base)
            if not self._train(self._trainer):
                return self._run
            self._trainer = None  # the next model needs its memory
        self._evaluate("trained", self._trained)
        self._run.set_status(DONE)
        return self._run

    def _base(self) -> Generator:
        """The model in memory, as it is: before it is trained, and while it is."""
        recipe = self._recipe
        name, size = shown_name(recipe.model), recipe.eval.batch_size
        return LocalGenerator(self._trainer.model, self._tokenizer, name, size)

    def _trained(self) -> Generator:
        """What was saved, whether it was trained just now or before."""
        table, adapter = trained_model(self._run)
        table = table.model_copy(update={"engine": "transformers"})  # as the base model was: only so they compare
        return open_generator(table, self._recipe.eval.batch_size, adapter)

    def _prompt(self, problem: Problem) -> list[Message]:
        table = self._recipe.prompt
        return build_prompt(self._judge.language, problem.question, table.system, table.template, table.shots)

    def _evaluate(self, which: str, opened: Callable[[], Generator]) -> None:
        """Evaluate what is not evaluated yet."""
        if self._run.evaluation(which):
            return
        folder, recipe = self._run.evaluation_folder(which), self._recipe
        writer = Writer(f"{shown_name(recipe.model)}, {which}", opened)
        with progress_line(self._console, f"evaluating the {which} model") as progress:
            evaluate(folder, writer, self._held_out, self._judge, recipe, progress)
        if which in ("base", "trained"):
            self._run.set_status(f"{which} evaluated")

    def _evaluate_now(self, which: str) -> None:
        self._evaluate(which, self._base)

    def _train(self, trainer: Any) -> bool:
        """Train to the end and save the result; ``False`` if Ctrl-C came before the end."""
        checkpoint = self._run.last_checkpoint()
        done = int(checkpoint.name.rsplit("-", 1)[1]) if checkpoint else 0
        self._run.forget_after(done)
        interruption = Interruption()
        recorder = Recorder(self._run, self._console, interruption)
        trainer.add_callback(recorder)
        if self._recipe.eval.every:
            trainer.add_callback(Interim(self._recipe.eval.every, recorder.paused, self._evaluate_now))
        try:
            with interruption.watched(self._console):
                if checkpoint and done >= trainer.args.max_steps > 0:
                    trainer._load_from_checkpoint(str(checkpoint))  # stopped between the last step and the saving
                else:
                    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        finally:
            recorder.close()
        if interruption.stop_requested and trainer.state.global_step < trainer.state.max_steps:
            self._run.set_status(INTERRUPTED)
            return False
        self._save(trainer)
        self._run.set_status(TRAINED)
        return True

    def prepare(self) -> None:
        """Make TRL's trainer, with the model loaded.

        Raises:
            UsageError: TRL or peft refuses what the recipe says.
        """
        from datasets import Dataset
        from transformers.trainer_callback import PrinterCallback

        from lowres_code.train.trainer import Trainer

        recipe, model = self._recipe, load_model(self._recipe.model)
        terms = [plugin_manager().rewards[name].thing for name in recipe.reward]
        scorer = Scorer(self._judge, self._problems, terms, self._run.samples())
        lengths = [len(prompt[-1]["content"]) for prompt in self._prompts]
        together = self._arguments.generation_batch_size // self._arguments.num_generations
        order = order_by_length(lengths, together, self._arguments.seed)
        rows = [{"prompt": self._prompts[row], "problem": row} for row in order]
        try:
            trainer = Trainer(
                model=model,
                reward_funcs=scorer.functions,
                args=self._arguments,
                train_dataset=Dataset.from_list(rows),
                processing_class=self._tokenizer,
                peft_config=lora_config(recipe.lora, model) if recipe.lora else None,
            )
        except (ValueError, ImportError, NotImplementedError) as error:
            raise UsageError(f"the recipe is refused by TRL: {error}") from error
        trainer.remove_callback(PrinterCallback)
        self._trainer = trainer

    def _save(self, trainer: Any) -> None:
        """Save the result beside its place and move it there whole."""
        target = self._run.adapter if self._recipe.lora else self._run.model
        partial = target.with_name(f".{target.name}-partial")
        try:
            shutil.rmtree(partial, ignore_errors=True)
            trainer.save_model(str(partial))
            self._tokenizer.save_pretrained(str(partial))
            partial.rename(target)
        except OSError as error:
            raise LowresCodeError(f"cannot save the model to {str(target)!r}: {error.strerror}") from error


def _must_be_alone() -> None:
    """Refuse what ``accelerate launch`` and ``torchrun`` start: each process would take the run for its own.

    Raises:
        UsageError: this is one of several processes.
    """
    processes = os.environ.get("WORLD_SIZE", "1")
    if processes != "1":
        raise UsageError(f"a run trains in one process, and this is one of {processes}: start lowres-code by itself")


def _without(problems: list[Problem], held_out: list[Problem]) -> list[Problem]:
    """The training problems; none may be held out.

    Raises:
        UsageError: a question is in both.
    """
    questions = {" ".join(problem.question.split()) for problem in held_out}
    both = [problem for problem in problems if " ".join(problem.question.split()) in questions]
    if both:
        raise UsageError(
            f"{len(both)} of {len(problems)} training questions are also held out, the first is {both[0].id!r}: "
            f"{both[0].question[:80]!r}; choose another split in [data.train] or [data.eval]"
        )
    return problems
