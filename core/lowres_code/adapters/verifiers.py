"""verifiers: a taskset over a file of problems, whose reward is the judge's.

``vf-eval lowres-code-verifiers --env.taskset.language prolog --env.taskset.problems problems.jsonl ...``
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import verifiers.v1 as vf

from lowres_code.adapters.judging import language_of, surely_judged
from lowres_code.adapters.tasks import asked, read_rows
from lowres_code.errors import UsageError


class ProgramsConfig(vf.TasksetConfig):
    """Options of the taskset; the first two must be given (verifiers makes one without, to show its defaults).

    Attributes:
        language: its name, or its file.
        problems: JSON Lines, CSV or Parquet, each row with a question and what is right.
        shots: so many of the language's worked examples are shown first.
    """

    language: str = ""
    problems: str = ""
    shots: int = 0


class ProgramData(vf.TaskData):
    """A problem and the language in which it is to be solved."""

    language: str
    row: dict[str, Any]


class ProgramTask(vf.Task[ProgramData, vf.State, vf.TaskConfig]):
    """One problem; the model's last reply holds the program."""

    @vf.reward
    async def correct(self, trace: vf.Trace) -> float:
        """1 for a right program, 0 for another.

        Raises:
            JudgeError: the judge itself has failed: verifiers notes a ``TaskError`` and gives the rollout no reward.
        """
        judgement = await asyncio.to_thread(surely_judged, self.data.language, trace.last_reply, self.data.row)
        trace.info["verdict"] = judgement.verdict
        return float(judgement.correct)


class ProgramsTaskset(vf.Taskset[ProgramTask, ProgramsConfig]):
    """A task for each problem of a file."""

    def load(self) -> Iterator[ProgramTask]:
        """The tasks, in the file's order.

        Raises:
            UsageError: an option is missing, or wrong, or a row of the file is no problem.
        """
        config = self.config
        if not (config.language and config.problems):
            raise UsageError("which problems? --env.taskset.language prolog --env.taskset.problems problems.jsonl")
        language = language_of(config.language)
        for row in read_rows(config.problems, language):
            messages = asked(language, str(row["question"]), config.shots)
            data = ProgramData(id=str(row["id"]), prompt=messages, language=config.language, row=row)
            yield ProgramTask(data, config.task)


__all__ = ["ProgramsTaskset"]
