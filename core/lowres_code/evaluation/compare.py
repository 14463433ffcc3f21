"""Two evaluations of the same problems, paired: the difference, its interval, and an exact test."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction

from pydantic import BaseModel, ConfigDict

from lowres_code.errors import UsageError
from lowres_code.evaluation.folder import EvaluationFolder
from lowres_code.evaluation.intervals import mean_share, paired_difference
from lowres_code.evaluation.metrics import Holds, Share, judged_by_problem, right_after
from lowres_code.evaluation.record import SampleRecord
from lowres_code.judgement import INFRA_ERROR

MUST_AGREE = {
    "language": "the language",
    "language_data": "what the language says and does",
    "limits": "the limits of programs",
    "problems": "the problems",
    "prompt": "the prompt",
    "temperature": "the temperature",
    "top_p": "top-p",
    "max_new_tokens": "the longest completion",
    "turns": "the number of turns",
    "feedback": "what the model is told between turns",
}
_ROOM = 2**25  # bytes that the exact test may take

Groups = Mapping[str, Sequence[SampleRecord]]  # the judged samples of each problem


class Difference(BaseModel):
    """How two evaluations differ on the problems that both have.

    Attributes:
        problems: how many.
        before, after: pass@1 of the one and of the other.
        difference: after - before, with its 95 % interval (`lowres_code.evaluation.intervals.paired_difference`).
        better, worse: problems with a larger and with a smaller share of right samples after than before.
        p_value: of the exact test, see `sign_flip_test`.
    """

    model_config = ConfigDict(frozen=True)

    problems: int
    before: Share
    after: Share
    difference: Share
    better: int
    worse: int
    p_value: float


class Gaps(BaseModel):
    """What one evaluation lacks of the samples that it asks for; greedy ones aside, which are not compared.

    Attributes:
        samples: that it asks for.
        missing: that are not there; reasons: why, as far as that was written down.
        infra_error: that are there, but that the judge itself failed on.
    """

    model_config = ConfigDict(frozen=True)

    samples: int
    missing: int
    reasons: tuple[str, ...] = ()
    infra_error: int

    def notes(self, name: str) -> Iterator[str]:
        """The same in sentences about the evaluation of that name."""
        of = f"of {self.samples:,} samples"
        if self.missing:
            reasons = f" ({'; '.join(self.reasons)})" if self.reasons else ""
            yield f"{name} is incomplete: {self.missing:,} {of} are missing{reasons}; only those that are there count"
        if self.infra_error:
            yield f"{name}: the judge itself failed on {self.infra_error:,} {of}; they do not count"


class Comparison(BaseModel):
    """An evaluation against the first one.

    Attributes:
        before, after: their folders; before_lacks, after_lacks: what they lack.
        differs_in: what was not asked the same.
        left_out: problems that one of the two lacks.
        all, by_task: how they differ.
        by_turn: how they differ after at most so many turns, where a model might try again.
    """

    model_config = ConfigDict(frozen=True)

    before: str
    after: str
    differs_in: tuple[str, ...] = ()
    left_out: int = 0
    before_lacks: Gaps
    after_lacks: Gaps
    all: Difference
    by_task: dict[str, Difference] = {}
    by_turn: dict[int, Difference] = {}

    def notes(self) -> list[str]:
        """What somebody who reads the figures must know beside them."""
        notes = [f"not asked the same; they differ in {' and '.join(self.differs_in)}"] if self.differs_in else []
        notes += [f"{self.left_out} problems are left out: one of the two lacks them"] if self.left_out else []
        return [*notes, *self.before_lacks.notes(self.before), *self.after_lacks.notes(self.after)]


def compare(first: EvaluationFolder, others: Sequence[EvaluationFolder], anyway: bool = False) -> list[Comparison]:
    """Each of the others against the first.

    Args:
        first: the evaluation that the others are compared with.
        others: at least one.
        anyway: also compare what was not asked the same, on the problems that both have.

    Raises:
        UsageError: they were not asked the same, have no problem in common, or hold no samples.
    """
    return [_comparison(first, other, anyway) for other in others]


def _comparison(first: EvaluationFolder, other: EvaluationFolder, anyway: bool) -> Comparison:
    differs = _differs_in(first, other)
    if differs and not anyway:
        raise UsageError(
            f"{str(first.path)!r} and {str(other.path)!r} were not asked the same; they differ in "
            f"{' and '.join(differs)}: --anyway compares the problems that both have"
        )
    old, new = first.samples(), other.samples()
    before, after = judged_by_problem(old), judged_by_problem(new)
    same = _same_problems(first, other, differs)
    both = [name for name in before if name in after and name in same]
    if not both:
        raise UsageError(f"{str(first.path)!r} and {str(other.path)!r} have no judged problem in common")
    turns = max(folder.summary().asked.turns for folder in (first, other))
    by_turn = {turn: _difference(before, after, both, right_after(turn)) for turn in range(1, turns + 1) if turns > 1}
    tasks = sorted({before[name][0].task for name in both} - {""})
    return Comparison(
        before=str(first.path),
        after=str(other.path),
        differs_in=tuple(differs),
        left_out=len(set(before) | set(after)) - len(both),
        before_lacks=_gaps(first, old),
        after_lacks=_gaps(other, new),
        all=_difference(before, after, both),
        by_task={task: _difference(before, after, [n for n in both if before[n][0].task == task]) for task in tasks},
        by_turn=by_turn,
    )


def _gaps(folder: EvaluationFolder, samples: Iterable[SampleRecord]) -> Gaps:
    summary = folder.summary()
    asked = len(folder.problems()) * summary.asked.samples
    verdicts = {(record.problem, record.sample): record.verdict for record in samples if not record.greedy}
    missing = max(0, asked - len(verdicts))
    return Gaps(
        samples=asked,
        missing=missing,
        reasons=summary.failures if missing else (),
        infra_error=list(verdicts.values()).count(INFRA_ERROR),
    )


def _differs_in(first: EvaluationFolder, other: EvaluationFolder) -> list[str]:
    one, two = first.summary().asked, other.summary().asked
    unknown = {"language_data"} if not (one.language_data and two.language_data) else set()  # of an older folder
    differs = [name for name in MUST_AGREE if name not in unknown and getattr(one, name) != getattr(two, name)]
    if {"problems", "prompt"} <= {*differs} and _asks_alike(first, other):
        differs.remove("prompt")
    return [MUST_AGREE[name] for name in differs]


def _asks_alike(first: EvaluationFolder, other: EvaluationFolder) -> bool:
    """Whether the same questions, if there are some, stand in the same prompts."""
    one, two = ({(p.id, p.question): p.asked for p in folder.problems()} for folder in (first, other))
    return all(two.get(question, asked) == asked for question, asked in one.items())


def _same_problems(first: EvaluationFolder, other: EvaluationFolder, differs: Sequence[str]) -> set[str]:
    """The ids that stand for the same question and tests in both."""
    if MUST_AGREE["problems"] not in differs:
        return {problem.id for problem in first.problems()}
    one, two = ({p.id: (p.question, p.tests) for p in folder.problems()} for folder in (first, other))
    return {name for name in one if two.get(name) == one[name]}


def _is_right(record: SampleRecord) -> bool:
    return record.correct


def _difference(before: Groups, after: Groups, names: Sequence[str], holds: Holds = _is_right) -> Difference:
    old, new = ([_share(groups[name], holds) for name in names] for groups in (before, after))
    samples = (sum(len(before[name]) for name in names), sum(len(after[name]) for name in names))
    floats = list(map(float, old)), list(map(float, new))
    steps = [one - other for one, other in zip(new, old, strict=True)]
    return Difference(
        problems=len(names),
        before=Share.of(mean_share(floats[0], samples[0])),
        after=Share.of(mean_share(floats[1], samples[1])),
        difference=Share.of(paired_difference(*floats, samples)),
        better=sum(step > 0 for step in steps),
        worse=sum(step < 0 for step in steps),
        p_value=sign_flip_test(steps),
    )


def _share(group: Sequence[SampleRecord], holds: Holds) -> Fraction:
    return Fraction(sum(map(bool, map(holds, group))), len(group))


def sign_flip_test(differences: Iterable[Fraction]) -> float:
    """The two-sided p-value of the hypothesis that a problem's difference is as likely to be its opposite. Exact.

    Fisher's randomization test for pairs (The Design of Experiments, 1935, section 21): of all the ways to give the
    differences signs, the share whose sum is at least as far from 0 as the one seen. With one sample a problem it is
    McNemar's exact test. Counted over all ways by dynamic programming, with whole numbers.

    Where problems have so many different numbers of samples that the count would not fit into memory, differences are
    rounded first, to a hundredth or finer for up to 1,600 problems.

    Args:
        differences: a rational number for each problem.
    """
    steps = [step for step in differences if step]
    if not steps:
        return 1.0
    width = len(steps) // 8 + 1  # bytes, for up to 2^n ways
    whole = min(math.lcm(*(step.denominator for step in steps)), max(1, _ROOM // (len(steps) * width)))
    sizes = [round(step * whole) for step in steps]
    seen, total = abs(sum(sizes)), sum(map(abs, sizes))
    # For each sum of the differences that count positive, the ways to it: fields of one long number.
    ways = 1
    for size in sizes:
        ways += ways << (8 * width * abs(size))
    fields = ways.to_bytes(width * (total + 1), "little")
    extreme = sum(
        int.from_bytes(fields[width * chosen : width * (chosen + 1)], "little")
        for chosen in range(total + 1)
        if abs(2 * chosen - total) >= seen
    )
    return float(Fraction(extreme, 2 ** len(sizes)))
