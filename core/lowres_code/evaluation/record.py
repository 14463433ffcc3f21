"""The record: one typed line for each judged sample. Every figure is computed from it and can be again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from lowres_code._util.files import read_json_lines
from lowres_code.errors import UsageError
from lowres_code.judgement import Judged, Judgement
from lowres_code.language.base import Diagnostic, Execution, Status
from lowres_code.problem import Problem
from lowres_code.trust import Trust

LONGEST_STDERR = 2_000  # characters of standard error that are kept, the last ones
NO_PROGRAM = "no program: neither <code> nor a fenced block of the language"
_NO_EXECUTION = Execution(Status.NO_ANSWER, diagnostics=(Diagnostic(NO_PROGRAM),))


class Note(BaseModel):
    """One message about a program; lines and columns count from 1."""

    model_config = ConfigDict(frozen=True)

    message: str
    severity: str = "error"
    line: int | None = None
    column: int | None = None


class _Place(BaseModel):
    """Which sample it is."""

    problem: str
    task: str = ""
    difficulty: str = ""
    sample: int = 0
    greedy: bool = False
    step: int | None = None


class TurnRecord(Judged, BaseModel):
    """One answer of a model, judged.

    Attributes:
        completion: all that the model wrote; program: what was run of it; extraction: how that was found.
        verdict, answer, failed_test, passed, tests, diagnostics, stderr, exit_code, cpu_s, wall_s: see `judged_fields`.
        tokens: that were written; cut: whether the limit of tokens ended it; seconds: until it ended.
        feedback: what the model was told then, so that it tries again; ``None`` if it was told nothing.
    """

    model_config = ConfigDict(frozen=True)

    completion: str
    program: str | None
    extraction: str = ""
    verdict: str
    answer: str | None = None
    failed_test: int | None = None
    passed: int | None = None
    tests: int | None = None
    diagnostics: tuple[Note, ...] = ()
    stderr: str = ""
    exit_code: int | None = None
    cpu_s: float = 0.0
    wall_s: float = 0.0
    tokens: int | None = None
    cut: bool = False
    seconds: float = 0.0
    feedback: str | None = None


class SampleRecord(TurnRecord, _Place):
    """One judged sample, of an evaluation or of training: its last turn, and those before it.

    Attributes:
        problem: its id; task, difficulty: of the problem, ``""`` where unknown.
        sample: its number among the samples of its problem, from 0; greedy ones are counted by themselves.
        greedy: whether it was taken at temperature 0 beside the samples that were drawn.
        step: of training; ``None`` in an evaluation.
        rewards: by term, in training.
        trust: whether a right answer was programmed, in languages that offer an analysis.
        earlier: the turns before the last. That the last one has ``feedback`` too means that no more could be had.
    """

    rewards: dict[str, float | None] | None = None
    trust: Trust | None = None
    earlier: tuple[TurnRecord, ...] = ()

    @property
    def turns(self) -> int:
        """How many there were."""
        return len(self.earlier) + 1

    @property
    def all_turns(self) -> tuple[TurnRecord, ...]:
        """All turns in their order."""
        last = self.model_dump(include=set(TurnRecord.model_fields), exclude_unset=True)
        return (*self.earlier, TurnRecord.model_validate(last))

    @property
    def all_tokens(self) -> int | None:
        """Tokens that were written in all turns; ``None`` where nobody counts."""
        counts = [turn.tokens for turn in (*self.earlier, self)]
        return None if None in counts else sum(count or 0 for count in counts)

    @property
    def all_seconds(self) -> float:
        """Seconds of writing in all turns."""
        return sum(turn.seconds for turn in (*self.earlier, self))

    @classmethod
    def of(cls, problem: Problem, judgement: Judgement, **sampled: Any) -> SampleRecord:
        """The record of a judgement; ``sampled`` holds what only the caller knows, by the names of this class."""
        return cls(
            problem=problem.id,
            task=problem.task,
            difficulty=problem.difficulty,
            completion=judgement.completion.text,
            program=judgement.completion.program,
            **judged_fields(judgement),
            **sampled,
        )

    def as_json(self) -> Mapping[str, Any]:
        """Without what was never said."""
        return self.model_dump(exclude_unset=True)


def judged_turn(judgement: Judgement, **sampled: Any) -> TurnRecord:
    """The record of one turn; ``sampled`` as in `SampleRecord.of`."""
    completion = judgement.completion
    return TurnRecord(completion=completion.text, program=completion.program, **judged_fields(judgement), **sampled)


def judged_fields(judgement: Judgement) -> dict[str, Any]:
    """What is written down of a judgement, ready for JSON.

    ``extraction`` says how the program was found, ``failed_test`` which test was not answered rightly (from 0),
    ``passed`` how many of its ``tests`` were (null if not all were run, since one had failed); the others are of the
    execution that decided: its answer, messages with their places, the end of its standard error, exit code, and
    seconds.
    """
    execution = judgement.execution or _NO_EXECUTION
    return {
        "extraction": judgement.completion.extraction,
        "verdict": judgement.verdict,
        "answer": execution.answer,
        "failed_test": judgement.failed_test,
        "passed": judgement.passed,
        "tests": judgement.tests,
        "diagnostics": [asdict(note) for note in execution.diagnostics],
        "stderr": execution.stderr[-LONGEST_STDERR:],
        "exit_code": execution.exit_code,
        "cpu_s": execution.cpu_s,
        "wall_s": execution.wall_s,
    }


def read_samples(path: Path) -> Iterator[SampleRecord]:
    """The samples in a JSON Lines file; a last line that a crash has torn is left out.

    Raises:
        LowresCodeError: a line before it is damaged.
        UsageError: a line is no sample of this version.
    """
    for number, line in enumerate(read_json_lines(path), 1):
        try:
            yield SampleRecord.model_validate(line)
        except ValidationError as error:  # noqa: PERF203 - names the line
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise UsageError(f"{path}:{number}: not a sample record ({place}: {first['msg']})") from error
