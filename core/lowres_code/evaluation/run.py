"""Held-out evaluation: sample completions, judge them while others are made, keep every one, say what they come to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from lowres_code._util.background import Background
from lowres_code._util.files import write_records
from lowres_code._util.progress import Progress, no_progress
from lowres_code.errors import UsageError
from lowres_code.evaluation.changes import change_right_programs
from lowres_code.evaluation.folder import Asked, EvaluationFolder, ProblemRecord, Summary, fingerprint, problem_record
from lowres_code.evaluation.record import SampleRecord
from lowres_code.generation.base import Failure, Generator, Request, Sample, Sampling
from lowres_code.judge import Judge
from lowres_code.judgement import INFRA_ERROR, FailureWindow, Judgement
from lowres_code.language.fingerprint import language_data
from lowres_code.problem import Problem
from lowres_code.prompt import Message
from lowres_code.recipe.build import other_problems
from lowres_code.recipe.schema import Recipe
from lowres_code.recipe.stages import EvalTable
from lowres_code.solutions import count_answers
from lowres_code.trust import Trust, trust_of


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

    Args:
        folder: keeps every judged sample; one that was stopped is gone on with.
        writer: writes the completions.
        problems: at least one; no id twice.
        judge: of the language.
        recipe: how the model is asked and sampled.
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
    """Make and judge what is missing."""
    table, again = recipe.eval, _judge_again(folder, problems, judge, recipe.eval.fraction)
    work = _Work(folder, problems, judge, progress, table)
    work.window.add(again)
    wanted = {draw: requests for draw in _draws(table) if (requests := list(work.requests(draw, messages)))}
    if wanted:
        with writer.open() as generator, Background(work.judge_and_record) as background:
            generator.tell = work.tell
            for draw, requests in wanted.items():
                for sample in generator.generate(requests, draw.sampling):
                    background.put((draw, sample))
    if table.metamorphic and judge.language.analyses:
        change_right_programs(folder, problems, judge, other_problems(recipe.data.eval), work.tell)
    summary = folder.summarize(work.total, work.failures)
    work.window.finish()
    return summary


class _Work:
    """What is there of an evaluation, and how more is added to it."""

    def __init__(
        self, folder: EvaluationFolder, problems: Sequence[Problem], judge: Judge, progress: Progress, table: EvalTable
    ) -> None:
        self._problems, self._judge, self._progress = problems, judge, progress
        self._every_test = table.fraction
        self.total = len(problems) * (table.samples + table.greedy)
        self._there = {(record.problem, record.greedy, record.sample) for record in folder.samples()}
        self._samples = folder.appender()
        self.failures: list[str] = []
        self.window = FailureWindow()
        progress(len(self._there), self.total)

    def requests(self, draw: _Draw, messages: Sequence[Sequence[Message]]) -> Iterator[Request]:
        """What is to be asked for in a pass."""
        for key, problem in enumerate(self._problems):
            numbers = tuple(n for n in draw.numbers if (problem.id, draw.greedy, n) not in self._there)
            if numbers:
                yield Request(key, tuple(messages[key]), numbers)

    def tell(self, now: str) -> None:
        """Say what the generator is doing."""
        self._progress(len(self._there), self.total, now)

    def judge_and_record(self, made: Sequence[tuple[_Draw, Sample | Failure]]) -> None:
        """Judge samples together, and write them down."""
        self.failures += [sample.reason for _, sample in made if isinstance(sample, Failure)]
        samples = [(draw, sample) for draw, sample in made if isinstance(sample, Sample)]
        problems = [self._problems[sample.key] for _, sample in samples]
        judgements = _examined(self._judge, [sample.text for _, sample in samples], problems, self._every_test)
        self._samples.append(*(self._record(*one).as_json() for one in zip(samples, judgements, strict=True)))
        self._there |= {(self._problems[s.key].id, draw.greedy, s.number) for draw, s in samples}
        self._progress(len(self._there), self.total)
        self.window.add(judgements)

    def _record(self, made: tuple[_Draw, Sample], judgement: Judgement) -> SampleRecord:
        draw, sample = made
        return SampleRecord.of(
            self._problems[sample.key],
            judgement,
            sample=sample.number,
            greedy=draw.greedy,
            tokens=sample.tokens,
            cut=sample.stop == "length",
            seconds=sample.seconds,
            **_trust(self._problems[sample.key], judgement),
        )


def _trust(problem: Problem, judgement: Judgement) -> dict[str, Trust]:
    found = trust_of(judgement, problem.question)
    return {"trust": found} if found else {}


def _examined(judge: Judge, texts: Sequence[str], problems: Sequence[Problem], every_test: bool) -> list[Judgement]:
    """The judgements, each with an analysis and a right one's answers counted; that this fails changes no verdict."""
    judgements = judge.judge(texts, problems, every_test)
    if judge.language.enumerates:
        judgements = count_answers(judge, judgements, problems)
    if not judge.language.analyses:
        return judgements
    found = judge.analyse(judgements)
    return [replace(one, analysis=other.analysis) for one, other in zip(judgements, found, strict=True)]


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
        **recipe.eval.model_dump(exclude={"batch_size", "every", "metamorphic"}),
    )


def _ids_must_differ(problems: Sequence[Problem]) -> None:
    often = [name for name, count in Counter(problem.id for problem in problems).most_common(1) if count > 1]
    if often:
        raise UsageError(f"two problems have the id {often[0]!r}; each needs one of its own")


def _judge_again(
    folder: EvaluationFolder, problems: Sequence[Problem], judge: Judge, every_test: bool
) -> list[Judgement]:
    """Judge the samples again that the judge itself has failed on before; what the model wrote is there."""
    records, known = folder.samples(), {problem.id: problem for problem in problems}
    failed = [place for place, record in enumerate(records) if record.verdict == INFRA_ERROR]
    if not failed:
        return []
    asked = [known[records[place].problem] for place in failed]
    judgements = _examined(judge, [records[place].completion for place in failed], asked, every_test)
    for place, problem, judgement in zip(failed, asked, judgements, strict=True):
        before = records[place]
        sampled = before.model_dump(include={"sample", "greedy", "tokens", "cut", "seconds"})
        records[place] = SampleRecord.of(problem, judgement, **sampled, **_trust(problem, judgement))
    write_records(folder.path / "samples.jsonl", [record.as_json() for record in records])
    return judgements
