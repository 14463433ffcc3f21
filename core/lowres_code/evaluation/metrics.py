"""What judged samples come to: pass@1 and its kin, rates, verdicts, tokens; of all, by task, by difficulty."""

from __future__ import annotations

import math
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain, repeat

from pydantic import BaseModel, ConfigDict

from lowres_code.evaluation.intervals import Interval, mean_share
from lowres_code.evaluation.record import SampleRecord
from lowres_code.judgement import INFRA_ERROR
from lowres_code.language.base import Status

Holds = Callable[[SampleRecord], float]  # mostly yes or no


def pass_at_k(n: int, c: int, k: int) -> float:
    """The chance that at least one of ``k`` samples is right, from ``n`` of which ``c`` are: unbiased.

    1 - C(n - c, k) / C(n, k) (Chen et al. 2021, arXiv 2107.03374).

    Raises:
        ValueError: not 0 <= c <= n and 1 <= k <= n.
    """
    if not (0 <= c <= n and 1 <= k <= n):
        raise ValueError(f"pass@{k} of {c} right in {n} samples")
    every = math.comb(n, k)
    return (every - math.comb(n - c, k)) / every


def pass_at_each_k(problems: Mapping[tuple[int, int], int], fewest: int) -> dict[int, Interval]:
    """pass@k with its 95 % interval: for each power of two up to the fewest samples of a problem, and for these.

    So each k is one for which all problems have samples enough, but for those that the judge failed on: they are left
    out, and so is a problem that has fewer than ``k`` others. Of ``n`` samples, ``n // k`` draws of ``k`` are
    independent.

    Args:
        problems: how many have so many judged samples, and so many right ones among them.
        fewest: samples of a problem, judged or not.
    """
    most = min(fewest, max((judged for judged, _ in problems), default=0))
    ks = sorted({*(2**power for power in range(most.bit_length())), *([most] if most else [])})
    return {k: _pass_at({held: count for held, count in problems.items() if held[0] >= k}, k) for k in ks}


def _pass_at(problems: Mapping[tuple[int, int], int], k: int) -> Interval:
    shares = (repeat(pass_at_k(judged, right, k), count) for (judged, right), count in problems.items())
    draws = sum(judged // k * count for (judged, _), count in problems.items())
    return mean_share(array("d", chain.from_iterable(shares)), draws)


class Share(BaseModel):
    """A share and its 95 % interval, all between 0 and 1."""

    model_config = ConfigDict(frozen=True)

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, interval: Interval) -> Share:
        """The same, as it is written down."""
        return cls(value=interval.value, low=interval.low, high=interval.high)

    def __str__(self) -> str:
        return str(Interval(self.value, self.low, self.high))


class TrustFigures(BaseModel):
    """Whether right answers were programmed (`lowres_code.trust`), in languages that offer an analysis.

    Attributes:
        earned: the mean over problems of the share of samples that are right, and known not to be bare: one whose
            program has no analysis is not.
        bare: of the right samples with an analysis, the share that is bare; ``None`` if none is right.
        unread: how many right samples have no analysis; nothing but ``earned`` knows of these.
        clauses, predicates, constraints: means over the samples that could be analysed.
        agreement: mean over those with numbers and a reasoning; ``None`` without one.
        one_answer: of the right samples with an analysis, the share that is known to have one answer alone; ``None`` if
            nobody has counted.
        renamed: how many right samples were changed in their names.
        renumbered: how many were changed in their numbers, or merely state their answer and so cannot follow.
        follow_renaming, follow_numbers: the shares of these that were still right; ``None`` without one.
    """

    model_config = ConfigDict(frozen=True)

    earned: Share
    bare: float | None
    unread: int = 0
    clauses: float
    predicates: float
    constraints: float
    agreement: float | None
    one_answer: float | None = None
    renamed: int = 0
    follow_renaming: float | None = None
    renumbered: int = 0
    follow_numbers: float | None = None


class Metrics(BaseModel):
    """The figures of some problems; samples that the judge itself failed on are left out of all but ``infra_error``.

    Attributes:
        problems: how many have at least one judged sample.
        samples: judged samples.
        pass_at_1: the mean over problems of the share of right samples.
        pass_at_k: by k, see `pass_at_each_k`; without pass@1.
        pass_at_1_by_turn: where a model may try again: the share that is right after at most so many turns.
        any_of_n: problems with at least one right sample; all_of_n: with right ones only.
        greedy: of the greedy samples, if there are any.
        fraction: the mean share of a problem's tests that a sample passes; ``None`` where no problem has several tests,
            or not all were run (``eval.fraction``).
        syntax, runs, cut, timeout, infra_error: shares of samples: accepted by the language's reader; gave an answer;
            ended by the limit of tokens; by a limit of time; the judge's own failures.
        verdicts: how many samples had each, the most frequent first.
        tokens: mean of a sample, in all its turns; ``None`` where nobody counts.
        seconds: mean until a sample ends, judging aside.
        trust: whether right answers were programmed; ``None`` where nobody can tell.
    """

    model_config = ConfigDict(frozen=True)

    problems: int
    samples: int
    pass_at_1: Share
    pass_at_k: dict[int, Share] = {}
    pass_at_1_by_turn: dict[int, Share] = {}
    any_of_n: Share
    all_of_n: Share
    greedy: Share | None = None
    fraction: Share | None = None
    syntax: Share
    runs: Share
    cut: Share
    timeout: Share
    infra_error: Share
    verdicts: dict[str, int]
    tokens: float | None = None
    seconds: float | None = None
    trust: TrustFigures | None = None

    def __repr__(self) -> str:
        return f"Metrics({self.problems} problems, {self.samples} samples, pass@1 {self.pass_at_1})"

    __str__ = __repr__


def metrics(records: Iterable[SampleRecord], turns: int = 1) -> Metrics | None:
    """The figures of these samples; ``None`` if there is none that the judge did not fail on.

    ``turns``: how many a sample may have.
    """
    records = list(records)
    drawn = [record for record in records if not record.greedy]
    everything = _groups(drawn, lambda record: record.problem)
    judged = [record for record in drawn if record.verdict != INFRA_ERROR]
    groups = list(_groups(judged, lambda record: record.problem).values())
    if not groups:
        return None
    fewest = min(map(len, everything.values()))
    rights = [(len(group), sum(record.correct for record in group)) for group in groups]
    greedy = [record for record in records if record.greedy and record.verdict != INFRA_ERROR]
    return Metrics(
        problems=len(groups),
        samples=len(judged),
        pass_at_1=_share(groups, lambda record: record.correct),
        pass_at_k={k: Share.of(rate) for k, rate in pass_at_each_k(Counter(rights), fewest).items() if k > 1},
        pass_at_1_by_turn={turn: _share(groups, right_after(turn)) for turn in range(1, turns + 1) if turns > 1},
        any_of_n=_of_problems([float(right > 0) for _, right in rights]),
        all_of_n=_of_problems([float(right == n) for n, right in rights]),
        greedy=_of_problems([float(record.correct) for record in greedy]) if greedy else None,
        fraction=_fraction(groups),
        syntax=_share(groups, lambda record: record.syntax),
        runs=_share(groups, lambda record: record.runs),
        cut=_share(groups, lambda record: record.cut),
        timeout=_share(groups, lambda record: record.verdict == Status.TIMEOUT.value),
        infra_error=_share(list(everything.values()), lambda record: record.verdict == INFRA_ERROR),
        verdicts=dict(Counter(record.verdict for record in drawn).most_common()),
        tokens=_mean([tokens for record in judged if (tokens := record.all_tokens) is not None]),
        seconds=_mean([record.all_seconds for record in judged]),
        trust=_trust(groups),
    )


def _fraction(groups: Sequence[Sequence[SampleRecord]]) -> Share | None:
    records = [record for group in groups for record in group]
    known = all(record.tests and record.passed is not None for record in records)
    if not known or all(record.tests == 1 for record in records):
        return None
    return _share(groups, lambda record: (record.passed or 0) / (record.tests or 1))


def _trust(groups: Sequence[Sequence[SampleRecord]]) -> TrustFigures | None:
    found = [(record, record.trust) for group in groups for record in group if record.trust]
    if not found:
        return None
    right = [trust for record, trust in found if record.correct]
    renamed = [trust.follows.renaming for trust in right if trust.follows and trust.follows.renaming is not None]
    renumbered = [trust.follows.numbers for trust in right if trust.follows and trust.follows.numbers is not None]
    return TrustFigures(
        earned=_share(groups, lambda record: record.correct and record.trust is not None and not record.trust.bare),
        bare=_portion([trust.bare for trust in right]),
        unread=sum(record.correct and record.trust is None for group in groups for record in group),
        clauses=_mean([trust.clauses for _, trust in found]) or 0.0,
        predicates=_mean([trust.predicates for _, trust in found]) or 0.0,
        constraints=_mean([trust.constraints for _, trust in found]) or 0.0,
        agreement=_mean([trust.agreement for _, trust in found if trust.agreement is not None]),
        one_answer=_portion([trust.answers == 1 for trust in right]) if any(trust.answers for trust in right) else None,
        renamed=len(renamed),
        follow_renaming=_portion(renamed),
        renumbered=len(renumbered),
        follow_numbers=_portion(renumbered),
    )


def right_after(turns: int) -> Holds:
    """Whether a sample was right after at most so many turns."""
    return lambda record: record.correct and record.turns <= turns


def _portion(held: Sequence[bool]) -> float | None:
    return round(sum(held) / len(held), 4) if held else None


def grouped(
    records: Iterable[SampleRecord], group_of: Callable[[SampleRecord], str], turns: int = 1
) -> dict[str, Metrics]:
    """`metrics` for each group of samples, by its name; samples of no group (``""``) are left out."""
    named = {name: group for name, group in sorted(_groups(records, group_of).items()) if name}
    return {name: found for name, group in named.items() if (found := metrics(group, turns))}


def shares_of(groups: Iterable[Sequence[SampleRecord]], holds: Holds) -> list[float]:
    """For each problem, the share of its samples that have a property."""
    return [sum(map(holds, group)) / len(group) for group in groups]


def judged_by_problem(records: Iterable[SampleRecord]) -> dict[str, list[SampleRecord]]:
    """The samples of each problem that the judge did not fail on, greedy ones left out."""
    judged = (record for record in records if not record.greedy and record.verdict != INFRA_ERROR)
    return _groups(judged, lambda record: record.problem)


def _groups(records: Iterable[SampleRecord], key: Callable[[SampleRecord], str]) -> dict[str, list[SampleRecord]]:
    groups: defaultdict[str, list[SampleRecord]] = defaultdict(list)
    for record in records:
        groups[key(record)].append(record)
    return dict(groups)


def _share(groups: Sequence[Sequence[SampleRecord]], holds: Holds) -> Share:
    return Share.of(mean_share(shares_of(groups, holds), sum(map(len, groups))))


def _of_problems(shares: Sequence[float]) -> Share:
    return Share.of(mean_share(shares))


def _mean(values: Sequence[float]) -> float | None:
    return round(math.fsum(values) / len(values), 2) if values else None


def by_task(records: Iterable[SampleRecord], turns: int = 1) -> Mapping[str, Metrics]:
    """`metrics` by task."""
    return grouped(records, lambda record: record.task, turns)


def by_difficulty(records: Iterable[SampleRecord], turns: int = 1) -> Mapping[str, Metrics]:
    """`metrics` by difficulty, where it is known."""
    return grouped(records, lambda record: record.difficulty, turns)
