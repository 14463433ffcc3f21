"""The judge as TRL's reward functions: one for each term, one judging for all of them.

They are coroutines: TRL awaits all of them together, so that other asynchronous reward functions go on while programs
run. Samples of several turns (`lowres_code.train.conversations`) come judged; the last turn is what earns.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lowres_code._util.files import JsonLines
from lowres_code.evaluation.record import SampleRecord
from lowres_code.judge import Judge
from lowres_code.judgement import INFRA_ERROR, FailureWindow, Judgement
from lowres_code.metamorphic import Others, no_others
from lowres_code.problem import Problem
from lowres_code.reward import RewardTerm
from lowres_code.reward.needs import informed
from lowres_code.train.conversations import Conversation
from lowres_code.train.processes import ALONE, Processes

Column = list[float | None]
Columns = dict[str, Column]
RewardFunction = Callable[..., Awaitable[Column]]

_MOST_OPEN = 8  # batches, of which some function has not been asked; TRL has one


@dataclass(slots=True)
class _Batch:
    """A batch that is judged, and the terms whose functions have not asked for it yet."""

    judging: asyncio.Future[Columns]
    waiting: set[str]


class Scorer:
    """Judges each batch once and hands every reward term its column.

    The functions may be awaited in any order, together or one after another. A batch is known by its step, completions
    and problems; a function that asks for the same once more has it judged once more.

    Attributes:
        functions: for TRL, one for each term, named like it.
    """

    def __init__(
        self,
        judge: Judge,
        problems: Sequence[Problem],
        terms: Sequence[RewardTerm[Any]],
        samples: JsonLines,
        seed: int = 0,
        ends: Collection[int] = (),
        processes: Processes = ALONE,
        discount: float = 1.0,
        others: Others = no_others,
    ) -> None:
        """Args:
        judge: of the language.
        problems: by their row in the data set that TRL trains on.
        terms: what is asked of each judgement.
        samples: receives every judged completion.
        seed: of terms that leave something to chance.
        ends: tokens that end a completion; by these it is known whether one was cut.
        processes: that share a step's completions; the main one records all.
        discount: what a right program earns is multiplied by it for each turn after the first.
        others: gives problems that differ from one in their numbers, for terms that need them.
        """
        self._judge = judge
        self._problems = problems
        self._terms = terms
        self._samples = samples
        self._seed = seed
        self._ends = frozenset(ends)
        self._processes = processes
        self._discount = discount
        self._every_test = any(term.needs_every_test for term in terms)
        self._others = others
        self._failures = FailureWindow()
        self._recording = threading.Lock()
        self._open: dict[object, _Batch] = {}
        self.functions: list[RewardFunction] = [self._function(term.name) for term in terms]

    def _function(self, name: str) -> RewardFunction:
        async def reward(completions: list[list[dict[str, str]]], problem: list[int], **context: Any) -> Column:
            texts = [messages[-1]["content"] for messages in completions]
            columns = await asyncio.shield(self._judging(name, texts, problem, context))
            return columns[name]

        reward.__name__ = name
        return reward

    def _judging(
        self, name: str, texts: list[str], rows: list[int], context: Mapping[str, Any]
    ) -> asyncio.Future[Columns]:
        """The judging of a batch, begun by the first function that asks.

        Raises:
            ValueError: there is not one problem for each completion.
            RuntimeError: of too many batches not all functions were asked.
        """
        if len(texts) != len(rows):
            raise ValueError(f"{len(texts)} completions of {len(rows)} problems")
        key = (_step(context), tuple(texts), tuple(rows))
        batch = self._open.get(key)
        if batch is None or name not in batch.waiting:
            if len(self._open) >= _MOST_OPEN:
                raise RuntimeError("every reward function must be asked for every batch")
            judging = asyncio.ensure_future(asyncio.to_thread(self._judge_batch, texts, rows, context))
            batch = self._open[key] = _Batch(judging, {term.name for term in self._terms})
        batch.waiting.remove(name)
        if not batch.waiting:
            del self._open[key]
        return batch.judging

    def _judge_batch(self, texts: list[str], rows: list[int], context: Mapping[str, Any]) -> Columns:
        started = time.monotonic()
        problems, talks = [self._problems[row] for row in rows], _conversations(context)
        judgements = [it.judgement for it in talks if it.judgement]
        if not talks:
            judgements = self._judge.judge(texts, problems, self._every_test)
        judgements = informed(self._judge, judgements, problems, self._terms, self._others)
        columns = {term.name: self._column(term, problems, judgements, _step(context)) for term in self._terms}
        if self._discount < 1 and talks:
            columns = {name: self._discounted(column, talks) for name, column in columns.items()}
        with self._recording:
            seconds = time.monotonic() - started + sum(it.judge_s for it in talks)
            self._report(problems, judgements, columns, seconds, context)
            self._failures.add(judgements)
        return columns

    def _column(self, term: RewardTerm[Any], problems: list[Problem], judgements: list[Judgement], step: int) -> Column:
        pairs = enumerate(zip(problems, judgements, strict=True))
        seed = f"{self._seed}/{self._processes.rank}" if self._processes.rank else str(self._seed)
        return [term.score(*pair, step, f"{seed}/{step}/{pair[0].id}/{row}") for row, pair in pairs]

    def _discounted(self, column: Column, talks: Sequence[Conversation]) -> Column:
        factors = [self._discount ** (len(it.turns) - 1) if it.turns[-1].correct else 1.0 for it in talks]
        return [value if value is None else value * factor for value, factor in zip(column, factors, strict=True)]

    def _report(
        self,
        problems: list[Problem],
        judgements: list[Judgement],
        columns: Columns,
        seconds: float,
        context: Mapping[str, Any],
    ) -> None:
        log_metric = context["log_metric"]
        log_metric("judge_s", seconds)
        for name in ("correct", "runs", "syntax"):
            log_metric(f"share/{name}", sum(getattr(judgement, name) for judgement in judgements) / len(judgements))
        words = [len((judgement.completion.reasoning or "").split()) for judgement in judgements]
        log_metric("reasoning_words", sum(words) / len(words))
        if self._every_test:
            passed = [judgement.fraction or 0.0 for judgement in judgements]
            log_metric("share/fraction", sum(passed) / len(passed))
        if talks := _conversations(context):
            log_metric("turns", sum(len(it.turns) for it in talks) / len(talks))
            log_metric("share/correct_at_once", sum(it.turns[0].correct for it in talks) / len(talks))
        log_metric("share/infra_error", sum(j.verdict == INFRA_ERROR for j in judgements) / len(judgements))
        records = _numbered(self._processes.all([*_records(problems, judgements, columns, context, self._ends)]))
        log_metric("share/equal_rewards", _equal_share(records))
        if self._processes.main:
            self._samples.append(*(record.as_json() for record in records))


def _equal_share(records: Sequence[SampleRecord]) -> float:
    """The share of problems whose completions all earned the same, so that nothing is learnt from them.

    TRL's ``frac_reward_zero_std`` is meant to be this, but is 0 where a mean of equal rewards is rounded.
    """
    groups: defaultdict[str, set[tuple[float | None, ...]]] = defaultdict(set)
    for record in records:
        groups[record.problem].add(tuple((record.rewards or {}).values()))
    return sum(len({values for values in group if None not in values}) <= 1 for group in groups.values()) / len(groups)


def _records(
    problems: list[Problem],
    judgements: list[Judgement],
    columns: Columns,
    context: Mapping[str, Any],
    ends: frozenset[int],
) -> Iterator[SampleRecord]:
    """One for each completion of this process; which sample of its problem each is, is not known yet."""
    tokens: Sequence[Sequence[int]] | None = context.get("completion_ids")  # TRL's; who else asks may have none
    talks = _conversations(context)
    for row, (problem, judgement) in enumerate(zip(problems, judgements, strict=True)):
        whole = {
            "tokens": len(tokens[row]) if tokens else None,
            "cut": bool(tokens and ends and ends.isdisjoint(tokens[row][-1:])),
        }
        rewards = {name: column[row] for name, column in columns.items()}
        sampled = _last_turn(talks[row]) if talks else whole
        yield SampleRecord.of(problem, judgement, step=_step(context), **sampled, rewards=rewards)


def _last_turn(talk: Conversation) -> dict[str, Any]:
    """What the record has of a conversation beside its last judgement."""
    *earlier, last = talk.turns
    said = last.model_dump(include={"tokens", "cut", "feedback"}, exclude_unset=True)
    return {**said, **({"earlier": tuple(earlier)} if earlier else {})}


def _conversations(context: Mapping[str, Any]) -> Sequence[Conversation]:
    """Those of a batch; none where samples have one turn."""
    return context.get("conversation") or ()


def _numbered(records: Sequence[SampleRecord]) -> list[SampleRecord]:
    """The same, each with its number among the samples of its problem."""
    seen: Counter[str] = Counter()
    numbered = []
    for record in records:
        numbered.append(record.model_copy(update={"sample": seen[record.problem]}))
        seen[record.problem] += 1
    return numbered


def _step(context: Mapping[str, Any]) -> int:
    """The step that is being made."""
    return int(context["trainer_state"].global_step) + 1
