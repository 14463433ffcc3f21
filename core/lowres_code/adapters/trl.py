"""TRL: reward functions, and an environment in which a model runs programs before it answers.

``trl grpo --reward_funcs lowres_code.adapters.trl.prolog ...``: every language of the judge is a function here, with
``_`` for ``-``. What is right stands in the data set's columns, named as the keys of a problem (``answer``, ``tests``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from lowres_code.adapters.judging import Row, judged, judged_by, note_failures, tests_for, text_of, value_of
from lowres_code.case import given
from lowres_code.errors import LowresCodeError, near_match
from lowres_code.feedback import Feedback
from lowres_code.judgement import INFRA_ERROR, Judgement
from lowres_code.plugins.manager import plugin_manager
from lowres_code.problem import Problem, Test

_TOLD = Feedback("{verdict}\n{diagnostics}\n{output}")
_LONGEST = 1_000  # characters of an answer that a model is shown
_NOT_RUN = "The program could not be run, by no fault of its own. Run it again."


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

    The last program that was run is the one that counts. TRL shows a model whatever a tool raises and goes on, so what
    ends the training is raised by `get_reward`.
    """

    def __init__(self, language: str) -> None:
        """Language: its name, or its file."""
        self._language = language
        self._tests: tuple[Test, ...] = ()
        self._last: Judgement | None = None
        self._error: LowresCodeError | None = None

    def reset(self, **row: Any) -> None:
        """Begin with a row of the data set.

        Raises:
            UsageError: it does not say what is right, or there is no such language.
            JudgeError: the judge does not work here.
        """
        self._tests = tests_for(self._language, row)
        self._last = self._error = None

    def run_program(self, program: str) -> str:
        """Run a complete program and see what it answers, or what is wrong with it.

        Args:
            program: The whole text of the program.

        Returns:
            How it ended, its answer, and messages with line numbers.
        """
        try:
            self._last = judged_by(self._language, given(program), self._tests)
            note_failures(self._language, [self._last])
            several = [test for test in self._tests if test.appended is None][1:]
            # Of the first test always: which one fails would tell whether others are right.
            seen = judged_by(self._language, given(program), self._tests[:1]) if several else self._last
        except LowresCodeError as error:
            self._error = error
            return _NOT_RUN
        return _shown(seen, self._tests)

    def get_reward(self) -> float | None:
        """1 if the last program that was run is right, 0 if not or if there was none; ``None`` if the judge failed.

        Raises:
            JudgeError: the judge fails on over 2 % of recent programs, or has gone away; the training should not go on.
        """
        if self._error is not None:
            raise self._error
        return 0.0 if self._last is None else value_of(self._last)


def environment(language: str) -> Callable[[], ProgramEnvironment]:
    """For ``environment_factory`` of TRL's trainers; can be pickled."""
    return partial(ProgramEnvironment, language)


def _rows(columns: dict[str, Any], count: int) -> list[Row]:
    listed = {key: column for key, column in columns.items() if isinstance(column, list) and len(column) == count}
    return [{key: column[number] for key, column in listed.items()} for number in range(count)]


def _shown(judgement: Judgement, tests: tuple[Test, ...]) -> str:
    """What a model may see: what became of the program, and nothing of whether its answer is right."""
    if judgement.verdict == INFRA_ERROR:
        return _NOT_RUN
    told = _TOLD.message(judgement, Problem("", "", tests))
    if told is not None:
        return told
    answer = judgement.execution.answer if judgement.execution else None
    if answer is None or any(test.appended is not None for test in tests):  # what such tests say is not for the model
        return "The program ran."
    return f"The program ran. Its answer: {answer.strip()[:_LONGEST]}"


def __getattr__(name: str) -> Reward:
    names = {language.replace("-", "_"): language for language in plugin_manager().languages}
    if name not in names:
        raise AttributeError(f"there is no language {name!r}; {near_match(name, names)}")
    return Reward(names[name])
