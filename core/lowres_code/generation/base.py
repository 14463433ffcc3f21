"""The seam between this package and whatever writes completions."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Literal

from lowres_code.prompt import Message

Stop = Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How completions are drawn.

    Attributes:
        temperature: 0 is greedy: the likeliest token each time.
        top_p: nucleus sampling (arXiv 1904.09751); 1 keeps every token.
        max_new_tokens: a completion that reaches it is cut there.
        seed: the same seed draws the same completions, as far as the hardware and the batches are the same.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    max_new_tokens: int = 1024
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Request:
    """One prompt, and which of its samples are wanted.

    Attributes:
        key: the caller's own; it comes back with each sample.
        messages: of the chat.
        numbers: of the samples; a caller that has some already names the others.
        turn: which answer to the problem is wanted, from 1; in a later one a sample goes on with its own chat.
    """

    key: int
    messages: tuple[Message, ...]
    numbers: tuple[int, ...]
    turn: int = 1

    def seed(self, sampling: Sampling, number: int) -> int:
        """The seed of one sample: another in each turn."""
        return seed_of(sampling.seed, self.key, number, *([f"turn {self.turn}"] if self.turn > 1 else []))


@dataclass(frozen=True, slots=True)
class Sample:
    """One completion.

    Attributes:
        key, number: of the request that it answers.
        text: what was written.
        tokens: how many were written, the end token included; ``None`` where nobody counts them.
        stop: ``"stop"`` if the model ended it, ``"length"`` if it was cut.
        seconds: by the clock, from the request to its end; samples of a batch run side by side.
    """

    key: int
    number: int
    text: str
    tokens: int | None
    stop: Stop
    seconds: float


@dataclass(frozen=True, slots=True)
class Failure:
    """A sample that could not be had, and why; ``for_good``: asking for the same again is of no use."""

    key: int
    number: int
    reason: str
    for_good: bool = False


class Generator(ABC):
    """Writes completions; hold it in ``with`` or `close` it.

    Attributes:
        name: of the model, for people and records.
        tell: called now and then with what is being written, for people, where samples take long to come.
    """

    name: str
    tell: Callable[[str], None] = staticmethod(lambda _: None)

    @abstractmethod
    def generate(self, requests: Sequence[Request], sampling: Sampling) -> Iterator[Sample | Failure]:
        """One `Sample` or `Failure` for each number of each request, in any order, as they come.

        Raises:
            UsageError: no sample can be had this way: a prompt that does not fit, an endpoint that refuses everything.
                That a chat has grown too long in a later turn is a `Failure` for good.
        """

    def close(self) -> None:  # noqa: B027 - most hold nothing
        """Give back what is held; by default nothing."""

    def __enter__(self) -> Generator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def seed_of(seed: int, *parts: object) -> int:
    """A seed of 31 bits for a part of the work; another part has another, and so does another seed.

    So what is drawn does not depend on what was drawn before it: work that goes on after a stop never repeats a draw.
    """
    text = "/".join(map(str, (seed, *parts)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1
