"""The supervised stage before GRPO: TRL's ``SFTTrainer`` on programs that were judged right.

Each round has a folder ``sft/round-N/`` in the run. It is that of an evaluation (``samples.jsonl`` with every judged
sample, see `lowres_code.evaluation.folder`), and has besides ``data.jsonl`` (the examples), ``counts.json`` (what
became of the samples), ``metrics.jsonl`` (of the training), and ``model/`` or ``adapter/``. What is there is not made
again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from lowres_code._util.files import read_json_lines, write_json, write_records
from lowres_code._util.progress import progress_line, say
from lowres_code.errors import UsageError
from lowres_code.evaluation.folder import EvaluationFolder
from lowres_code.evaluation.record import SampleRecord
from lowres_code.evaluation.run import Writer
from lowres_code.generation.base import seed_of
from lowres_code.generation.endpoint import without_credentials
from lowres_code.generation.given import GivenGenerator
from lowres_code.generation.local import LocalGenerator
from lowres_code.generation.models import shown_name
from lowres_code.generation.open import open_endpoint
from lowres_code.judge import Judge
from lowres_code.problem import Problem
from lowres_code.prompt import Message
from lowres_code.recipe.schema import Recipe
from lowres_code.recipe.stages import PromptTable, RolloutTable, SftTable
from lowres_code.runs.directory import RunDirectory
from lowres_code.train.arguments import sft_config
from lowres_code.train.examples import Counts, Example, Examples, given_completion
from lowres_code.train.policy import Policy, make_trainer, save_whole
from lowres_code.train.processes import ALONE, Processes
from lowres_code.train.recorder import SftRecorder
from lowres_code.train.sampling import sample_and_judge

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class SftStage:
    """The supervised stage of a run; making it checks its options and writes nothing."""

    def __init__(
        self,
        table: SftTable,
        run: RunDirectory,
        recipe: Recipe,
        judge: Judge,
        policy: Policy,
        tokenizer: PreTrainedTokenizerBase,
        problems: Sequence[Problem],
        seed: int,
        console: Console,
        processes: Processes = ALONE,
    ) -> None:
        """Args:
        table: ``[sft]``.
        run: keeps all that is made.
        recipe: of the run.
        judge: of the language.
        policy: the model that learns.
        tokenizer: of the model.
        problems: for training; the first ``table.problems`` are used.
        seed: of the run.
        console: for progress.
        processes: that train together.

        Raises:
            UsageError: ``[sft.train]`` has options that cannot be used, the language has no example to show, or no
                problem has a program where programs are to be learned.
        """
        self._table, self._run, self._recipe, self._judge = table, run, recipe, judge
        self._policy, self._tokenizer, self._seed, self._console = policy, tokenizer, seed, console
        self._arguments = sft_config(table.train, run.path / "sft", seed)
        self._processes = processes
        self._form = (recipe.prompt.prompt(), judge.language)
        self._problems = problems[: table.problems]
        if table.source == "programs":
            self._problems = _with_programs(problems)[: table.problems]
        else:
            self._ask("", table.prompt)

    def result(self) -> Path | None:
        """Where the stage has saved its model; ``None`` if it is not finished."""
        return self._saved(self._table.rounds)

    def reached(self) -> Path | None:
        """Where the last round that is finished has saved its model; ``None`` if there is none."""
        return next(filter(None, map(self._saved, range(self._table.rounds, 0, -1))), None)

    def make(self) -> None:
        """Make what is missing of the stage; the policy holds its model then.

        Raises:
            UsageError: there is nothing right to learn from, or TRL refuses what the recipe says.
            JudgeError: the judge itself is broken.
        """
        missing = [number for number in range(1, self._table.rounds + 1) if self._saved(number) is None]
        for number in missing:
            self._run.set_status(f"sft, round {number} of {self._table.rounds}")
            with self._processes.main_first():
                examples = self._examples(number)
            self._learn(number, examples)
            self._policy.load(self._saved(number))

    def _folder(self, number: int) -> Path:
        return self._run.sft_round(number)

    def _saved(self, number: int) -> Path | None:
        target = self._target(number)
        return target if target.is_dir() else None

    def _target(self, number: int) -> Path:
        return self._folder(number) / ("adapter" if self._recipe.lora else "model")

    def _examples(self, number: int) -> list[Example]:
        """The examples of a round and of those before it."""
        if recorded := self._recorded(number):
            return recorded
        examples = Examples(self._recorded(number - 1), self._table.keep, *self._form)
        asked = [problem for problem in self._problems if examples.lacks(problem.id)] or self._problems
        prompts = {problem.id: self._ask(problem.question, self._recipe.prompt) for problem in asked}
        examples.add(self._sampled(number, asked), number, prompts.__getitem__)
        examples.counts.missing = EvaluationFolder(self._folder(number)).summary().missing
        self._tell(number, examples.counts)
        write_json(self._folder(number) / "counts.json", asdict(examples.counts))
        write_records(self._folder(number) / "data.jsonl", [asdict(example) for example in examples.all])
        return examples.all

    def _sampled(self, number: int, asked: Sequence[Problem]) -> list[SampleRecord]:
        """What the source has written in the first round, and the model of the round before in a later one."""
        writer, table, prompt = self._source(asked), self._table, self._table.prompt
        if number > 1:
            writer, prompt = self._own(), self._recipe.prompt
        elif table.source == "programs":
            table, prompt = table.model_copy(update={"samples": 1}), self._recipe.prompt
        seed = seed_of(self._seed, "sft", number)
        folder = self._folder(number)
        recipe = self._recipe.model_copy(update={"rollout": RolloutTable()})  # what is learned are first answers
        return sample_and_judge(folder, writer, asked, self._judge, recipe, table, prompt, seed, self._console)

    def _source(self, asked: Sequence[Problem]) -> Writer:
        """Who writes in the first round."""
        url, served = self._table.url, self._table.served
        if self._table.source == "endpoint" and url:
            return Writer(f"{served} at {without_credentials(url)}", lambda: open_endpoint(url, served))
        if self._table.source == "programs":
            texts = [given_completion(problem, *self._form) or "" for problem in asked]
            return Writer("given programs", lambda: GivenGenerator(texts, "given programs"))
        return self._own()

    def _own(self) -> Writer:
        """The model that the policy holds: the base model in the first round, then that of the round before."""
        name, size = shown_name(self._recipe.model), self._recipe.eval.batch_size
        return Writer(name, lambda: LocalGenerator(self._policy.model, self._tokenizer, name, size))

    def _recorded(self, number: int) -> list[Example]:
        return [Example(**row) for row in read_json_lines(self._folder(number) / "data.jsonl")]

    def _ask(self, question: str, table: PromptTable) -> list[Message]:
        return table.prompt().messages(self._judge.language, question)

    def _tell(self, number: int, counts: Counts) -> None:
        """Raises `UsageError` if nothing was right."""
        if not counts.examples:
            raise UsageError(
                f"[sft]: none of {counts.samples} samples is right, so there is nothing to learn from: try "
                "sft.prompt.shots=1, more sft.samples or sft.problems, or easier problems"
            )
        say(
            self._console,
            f"sft, round {number}: {counts.samples} samples, {counts.samples - counts.wrong} right; "
            f"{counts.examples} examples of {counts.problems} problems ({counts.learned} new; left out: "
            f"{counts.wrong} wrong, {counts.repeated} repeated, {counts.surplus} over sft.keep, "
            f"{counts.unusable} not to be rewritten; {counts.missing} samples could not be had)",
        )

    def _learn(self, number: int, examples: Sequence[Example]) -> None:
        """Train the base model on the examples, and save the result."""
        if number > 1:
            self._policy.load()  # each round trains the base model
        metrics = self._folder(number) / "metrics.jsonl"
        with progress_line(self._console, f"supervised training on {len(examples)} examples") as progress:
            trainer = self._trainer(examples)
            if self._processes.main:
                metrics.unlink(missing_ok=True)  # of a training that was stopped
                trainer.add_callback(SftRecorder(metrics, progress))
            trainer.train()
        save_whole(trainer, self._tokenizer, self._target(number), self._processes)

    def _trainer(self, examples: Sequence[Example]) -> Any:
        from datasets import Dataset
        from transformers import set_seed
        from trl import SFTTrainer

        set_seed(self._seed)  # of a new adapter's weights
        return make_trainer(
            SFTTrainer,
            "[sft]",
            model=self._policy.model,
            args=self._arguments,
            train_dataset=Dataset.from_list([dict(example.as_row()) for example in examples]),
            processing_class=self._tokenizer,
            peft_config=self._policy.new_adapter(),
        )


def _with_programs(problems: Sequence[Problem]) -> list[Problem]:
    """The problems that bring a program.

    Raises:
        UsageError: none does.
    """
    having = [problem for problem in problems if str(problem.metadata.get("program") or "").strip()]
    if not having:
        raise UsageError(
            'sft.source = "programs": no problem of data.train has a program; name its column with '
            'data.train.program = "...", or in a file of problems, call it "program"'
        )
    return having
