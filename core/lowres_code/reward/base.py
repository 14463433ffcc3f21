"""What a reward term is: one aspect of a completion's worth, and the options that a recipe may set for it."""

from __future__ import annotations

import dataclasses
import math
import random
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic

from pydantic import BaseModel, ConfigDict
from typing_extensions import TypeVar

from lowres_code.completion import Completion
from lowres_code.errors import LowresCodeError
from lowres_code.judgement import INFRA_ERROR, Judgement
from lowres_code.problem import Problem


class RewardOptions(BaseModel):
    """Options of a term, as keys of ``[reward.NAME]`` beside ``weight``; unknown keys and wrong types are refused.

    Each must have a default, since ``NAME = 0.1`` alone asks for the term too.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


_NO_OPTIONS = RewardOptions()
Options = TypeVar("Options", bound=RewardOptions, default=RewardOptions)


@dataclass(frozen=True, slots=True)
class RewardInput(Generic[Options]):
    """What a reward term sees of one completion.

    Attributes:
        problem: that was asked.
        judgement: its verdict, the completion taken apart, the execution that decided, and the program's analysis if
            the term needs one (`lowres_code.judge.Judgement`).
        step: of training, from 1.
        options: the term's own.
        seed: of all that the term leaves to chance; another one for each completion, the same when a run is repeated.
    """

    problem: Problem
    judgement: Judgement
    step: int
    options: Options
    seed: str

    @property
    def completion(self) -> Completion:
        """The completion, taken apart."""
        return self.judgement.completion

    @property
    def rng(self) -> random.Random:
        """A generator with that seed; the only chance that a term may use."""
        return random.Random(self.seed)


@dataclass(frozen=True, slots=True)
class RewardTerm(Generic[Options]):
    """One aspect of a completion's worth.

    Attributes:
        name: as in ``[reward]``.
        meaning: one line for people.
        value: from what there is to see to a number, by convention between 0 and 1. It is never asked about an
            ``infra_error``.
        options: what a recipe may set, with the defaults; none unless a subclass of `RewardOptions` is given.
        needs_analysis: whether ``judgement.analysis`` is to be there. Only languages that offer one then go with it,
            and it is still ``None`` for programs that the language's reader does not accept.
        needs_every_test: whether ``judgement.passed`` is to be there, though that takes the tests behind a failed one.
        needs_answers: whether ``judgement.answers`` is to be there, of right programs: one execution more of each, and
            only in languages whose programs can have several answers.
        needs_follows: which fields of ``judgement.follows`` are to be there, of right programs: an analysis and an
            execution more of each.
        by_chance: whether its value says nothing of the completion: a control, that no recipe is refused for.
    """

    name: str
    meaning: str
    value: Callable[[RewardInput[Options]], float]
    options: Options = _NO_OPTIONS  # type: ignore[assignment]  # the default of the type variable
    needs_analysis: bool = False
    needs_answers: bool = False
    needs_follows: tuple[str, ...] = ()
    by_chance: bool = False
    needs_every_test: bool = False

    def with_options(self, options: Mapping[str, Any]) -> RewardTerm[Options]:
        """The same term with a recipe's options.

        Raises:
            pydantic.ValidationError: there is no such option, or it has a wrong value.
        """
        return dataclasses.replace(self, options=type(self.options).model_validate(dict(options)))

    def score(self, problem: Problem, judgement: Judgement, step: int = 1, seed: str = "") -> float | None:
        """The term's value; ``None``, which leaves the completion out, if the judge itself failed.

        Raises:
            LowresCodeError: the term fails, or gives something that is not a finite number.
        """
        if judgement.verdict == INFRA_ERROR:
            return None
        given = RewardInput(problem, judgement, step, self.options, f"{seed}/{self.name}")
        try:
            value = float(self.value(given))
        except Exception as error:  # of any kind: a term is somebody else's code
            place = traceback.extract_tb(error.__traceback__)[-1]
            raise LowresCodeError(
                f"reward term {self.name!r} fails on a completion of problem {problem.id!r}: "
                f"{type(error).__name__}: {error} ({place.filename}:{place.lineno})"
            ) from error
        if not math.isfinite(value):
            raise LowresCodeError(f"reward term {self.name!r} gave {value} for a completion of problem {problem.id!r}")
        return value
