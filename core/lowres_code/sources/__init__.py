"""Problem sources: where the problems of ``[data.train]`` and ``[data.eval]`` come from."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from lowres_code._util.given import must_be
from lowres_code.problem import Problem

Part = Literal["train", "eval"]
HELD_OUT = 1 / 8  # share of the questions that are held out, where nothing else is said


def part_of(question: str, held_out: float = HELD_OUT, split_seed: int = 0) -> Part:
    """The part that a question belongs to, by the SHA-256 of its text.

    The same text is always in the same part, whatever seed made it and whatever stands beside it: training, held-out
    evaluation and the text that the embedded model was taught on cannot overlap. What a smaller share holds out, a
    larger one does too.

    Args:
        question: its text, to the last blank.
        held_out: the share of all questions that are for evaluation.
        split_seed: for another split of the same share.
    """
    must_be(question, str, "part_of takes the text of a question")
    must_be(held_out, float | int, "part_of: held_out must be a share, from 0 to 1")
    text = f"{split_seed}:{question}" if split_seed else question
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    bits = f"{int.from_bytes(digest[:4], 'big'):032b}"
    place = int(bits[::-1], 2) / 2**32  # from 0 to 1, and an eighth exactly where the number is one of eight
    return "eval" if place < held_out else "train"


class SourceOptions(BaseModel):
    """Options of a source, as keys of a data table; unknown keys and wrong types are refused.

    Attributes:
        files: the options that name files; a recipe names them as seen from where it stands itself.
    """

    files: ClassVar[tuple[str, ...]] = ()

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @classmethod
    def located(cls, given: Mapping[str, Any], table: Mapping[str, Any], place: Callable[[str], str]) -> dict[str, Any]:
        """The keys of a data table that one recipe file gives, with the files that they name put in their place.

        Args:
            given: the keys in that recipe file.
            table: the whole table, with what the recipe extends.
            place: from a name as seen from the recipe file to one that can be used elsewhere.
        """
        return {key: place(value) if cls.is_beside(key, table) else value for key, value in given.items()}

    @classmethod
    def is_beside(cls, key: str, table: Mapping[str, Any]) -> bool:
        """Whether an option of a data table names a file, or a pattern of files, as seen from the recipe."""
        return key in cls.files and isinstance(table.get(key), str)


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

    def others(self, options: Options, task: str) -> Iterable[Problem]:
        """Many training problems of one task, the same in each call; none by default.

        A source that makes its problems can give them: questions that differ in their numbers alone tell whether a
        program follows (`lowres_code.metamorphic`). They are made as they are needed.
        """
        return ()

    def load(self, options: dict[str, Any], part: Part, size: int, seed: int) -> list[Problem]:
        """`problems`, from the keys of a data table."""
        return self.problems(self.options.model_validate(options), part, size, seed)

    def load_others(self, options: dict[str, Any], task: str) -> Iterable[Problem]:
        """`others`, from the keys of a data table."""
        return self.others(self.options.model_validate(options), task)
