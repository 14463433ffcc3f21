"""The text that the pocket model is taught on: plenty of Python, a little of each scarce language, mostly broken."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lowres_code.completion import format_completion
from lowres_code.pocket.dialects import Dialect
from lowres_code.pocket.dialects.python import DIALECT as PYTHON
from lowres_code.pocket.ideas import idea_of
from lowres_code.sources.reasoning_gym import TaskOptions, entries


@dataclass(frozen=True, slots=True)
class Scarcity:
    """How badly the scarce languages are represented.

    Attributes:
        share: of all texts, how many are in a scarce language; each of those has an equal part of it.
        sound: of those, how many are right; the others hold one or two mistakes.
    """

    share: float = 0.48
    sound: float = 0.15


@dataclass(frozen=True, slots=True)
class Text:
    """One text: what was asked, and what was written."""

    prompt: str
    completion: str


ECHO_PIECES = ("+", "-", "*", "(", ")", "x", "Amelia", "")


def echo(rng: random.Random, longest: int) -> Text:
    """An exercise in copying: up to ``longest`` numbers to be repeated. Without it copying is learnt far later."""
    numbers = (str(rng.randint(0, 10 ** rng.randint(1, 10))) for _ in range(rng.randint(1, longest)))
    line = " ".join(f"{rng.choice(ECHO_PIECES)} {number}" for number in numbers)
    return Text(f"Echo: {line}", line)


def corpus(
    tasks: Mapping[str, TaskOptions], scarce: Sequence[Dialect], scarcity: Scarcity, seed: int
) -> Iterator[Text]:
    """Endless texts on the training part of ``tasks``, the tasks in turn; the same for the same seed."""
    rng = random.Random(seed)
    streams = {task: entries(task, options, "train", seed) for task, options in tasks.items()}
    while True:
        for task, stream in streams.items():
            entry = next(stream)
            idea = idea_of(task, entry)
            dialect = rng.choice(scarce) if rng.random() < scarcity.share else PYTHON
            program = dialect.write(idea)
            if dialect is not PYTHON and rng.random() > scarcity.sound:
                program = _broken(program, dialect, rng)
            yield Text(f"{dialect.language}: {entry['question']}", format_completion(idea.reasoning, program))


def _broken(program: str, dialect: Dialect, rng: random.Random) -> str:
    """The program with one mistake that changes it, and in one case of three with another on top."""
    for _ in range(2 if rng.random() < 1 / 3 else 1):
        outcomes = {mistake(program) for mistake in dialect.mistakes} - {program}
        if outcomes:
            program = rng.choice(sorted(outcomes))
    return program
