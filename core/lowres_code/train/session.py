"""One training run from start to end, stage by stage, with an evaluation after each; every step is left on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from lowres_code._util.files import write_json
from lowres_code._util.progress import progress_line
from lowres_code.errors import UsageError
from lowres_code.evaluation.folder import ProblemRecord, problem_record
from lowres_code.evaluation.run import Writer, evaluate
from lowres_code.generation.base import Generator
from lowres_code.generation.local import LocalGenerator, end_tokens
from lowres_code.generation.models import load_tokenizer, shown_name
from lowres_code.generation.open import open_generator
from lowres_code.judge import Judge
from lowres_code.language.base import Language
from lowres_code.problem import Problem
from lowres_code.prompt import Message
from lowres_code.recipe.build import load_problems, other_problems, reward_terms, started_judge
from lowres_code.recipe.files import RecipeFile
from lowres_code.recipe.schema import LimitsTable, Recipe
from lowres_code.runs.directory import DONE, INTERRUPTED, TRAINED, RunDirectory
from lowres_code.runs.environment import environment
from lowres_code.runs.expected import outcomes
from lowres_code.runs.trained import trained_model
from lowres_code.sandbox.pool import usual_size
from lowres_code.train.arguments import grpo_config
from lowres_code.train.batching import order_by_length
from lowres_code.train.conversations import Repair, must_turn_alone
from lowres_code.train.health import HealthWatch
from lowres_code.train.interim import Interim
from lowres_code.train.policy import Policy, make_trainer, save_whole
from lowres_code.train.preflight import preflight, without_held_out
from lowres_code.train.processes import Processes
from lowres_code.train.recorder import Interruption, Recorder
from lowres_code.train.scorer import Scorer
from lowres_code.train.selection import select_problems
from lowres_code.train.sft import SftStage
from lowres_code.train.stop import EarlyStop

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def train(
    recipe: Recipe, language: Language, out: Path, seed: int, console: Console, origin: RecipeFile | None = None
) -> RunDirectory:
    """A new run in ``out``; it keeps where the recipe came from, if ``origin`` says that.

    Raises:
        UsageError: the recipe, the model, the data or ``out`` cannot be used; nothing was trained.
        JudgeError: the judge does not work, or failed on over 2 % of a step.
    """
    processes = Processes.started()
    run = RunDirectory(out, owned=processes.main)
    run.must_be_new()
    with started_judge(_limits(recipe, processes), language, console) as judge:
        session = _Session(run, recipe, judge, seed, console, processes)
        session.prepare()  # before there is a run: what is refused here is to be tried again
        processes.wait()
        env = environment(language.name, judge.isolation, seed, processes.count)
        processes.by_main(lambda: RunDirectory.create(out, recipe, env, language.file, origin))
        with run.locked():
            session.carry_on()
            processes.end()
            return run


def resume(path: Path, language: Language, console: Console, changes: Sequence[str] = ()) -> RunDirectory:
    """Go on with the run in a directory, from its last checkpoint and with its own recipe and seed.

    ``changes`` are of its ``[limits]``, as ``--set`` has them: where its programs are run.

    Raises:
        UsageError: there is none, or another process is working on it.
        JudgeError: as `train`.
    """
    processes = Processes.started()
    run = RunDirectory.open(path, owned=processes.main)
    recipe, before = run.recipe(changes), int(run.env().get("processes", 1))
    if before != processes.count:
        raise UsageError(
            f"the run in {str(path)!r} is of {before} processes, and goes on with as many, not {processes.count}"
        )
    with run.locked(), started_judge(_limits(recipe, processes), language, console) as judge:
        session = _Session(run, recipe, judge, int(run.env()["seed"]), console, processes)
        if not run.has_model():
            session.prepare()
        session.carry_on()
        processes.end()
        return run


class _Session:
    """What the stages of a run share; making one loads and checks all that can be wrong, and writes nothing."""

    def __init__(
        self, run: RunDirectory, recipe: Recipe, judge: Judge, seed: int, console: Console, processes: Processes
    ) -> None:
        self._run, self._recipe, self._judge, self._seed, self._console = run, recipe, judge, seed, console
        self._processes = processes
        if recipe.eval.every and processes.split:
            raise UsageError("eval.every needs the whole model in one process, and here it is split: leave it out")
        must_turn_alone(recipe.rollout, processes, bool(recipe.train.get("use_vllm")))
        weights = recipe.reward_weights()
        self._arguments = grpo_config(recipe.train, run.checkpoints, seed, weights)
        self._tokenizer: PreTrainedTokenizerBase = load_tokenizer(recipe.model)
        self._held_out = load_problems(recipe.data.eval, "eval")
        self._problems = without_held_out(load_problems(recipe.data.train, "train", seed), self._held_out)
        self._policy = Policy(recipe.model, recipe.lora)
        stage = (run, recipe, judge, self._policy, self._tokenizer, self._problems, seed, console, processes)
        self._sft = SftStage(recipe.sft, *stage) if recipe.sft else None
        judge.must_support([*self._held_out, *self._problems])
        self._trainer: Any = None
        self._run_problems: list[ProblemRecord] = []
        if not recipe.ends_with_sft:
            self._must_suffice("data.train has")

    def _must_suffice(self, where: str) -> None:
        """Raises `UsageError` if there are fewer training problems than a step takes."""
        needed = self._arguments.generation_batch_size // self._arguments.num_generations
        if len(self._problems) < needed:
            raise UsageError(f"{where} {len(self._problems)} problems, and each step takes {needed}")

    def carry_on(self) -> None:
        """Do the stages that have not been done."""
        if not self._run.has_model():
            if self._sft is None or self._sft.reached() is None:
                self._evaluate("base", self._current)
            if self._sft:
                self._sft.make()
                self._evaluate("sft", self._current)
            if not (self._ends_with_sft() or self._train(self._trainer or self._selected_trainer())):
                return
            self._trainer = None  # the next model needs its memory
            self._policy.release()
        if not self._recipe.ends_with_sft:
            self._evaluate("trained", self._trained)
        if self._processes.main and (found := outcomes(self._run)):
            write_json(self._run.path / "expected.json", [outcome.model_dump(mode="json") for outcome in found])
        self._run.set_status(DONE)

    def _ends_with_sft(self) -> bool:
        """Whether there is no GRPO; the model of the supervised stage is the run's then."""
        stage = self._sft.result() if self._sft else None
        if stage is None or not self._recipe.ends_with_sft:
            return False
        self._processes.wait()  # each has seen where it is
        self._processes.by_main(lambda: stage.rename(self._run.path / stage.name))
        self._run.set_status(TRAINED)
        return True

    def _current(self) -> Generator:
        """The model in memory, as it is: before a stage trains it, and while it does."""
        recipe = self._recipe
        model = self._trainer.model if self._trainer is not None else self._policy.model
        return LocalGenerator(model, self._tokenizer, shown_name(recipe.model), recipe.eval.batch_size)

    def _trained(self) -> Generator:
        """What was saved, whether it was trained just now or before."""
        table, adapter = trained_model(self._run)
        table = table.model_copy(update={"engine": "transformers"})  # as the base model was: only so they compare
        return open_generator(table, self._recipe.eval.batch_size, adapter)

    def _prompt(self, problem: Problem) -> list[Message]:
        return self._recipe.prompt.prompt().messages(self._judge.language, problem.question)

    def _evaluate(self, which: str, opened: Callable[[], Generator]) -> None:
        """Evaluate what is not evaluated yet."""
        with self._processes.main_first():
            if not self._run.evaluation(which):
                self._evaluate_here(which, opened)

    def _evaluate_here(self, which: str, opened: Callable[[], Generator]) -> None:
        folder, recipe = self._run.evaluation_folder(which), self._recipe
        writer = Writer(f"{shown_name(recipe.model)}, {which}", opened)
        with progress_line(self._console, f"evaluating the {which} model") as progress:
            evaluate(folder, writer, self._held_out, self._judge, recipe, progress)
        if not which.startswith("step-"):
            self._run.set_status(f"{which} evaluated")

    def _evaluate_now(self, which: str) -> None:
        self._evaluate(which, self._current)

    def _train(self, trainer: Any) -> bool:
        """Train to the end and save the result; ``False`` if Ctrl-C came before the end."""
        checkpoint = self._run.last_checkpoint()
        done = int(checkpoint.name.rsplit("-", 1)[1]) if checkpoint else 0
        self._run.forget_after(done)
        self._run.keep_training_problems(self._run_problems)
        self._processes.wait()  # the run is as it was at the checkpoint
        interruption, recorder = Interruption(self._processes), Recorder(self._run, self._console)
        stop = self._early_stop()
        for callback in filter(None, (interruption, *self._watching(recorder), stop)):
            trainer.add_callback(callback)
        ended = done >= trainer.args.max_steps > 0 or (stop is not None and stop.reason() is not None)
        try:
            with interruption.watched(self._console):
                if checkpoint and ended:
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

    def _watching(self, recorder: Recorder) -> Iterator[Any]:
        """What records the training and looks at it."""
        if self._processes.main:
            yield from (recorder, HealthWatch(self._run, self._console))
        if self._recipe.eval.every:
            yield Interim(self._recipe.eval.every, recorder.paused, self._evaluate_now)

    def _early_stop(self) -> EarlyStop | None:
        if not (table := self._recipe.stop):
            return None
        before = [record[table.metric] for record in self._run.read_metrics() if table.metric in record]
        return EarlyStop(table, before, self._console, self._processes)

    def prepare(self) -> None:
        """Load what the next stage needs.

        Raises:
            UsageError: TRL or peft refuses what the recipe says, or it cannot work.
        """
        prompts = [self._prompt(problem) for problem in (*self._problems, *self._held_out)]
        preflight(self._recipe, self._judge, self._tokenizer, self._arguments, prompts, self._console)
        if self._sft is None and self._recipe.selection is None:
            self._trainer = self._new_trainer()
            return
        self._policy.load(self._sft.reached() if self._sft else None)
        self._policy.must_take_adapter()

    def _selected_trainer(self) -> Any:
        """The trainer, on the problems that are selected, if any are to be."""
        run, recipe, judge = self._run, self._recipe, self._judge
        if table := recipe.selection:
            parts = (self._problems, self._current, self._seed, self._console)
            with self._processes.main_first():
                self._problems = select_problems(table, run, recipe, judge, *parts)
            self._must_suffice("the selection has")
        return self._new_trainer()

    def _new_trainer(self) -> Any:
        """TRL's trainer of the model that the run holds.

        Raises:
            UsageError: TRL or peft refuses what the recipe says.
        """
        from datasets import Dataset

        from lowres_code.train.trainer import Trainer

        recipe = self._recipe
        terms = reward_terms(recipe, self._judge.language)
        ends = end_tokens(self._policy.model, self._tokenizer)
        rest = (self._run.samples(), self._seed, ends, self._processes, recipe.rollout.discount)
        scorer = Scorer(self._judge, self._problems, terms, *rest, other_problems(recipe.data.train))
        prompts = [self._prompt(problem) for problem in self._problems]
        lengths = [len(prompt[-1]["content"]) for prompt in prompts]
        together = self._arguments.generation_batch_size // self._arguments.num_generations
        self._run_problems = [problem_record(*pair) for pair in zip(self._problems, prompts, strict=True)]
        order = order_by_length(lengths, together, self._arguments.seed)
        rows = [{"prompt": prompts[row], "problem": row} for row in order]
        return make_trainer(
            Trainer,
            "the recipe",
            model=self._policy.model,
            reward_funcs=scorer.functions,
            args=self._arguments,
            train_dataset=Dataset.from_list(rows),
            processing_class=self._tokenizer,
            peft_config=self._policy.new_adapter(),
            repair=Repair(self._judge, self._problems, recipe.rollout, terms) if recipe.rollout.turns > 1 else None,
        )

    def _save(self, trainer: Any) -> None:
        """Save the result whole."""
        target = self._run.adapter if self._recipe.lora else self._run.model
        save_whole(trainer, self._tokenizer, target, self._processes)


def _limits(recipe: Recipe, processes: Processes) -> LimitsTable:
    """Those of the recipe; the processes of one machine share its cores."""
    workers = recipe.limits.workers or usual_size(processes.beside)
    return recipe.limits.model_copy(update={"workers": workers})
