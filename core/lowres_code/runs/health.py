"""Whether a training run is well: what its metrics say is going wrong, in plain words, once each.

Every rule is computed from the lines of ``metrics.jsonl`` alone and can be again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

SPAN = 5  # steps that are averaged, where a beginning is compared with what came of it
CUT_STEPS, EQUAL_STEPS, RIGHT_STEPS = 3, 10, 20  # for so many steps in a row, before it is said
NEARLY_ALL = 0.9
FAILED_SHARE = 0.01  # of the completions of the last ten steps; at 2 % a run ends (`lowres_code.judge.FailureWindow`)
LEAST_WORDS = 10  # of reasoning at the beginning; of less, nothing can collapse
COLLAPSED_REASONING, COLLAPSED_ENTROPY = 1 / 3, 0.05  # of what they were

_NUMBERS = ("loss", "policy_loss", "grad_norm", "reward", "entropy", "kl")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is going wrong.

    Attributes:
        kind: which rule found it.
        step: when it was found.
        seen: what was seen; means: what that usually means; change: what to do.
    """

    kind: str
    step: int
    seen: str
    means: str
    change: str

    def __str__(self) -> str:
        return f"step {self.step}: {self.seen}. {self.means} {self.change}"

    def as_json(self) -> dict[str, Any]:
        """A line of ``health.jsonl``."""
        return asdict(self)


class History:
    """The metrics of the steps so far."""

    def __init__(self) -> None:
        self._values: dict[str, list[float]] = {}

    def add(self, record: Mapping[str, Any]) -> None:
        """Note a line of ``metrics.jsonl``; a metric that it lacks was not measured in that step."""
        for name, value in record.items():
            if isinstance(value, (int, float)):
                self._values.setdefault(name, []).append(float(value))

    def last(self, name: str, steps: int) -> list[float]:
        """The last values of a metric; empty if there are not so many."""
        values = self._values.get(name, [])
        return values[-steps:] if len(values) >= steps else []

    def recent(self, name: str, steps: int) -> float:
        """The mean of the last values of a metric, of as many as there are."""
        values = self._values.get(name, [])[-steps:]
        return math.fsum(values) / len(values) if values else 0.0

    def change(self, name: str) -> tuple[float, float] | None:
        """The means of the first and of the last `SPAN` steps; ``None`` before these are different steps."""
        values = self._values.get(name, [])
        if len(values) < 2 * SPAN:
            return None
        return math.fsum(values[:SPAN]) / SPAN, math.fsum(values[-SPAN:]) / SPAN


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that can go wrong; ``sees`` says what is seen of it, or nothing."""

    kind: str
    sees: Callable[[History], str | None]
    means: str
    change: str


def _cut(history: History) -> str | None:
    shares = history.last("completions/clipped_ratio", CUT_STEPS)
    if not shares or min(shares) < NEARLY_ALL:
        return None
    return f"{min(shares):.0%} or more of the completions were cut by the limit of tokens in {CUT_STEPS} steps in a row"


def _equal_rewards(history: History) -> str | None:
    shares = history.last("share/equal_rewards", EQUAL_STEPS)
    if not shares or min(shares) < 1 or history.recent("share/correct", EQUAL_STEPS) > NEARLY_ALL:
        return None
    return f"in each of the last {EQUAL_STEPS} steps all completions of a problem earned the same"


def _nothing_left(history: History) -> str | None:
    shares = history.last("share/equal_rewards", EQUAL_STEPS)
    if not shares or min(shares) < 1 or history.recent("share/correct", EQUAL_STEPS) <= NEARLY_ALL:
        return None
    return (
        f"in the last {EQUAL_STEPS} steps nearly everything was right, and all completions of a problem earned the same"
    )


def _nothing_right(history: History) -> str | None:
    shares = history.last("share/correct", RIGHT_STEPS)
    return f"nothing was right in the last {RIGHT_STEPS} steps" if shares and max(shares) == 0 else None


def _judge_failures(history: History) -> str | None:
    share = history.recent("share/infra_error", 10)
    return f"the judge itself failed on {share:.1%} of the last completions" if share > FAILED_SHARE else None


def _not_a_number(history: History) -> str | None:
    bad = [name for name in _NUMBERS if not all(map(math.isfinite, history.last(name, 1)))]
    return f"{', '.join(bad)} is not a finite number" if bad else None


def _short_reasoning(history: History) -> str | None:
    change = history.change("reasoning_words")
    if change is None or change[0] < LEAST_WORDS or change[1] >= COLLAPSED_REASONING * change[0]:
        return None
    return f"the reasoning fell from {change[0]:.0f} words to {change[1]:.0f}"


def _low_entropy(history: History) -> str | None:
    change = history.change("entropy")
    if change is None or change[1] >= COLLAPSED_ENTROPY * change[0] or history.recent("share/correct", SPAN) > 0.5:
        return None
    return f"the entropy of the model's words fell from {change[0]:.2f} to {change[1]:.3f}, and most answers are wrong"


RULES = (
    Rule(
        "not_a_number",
        _not_a_number,
        "The weights are damaged or will be: nothing that is learnt from here on counts.",
        "Go back to a checkpoint with a lower train.learning_rate or train.max_grad_norm, or model.dtype float32.",
    ),
    Rule(
        "cut",
        _cut,
        "A program that is cut is mostly no program, so that hardly anything can be earned.",
        "Raise train.max_completion_length (and eval.max_new_tokens), or ask for shorter reasoning in prompt.system.",
    ),
    Rule(
        "equal_rewards",
        _equal_rewards,
        "GRPO learns from differences only: the loss is 0 and the weights stay as they are.",
        "Ask for more completions of a problem (train.num_generations) at temperature 1, for easier problems, or start "
        "with examples in the prompt (prompt.shots) or a supervised stage ([sft]).",
    ),
    Rule(
        "nothing_left",
        _nothing_left,
        "These problems are learnt: GRPO learns from differences only, and there are none.",
        "Stop here, or take harder problems.",
    ),
    Rule(
        "nothing_right",
        _nothing_right,
        "What never happens is never reinforced: a model this far from the language does not get there alone.",
        "Show it worked examples (prompt.shots = 1 or more), give it a supervised start ([sft]), or take easier "
        "problems; look at samples.jsonl for what it writes.",
    ),
    Rule(
        "judge_failures",
        _judge_failures,
        "These completions are left out of training; above 2 % the run ends.",
        "Look at samples.jsonl (verdict infra_error) for the reason; too little memory and a full disk are usual: "
        "lower limits.workers, or free some.",
    ),
    Rule(
        "short_reasoning",
        _short_reasoning,
        "The model finds that it earns as much without reasoning, and then loses what needs it (arXiv 2506.11027).",
        "Reward reasoning of some length ([reward.length]) and its agreement with the program (reward.agreement).",
    ),
    Rule(
        "low_entropy",
        _low_entropy,
        "The model writes nearly the same each time: there is nothing left to compare.",
        "Lower train.learning_rate, set train.beta above 0, or go back to an earlier checkpoint.",
    ),
)


class Health:
    """Looks at a run's metrics step by step; says each thing once."""

    def __init__(self, told: Collection[str] = (), before: Iterable[Mapping[str, Any]] = ()) -> None:
        """Args:
        told: kinds of findings that were told before.
        before: the metrics so far of a run that goes on.
        """
        self._told = set(told)
        self._history = History()
        for record in before:
            self._history.add(record)

    def observe(self, record: Mapping[str, Any]) -> list[Finding]:
        """What a further line of ``metrics.jsonl`` shows that was not told before."""
        self._history.add(record)
        findings = []
        for rule in RULES:
            seen = None if rule.kind in self._told else rule.sees(self._history)
            if seen:
                self._told.add(rule.kind)
                findings.append(Finding(rule.kind, int(record.get("step", 0)), seen, rule.means, rule.change))
        return findings
