"""TRL: reward functions, and an environment in which a model runs programs before it answers.

``trl grpo --reward_funcs lowres_code.adapters.trl.prolog ...``: every language of the judge is a function here, with
``_`` for ``-``. What is right stands in the data set's columns, named as the keys of a problem (``answer``, ``tests``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from lowres_code.adapters.judging import Row, judged, messages_of, note_failures, program_alone, text_of, value_of
from lowres_code.errors import near_match
from lowres_code.judgement import INFRA_ERROR, Judgement
from lowres_code.plugins.manager import plugin_manager


@dataclass(frozen=True)
class Reward:
    """A reward function: 1 for a right program, 0 for another, ``None`` (TRL leaves it out) where the judge failed.

    It can be pickled, so that it serves in `AsyncGRPOTrainer`'s process too.

    Attributes:
        language: its name, or its file.
    """

    language: str

    @property
    def __name__(self) -> str:
        """What TRL calls it in its metrics."""
        return self.language

    def __call__(self, completions: Sequence[Any], **columns: Any) -> list[float | None]:
        """The value of each completion.

        Raises:
            UsageError: a row of the data set does not say what is right.
            JudgeError: the judge fails on over 2 % of recent completions; the training should not go on.
        """
        judgements = judged(self.language, [*map(text_of, completions)], _rows(columns, len(completions)))
        note_failures(self.language, judgements)
        return [value_of(judgement) for judgement in judgements]


class ProgramEnvironment:
    """An environment with one tool, that runs a program and shows what became of it, but not what is right.

    The last program that was run is the one that counts.
    """

    def __init__(self, language: str) -> None:
        """Language: its name, or its file."""
        self._language = language
        self._row: Row = {}
        self._last: Judgement | None = None

    def reset(self, **row: Any) -> None:
        """Begin with a row of the data set, which says what is right."""
        self._row, self._last = row, None

    def run_program(self, program: str) -> str:
        """Run a complete program and see what it answers, or what is wrong with it.

        Args:
            program: The whole text of the program.

        Returns:
            How it ended, its answer, and messages with line numbers.
        """
        self._last = judged(self._language, [program_alone(program)], [self._row])[0]
        note_failures(self._language, [self._last])
        return _shown(self._last)

    def get_reward(self) -> float | None:
        """1 if the last program that was run is right, 0 if not or if there was none; ``None`` if the judge failed."""
        return 0.0 if self._last is None else value_of(self._last)


def environment(language: str) -> Callable[[], ProgramEnvironment]:
    """For ``environment_factory`` of TRL's trainers; can be pickled."""
    return partial(ProgramEnvironment, language)


def _rows(columns: dict[str, Any], count: int) -> list[Row]:
    listed = {key: column for key, column in columns.items() if isinstance(column, list) and len(column) == count}
    return [{key: column[number] for key, column in listed.items()} for number in range(count)]


def _shown(judgement: Judgement) -> str:
    """What a model may see: what the program did, and nothing of whether that is right."""
    execution = judgement.execution
    if execution is None:
        return "There is no program."
    if judgement.verdict == INFRA_ERROR:
        return "The program could not be run, by no fault of its own. Run it again."
    lines = [f"status: {execution.status.value}", messages_of(judgement)]
    lines += [f"answer: {execution.answer.rstrip()}"] if execution.answer is not None else []
    lines += [f"output: {execution.stdout.rstrip()}"] if execution.stdout not in ("", execution.answer) else []
    return "\n".join(filter(None, lines))


def __getattr__(name: str) -> Reward:
    names = {language.replace("-", "_"): language for language in plugin_manager().languages}
    if name not in names:
        raise AttributeError(f"there is no language {name!r}; {near_match(name, names)}")
    return Reward(names[name])
