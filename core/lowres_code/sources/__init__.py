"""Problem sources: where the problems of ``[data.train]`` and ``[data.eval]`` come from."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from lowres_code.problem import Problem

Part = Literal["train", "eval"]
HELD_OUT_SHARE = 8  # one question in this many is held out


def part_of(question: str) -> Part:
    """The part that a question belongs to, by the SHA-256 of its text.

    The same text is always in the same part, whatever seed made it: training, held-out evaluation and the text that
    the embedded model was taught on cannot overlap.
    """
    digest = hashlib.sha256(question.encode()).digest()
    return "eval" if int.from_bytes(digest[:4], "big") % HELD_OUT_SHARE == 0 else "train"


class SourceOptions(BaseModel):
    """Options of a source, as keys of a data table; unknown keys and wrong types are refused.

    Attributes:
        files: the options that name files; a recipe names them as seen from where it stands itself.
    """

    files: ClassVar[tuple[str, ...]] = ()

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


Options = TypeVar("Options", bound=SourceOptions)


class ProblemSource(ABC, Generic[Options]):
    """Gives problems.

    Attributes:
        name: as in ``source = "NAME"``.
        options: the class of its options.
    """

    name: str
    options: type[Options]

    @abstractmethod
    def problems(self, options: Options, part: Part, size: int, seed: int) -> list[Problem]:
        """At most ``size`` problems for training or for evaluation; the same for the same arguments.

        Raises:
            UsageError: the problems cannot be had.
        """

    def load(self, options: dict[str, Any], part: Part, size: int, seed: int) -> list[Problem]:
        """`problems`, from the keys of a data table."""
        return self.problems(self.options.model_validate(options), part, size, seed)
