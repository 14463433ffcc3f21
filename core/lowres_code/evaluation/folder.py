"""The folder of one evaluation: what was asked, every judged sample, and what they come to.

``recipe.toml`` and ``problems.jsonl`` say what was asked, ``samples.jsonl`` has a line for each judged sample
(`lowres_code.evaluation.record.SampleRecord`), ``summary.json`` is a `Summary`. An evaluation that was stopped lacks
samples and nothing else: what is there counts, and what is missing is made when it is asked for again. Where a model
may try again, ``unfinished.jsonl`` has the samples that go on, until all are finished.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tomli_w
from pydantic import BaseModel, ConfigDict, ValidationError

from lowres_code._util.differing import differing
from lowres_code._util.files import JsonLines, must_be_writable, read_json_lines, write_atomically, write_json
from lowres_code._util.lock import lock
from lowres_code.errors import UsageError
from lowres_code.evaluation.metrics import Metrics, by_difficulty, by_task, metrics
from lowres_code.evaluation.record import SampleRecord, read_samples
from lowres_code.forms import FORMS
from lowres_code.problem import Problem, Test
from lowres_code.prompt import Message
from lowres_code.recipe.schema import Recipe

VERSION = 2  # of summary.json; 1 was a file without samples, before they were kept


class Asked(BaseModel):
    """What an evaluation asks; samples of two that differ in this may not stand in one folder.

    Attributes:
        model: its name, with what was done to it; weights: a fingerprint of its files, where it has some.
        language: of the judge; language_data: what it says and does (`lowres_code.language.fingerprint`), empty in a
            folder that is older than this; limits: fingerprint of those that programs have.
        samples, greedy, temperature, top_p, max_new_tokens, seed: of the sampling; samples are a problem's.
        fraction: whether all tests of a problem are run.
        problems: fingerprint of the questions and tests; prompt: of the messages that the model was sent.
        turns: that a sample may have; feedback: fingerprint of how the model is told what failed, if it may try again.
    """

    model_config = ConfigDict(frozen=True)

    model: str
    weights: str | None = None
    language: str
    language_data: dict[str, str] = {}
    limits: str
    samples: int
    greedy: bool
    fraction: bool = False
    temperature: float
    top_p: float
    max_new_tokens: int
    seed: int
    problems: str
    prompt: str
    turns: int = 1
    feedback: str = ""

    def samples_of(self, problems: int) -> int:
        """How many samples of so many problems are asked for, greedy ones among them."""
        return problems * (self.samples + self.greedy)


class Summary(BaseModel):
    """``summary.json``.

    Attributes:
        version: of this form.
        complete: whether every sample is there.
        isolation: in which programs ran.
        asked: what was asked.
        missing: how many samples are not there; failures: the first reasons why.
        all: the figures of all samples; ``None`` if there is none.
        by_task, by_difficulty: the same of each, by name.
    """

    model_config = ConfigDict(frozen=True)

    version: int = VERSION
    complete: bool
    isolation: str
    asked: Asked
    missing: int = 0
    failures: tuple[str, ...] = ()
    all: Metrics | None = None
    by_task: dict[str, Metrics] = {}
    by_difficulty: dict[str, Metrics] = {}


class ProblemRecord(BaseModel):
    """One line of ``problems.jsonl``: what stands behind a problem's id. ``asked`` is a fingerprint of its messages."""

    model_config = ConfigDict(frozen=True)

    id: str
    question: str
    task: str = ""
    difficulty: str = ""
    tests: tuple[dict[str, Any], ...]
    asked: str


class EvaluationFolder:
    """Reads and writes the folder of an evaluation."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._samples = path / "samples.jsonl"
        self._unfinished = path / "unfinished.jsonl"
        self._summary = path / "summary.json"

    def exists(self) -> bool:
        """Whether an evaluation was begun here."""
        return self._summary.is_file()

    def is_of_an_older_version(self) -> bool:
        """Whether a file stands where today a folder does."""
        return self.path.with_suffix(".json").is_file() and not self.exists()

    def must_be_usable(self) -> None:
        """See, before long work, that an evaluation is here or can be begun here.

        Raises:
            UsageError: something else is here, or nothing can be written.
        """
        try:
            if not self.exists():
                self._must_be_empty()
                self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{str(self.path)!r} cannot hold an evaluation: {error.strerror}") from error
        must_be_writable(self._summary)

    def begin(self, asked: Asked, isolation: str, recipe: Recipe, problems: Sequence[ProblemRecord]) -> None:
        """Begin an evaluation here, or go on with the one that asks the same; see `must_be_usable` first.

        Raises:
            UsageError: the folder holds another evaluation.
        """
        if self.exists():
            self._must_ask(asked)
            return
        write_atomically(self.path / "recipe.toml", tomli_w.dumps(recipe.model_dump(exclude_none=True)))
        lines = (json.dumps(problem.model_dump(), ensure_ascii=False) + "\n" for problem in problems)
        write_atomically(self.path / "problems.jsonl", "".join(lines))
        missing = asked.samples_of(len(problems))
        self._write(Summary(complete=False, isolation=isolation, asked=asked, missing=missing))

    def samples(self) -> list[SampleRecord]:
        """The judged samples that are there."""
        return list(read_samples(self._samples))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other process from adding to this evaluation meanwhile; the lock ends with this process.

        Raises:
            UsageError: another process has it.
        """
        try:
            with lock(self.path / ".lock"):
                yield
        except BlockingIOError as error:
            raise UsageError(f"another process is working on the evaluation in {str(self.path)!r}") from error

    def appender(self) -> JsonLines:
        """``samples.jsonl``, to append to."""
        return JsonLines(self._samples)

    def unfinished(self) -> list[SampleRecord]:
        """The samples that are to go on, as far as they are; of one sample the last counts."""
        return list(read_samples(self._unfinished))

    def unfinished_appender(self) -> JsonLines:
        """``unfinished.jsonl``, to append to."""
        return JsonLines(self._unfinished)

    def problems(self) -> list[ProblemRecord]:
        """What was asked, in order."""
        return [ProblemRecord.model_validate(line) for line in read_json_lines(self.path / "problems.jsonl")]

    def summary(self) -> Summary:
        """What it has come to.

        Raises:
            UsageError: there is no evaluation, or it is of another version.
        """
        where = str(self.path)
        if self.is_of_an_older_version():
            raise UsageError(f"{where!r} was made by an older version that kept no samples; evaluate the model again")
        try:
            tree = json.loads(self._summary.read_text(encoding="utf-8"))
            if isinstance(tree, dict) and tree.get("version") != VERSION:
                raise UsageError(f"{where!r} is an evaluation of version {tree.get('version')}, this reads {VERSION}")
            return Summary.model_validate(tree)
        except OSError as error:
            raise UsageError(f"{where!r} holds no evaluation (no summary.json)") from error
        except ValidationError as error:
            raise UsageError(f"{str(self._summary)!r} is damaged: {error.errors()[0]['msg']}") from error
        except ValueError as error:
            if isinstance(error, UsageError):
                raise
            raise UsageError(f"{str(self._summary)!r} is damaged: {error}") from error

    def summarize(self, failures: Iterable[str] = ()) -> Summary:
        """Compute the figures from the samples again, and write them down; ``failures``: why some are missing."""
        summary = self._computed(self.summary(), failures)
        self._write(summary)
        if summary.complete:
            self._unfinished.unlink(missing_ok=True)
        return summary

    def so_far(self) -> Summary:
        """What it has come to; while samples are missing, the figures of those that are there.

        Raises:
            UsageError: as `summary`.
        """
        before = self.summary()
        return before if before.complete else self._computed(before, before.failures)

    def _computed(self, before: Summary, failures: Iterable[str]) -> Summary:
        records, expected = self.samples(), before.asked.samples_of(len(self.problems()))
        there = {(record.problem, record.greedy, record.sample) for record in records}
        return Summary(
            complete=len(there) >= expected,
            isolation=before.isolation,
            asked=before.asked,
            missing=max(0, expected - len(there)),
            failures=tuple(dict.fromkeys(failures))[:5],
            all=metrics(records, before.asked.turns),
            by_task=dict(by_task(records, before.asked.turns)),
            by_difficulty=dict(by_difficulty(records, before.asked.turns)),
        )

    def _write(self, summary: Summary) -> None:
        write_json(self._summary, summary.model_dump(mode="json"))

    def _must_ask(self, asked: Asked) -> None:
        there = self.summary().asked
        known = asked if there.language_data else asked.model_copy(update={"language_data": {}})
        for place, old, new in differing(there.model_dump(), known.model_dump()):
            raise UsageError(
                f"{str(self.path)!r} holds an evaluation that asks something else: {place} is {old!r} there and "
                f"{new!r} now; choose another --out, or remove that folder"
            )

    def _must_be_empty(self) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise UsageError(f"{str(self.path)!r} is a file; an evaluation is a folder: choose another --out")
        strange = sorted(file.name for file in self.path.iterdir()) if self.path.is_dir() else []
        left = {"recipe.toml", "problems.jsonl"}  # of one that was stopped before it had begun
        strange = [name for name in strange if not (name in left or name.startswith("."))]
        if strange:
            raise UsageError(f"{str(self.path)!r} holds other things ({strange[0]!r}); choose a new folder for --out")


def fingerprint(*parts: object) -> str:
    """A short hash of anything that JSON can hold; equal parts, equal hash."""
    text = json.dumps(parts, ensure_ascii=True, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def problem_record(problem: Problem, messages: Sequence[Message]) -> ProblemRecord:
    """What is written down of a problem and of what the model was sent."""
    return ProblemRecord(
        id=problem.id,
        question=problem.question,
        task=problem.task,
        difficulty=problem.difficulty,
        tests=tuple(map(_test_record, problem.tests)),
        asked=fingerprint(list(messages)),
    )


def _test_record(test: Test) -> dict[str, Any]:
    limits = {"limits": dict(test.limits)} if test.limits else {}
    if test.appended is not None:
        code = {"append": test.appended.code, "prefix": test.appended.prefix, "control": test.appended.control}
        return {**code, **limits}
    asked = {"expected": test.expected, "stdin": test.stdin, "query": test.query, "checked": test.check is not None}
    forms = [name for name, check in FORMS.items() if check is test.check]
    return {
        **asked,
        **({"form": forms[0]} if forms else {}),
        **({"checker": str(test.checker)} if test.checker else {}),
        **limits,
    }
