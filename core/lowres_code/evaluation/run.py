"""Held-out evaluation: sample completions, judge them while others are made, keep every one, say what they come to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass

from lowres_code._util.background import Background
from lowres_code._util.progress import Progress, no_progress
from lowres_code._util.text import whole_text
from lowres_code.errors import UsageError
from lowres_code.evaluation.changes import change_right_programs
from lowres_code.evaluation.folder import Asked, EvaluationFolder, ProblemRecord, Summary, fingerprint, problem_record
from lowres_code.evaluation.judged import examined, judge_again, judged_record
from lowres_code.evaluation.record import SampleRecord
from lowres_code.generation.base import Failure, Generator, Request, Sample, Sampling
from lowres_code.judge import Judge
from lowres_code.judgement import FailureWindow, Judgement
from lowres_code.language.fingerprint import language_data
from lowres_code.problem import Problem
from lowres_code.prompt import Message
from lowres_code.recipe.build import other_problems
from lowres_code.recipe.schema import Recipe
from lowres_code.recipe.stages import EvalTable


@dataclass(frozen=True, slots=True)
class _Draw:
    """A pass of sampling: the samples that are drawn, or the greedy ones."""

    greedy: bool
    sampling: Sampling
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes the completions.

    Attributes:
        name: of the model, in the record.
        open: loads it; not called if no sample is missing.
        weights: a fingerprint of the model's files, so that another model does not go on with this one's evaluation.
    """

    name: str
    open: Callable[[], Generator]
    weights: str | None = None


def evaluate(
    folder: EvaluationFolder,
    writer: Writer,
    problems: Sequence[Problem],
    judge: Judge,
    recipe: Recipe,
    progress: Progress = no_progress,
) -> Summary:
    """Make what is missing of an evaluation: ``recipe.eval.samples`` completions of each problem, judged.

    Where ``recipe.rollout`` lets a model try again, a sample is a chat of several turns, and is what its last one is.
    The first turn is what it would be without others.

    Args:
        folder: keeps every judged sample; one that was stopped is gone on with.
        writer: writes the completions.
        problems: at least one; no id twice.
        judge: of the language.
        recipe: how the model is asked and sampled, and how often it may try.
        progress: called with how many samples are there, and of how many.

    Raises:
        UsageError: the folder holds another evaluation, the generator cannot be asked this way, or the language
            cannot do what a problem asks of it.
        JudgeError: the judge itself is broken (`FailureWindow`); what was judged until then is kept.
    """
    _ids_must_differ(problems)
    judge.must_support(problems)
    prompt = recipe.prompt.prompt()
    messages = [prompt.messages(judge.language, problem.question) for problem in problems]
    records = list(map(problem_record, problems, messages))
    folder.must_be_usable()
    with folder.locked():
        folder.begin(_asked(writer, records, judge, recipe), judge.isolation, recipe, records)
        return _made(folder, writer, problems, judge, recipe, messages, progress)


def _made(
    folder: EvaluationFolder,
    writer: Writer,
    problems: Sequence[Problem],
    judge: Judge,
    recipe: Recipe,
    messages: Sequence[Sequence[Message]],
    progress: Progress,
) -> Summary:
    """Make and judge what is missing, turn by turn."""
    again = judge_again(folder, problems, judge, recipe)
    work = _Work(folder, problems, messages, judge, recipe, progress)
    work.window.add(again)
    draws, turns = _draws(recipe.eval), range(1, recipe.rollout.turns + 1)
    if any(work.requests(draw, turn) for draw in draws for turn in turns):
        with writer.open() as generator:
            generator.tell = work.tell
            for turn in turns:
                _make_turn(generator, work, draws, turn)
    if recipe.eval.metamorphic and judge.language.analyses:
        change_right_programs(folder, problems, judge, other_problems(recipe.data.eval), work.tell)
    summary = folder.summarize(work.failures)
    work.window.finish()
    return summary


def _make_turn(generator: Generator, work: _Work, draws: Sequence[_Draw], turn: int) -> None:
    """Have written what is wanted of one turn; all of it is judged at the end."""
    with Background(work.judge_and_record) as background:
        for draw in draws:
            if requests := work.requests(draw, turn):
                for sample in generator.generate(requests, draw.sampling):
                    background.put((draw, turn, sample))


_Made = tuple[_Draw, int, Sample | Failure]  # with its turn
_Key = tuple[str, bool, int]  # a sample: its problem, whether it is greedy, its number


class _Work:
    """What is there of an evaluation, and how more is added to it."""

    def __init__(
        self,
        folder: EvaluationFolder,
        problems: Sequence[Problem],
        messages: Sequence[Sequence[Message]],
        judge: Judge,
        recipe: Recipe,
        progress: Progress,
    ) -> None:
        self._problems, self._messages, self._judge, self._rollout = problems, messages, judge, recipe.rollout
        self._every_test = recipe.eval.fraction
        self._progress, self.total = progress, len(problems) * (recipe.eval.samples + recipe.eval.greedy)
        self._there = set(map(_key, folder.samples()))
        self._going = {key: record for record in folder.unfinished() if (key := _key(record)) not in self._there}
        self._samples, self._unfinished = folder.appender(), folder.unfinished_appender()
        self.failures: list[str] = []
        self.window = FailureWindow()
        progress(len(self._there), self.total)

    def requests(self, draw: _Draw, turn: int) -> list[Request]:
        """What is to be asked for in a pass, of one turn."""
        return list(self._begun(draw) if turn == 1 else self._gone_on_with(draw, turn))

    def _begun(self, draw: _Draw) -> Iterator[Request]:
        for row, problem in enumerate(self._problems):
            keys = {number: (problem.id, draw.greedy, number) for number in draw.numbers}
            numbers = tuple(n for n, key in keys.items() if key not in self._there and key not in self._going)
            if numbers:
                yield Request(row, tuple(self._messages[row]), numbers)

    def _gone_on_with(self, draw: _Draw, turn: int) -> Iterator[Request]:
        for row, problem in enumerate(self._problems):
            for number in draw.numbers:
                record = self._going.get((problem.id, draw.greedy, number))
                if record is not None and record.turns == turn - 1:
                    yield Request(row, (*self._messages[row], *_chat(record)), (number,), turn)

    def tell(self, now: str) -> None:
        """Say what the generator is doing."""
        self._progress(len(self._there), self.total, now)

    def judge_and_record(self, made: Sequence[_Made]) -> None:
        """Judge samples together, and write them down; one that could not be had for good ends where it is."""
        failed = [(draw, turn, sample) for draw, turn, sample in made if isinstance(sample, Failure)]
        self.failures += [failure.reason for _, _, failure in failed]
        ended = [self._key_of(draw, sample) for draw, turn, sample in failed if sample.for_good and turn > 1]
        samples = [(draw, sample) for draw, _, sample in made if isinstance(sample, Sample)]
        problems = [self._problems[sample.key] for _, sample in samples]
        judgements = examined(self._judge, [sample.text for _, sample in samples], problems, self._every_test)
        records = [self._record(*one) for one in zip(samples, judgements, strict=True)]
        self._keep([*(self._going[key] for key in ended), *(it for it in records if not it.feedback)])
        self._go_on([record for record in records if record.feedback])
        self._progress(len(self._there), self.total)
        self.window.add(judgements)

    def _keep(self, finished: Sequence[SampleRecord]) -> None:
        self._samples.append(*(record.as_json() for record in finished))
        self._there |= set(map(_key, finished))

    def _go_on(self, records: Sequence[SampleRecord]) -> None:
        if records:
            self._unfinished.append(*(record.as_json() for record in records))
            self._going |= {_key(record): record for record in records}

    def _key_of(self, draw: _Draw, made: Sample | Failure) -> _Key:
        return self._problems[made.key].id, draw.greedy, made.number

    def _record(self, made: tuple[_Draw, Sample], judgement: Judgement) -> SampleRecord:
        draw, sample = made
        before = self._going.get(self._key_of(draw, sample))
        return judged_record(
            self._problems[sample.key],
            judgement,
            self._rollout,
            before.all_turns if before else (),
            sample=sample.number,
            greedy=draw.greedy,
            tokens=sample.tokens,
            cut=sample.stop == "length",
            seconds=sample.seconds,
        )


def _key(record: SampleRecord) -> _Key:
    return record.problem, record.greedy, record.sample


def _chat(record: SampleRecord) -> Iterator[Message]:
    """What was said after the question."""
    for turn in record.all_turns:
        yield {"role": "assistant", "content": whole_text(turn.completion)}
        yield {"role": "user", "content": turn.feedback or ""}


def _draws(table: EvalTable) -> list[_Draw]:
    drawn = Sampling(table.temperature, table.top_p, table.max_new_tokens, table.seed)
    greedy = Sampling(0.0, 1.0, table.max_new_tokens, table.seed)
    draws = [_Draw(False, drawn, tuple(range(table.samples)))]
    return [*draws, _Draw(True, greedy, (0,))] if table.greedy else draws


def _asked(writer: Writer, records: Sequence[ProblemRecord], judge: Judge, recipe: Recipe) -> Asked:
    return Asked(
        model=writer.name,
        weights=writer.weights,
        language=judge.language.name,
        language_data=language_data(judge.language),
        limits=fingerprint(str(judge.limits)),
        problems=fingerprint(sorted([record.id, record.question, record.tests] for record in records)),
        prompt=fingerprint(sorted([record.id, record.asked] for record in records)),
        turns=recipe.rollout.turns,
        feedback=fingerprint(astuple(recipe.rollout.told())) if recipe.rollout.turns > 1 else "",
        **recipe.eval.model_dump(exclude={"batch_size", "every", "metamorphic"}),
    )


def _ids_must_differ(problems: Sequence[Problem]) -> None:
    often = [name for name, count in Counter(problem.id for problem in problems).most_common(1) if count > 1]
    if often:
        raise UsageError(f"two problems have the id {often[0]!r}; each needs one of its own")
