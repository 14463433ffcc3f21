"""The samples of a page, in columns: that is short, and quick to read for a browser."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydantic import BaseModel

from lowres_code.evaluation.folder import ProblemRecord
from lowres_code.evaluation.record import SampleRecord


class Problems(BaseModel):
    """Problems in columns."""

    id: list[str] = []
    task: list[str] = []
    question: list[str] = []
    expected: list[str] = []


class Samples(BaseModel):
    """Samples in columns.

    Attributes:
        source, problem, verdict: places in `Sampled.sources`, `Sampled.problems`, `Sampled.verdicts`.
        step: of training; 0 in an evaluation.
        text: the completion; program: where it stands in that, or itself, or nothing.
        answer, said, tokens, cut, bare: what the judge said, how long it was, and whether the answer is only stated.
        greedy: whether it is the problem's greedy one.
        earlier: the turns before: of each the text, the place of its verdict, and what the model was told then.
    """

    source: list[int] = []
    problem: list[int] = []
    verdict: list[int] = []
    step: list[int] = []
    text: list[str] = []
    program: list[tuple[int, int] | str | None] = []
    answer: list[str | None] = []
    said: list[str] = []
    tokens: list[int | None] = []
    cut: list[bool] = []
    bare: list[bool] = []
    greedy: list[bool] = []
    earlier: list[list[tuple[str, int, str]]] = []


class Sampled(BaseModel):
    """Samples and what they are of.

    Attributes:
        sources: stages of runs, and evaluations; languages: of each.
        verdicts: that there are.
        problems, samples: in columns.
    """

    sources: list[str] = []
    languages: list[str] = []
    verdicts: list[str] = []
    problems: Problems = Problems()
    samples: Samples = Samples()


class Columns:
    """Puts samples into columns."""

    def __init__(self, page: Sampled) -> None:
        self._page = page
        self._problems: dict[tuple[str, str], int] = {}  # id and question
        self._verdicts: dict[str, int] = {}

    def add(
        self, label: str, language: str, samples: Sequence[SampleRecord], problems: Iterable[ProblemRecord]
    ) -> None:
        """All samples of one source; problems with the same id and question are one for all sources."""
        if not samples:
            return
        known, columns = {problem.id: problem for problem in problems}, self._page.samples
        self._page.sources.append(label)
        self._page.languages.append(language)
        for sample in samples:
            columns.source.append(len(self._page.sources) - 1)
            columns.problem.append(self._problem(sample, known.get(sample.problem)))
            columns.verdict.append(self._verdict(sample.verdict))
            columns.step.append(sample.step or 0)
            columns.text.append(sample.completion)
            columns.program.append(_place(sample))
            columns.answer.append(sample.answer)
            columns.said.append(_said(sample))
            columns.tokens.append(sample.tokens)
            columns.cut.append(sample.cut)
            columns.bare.append(bool(sample.trust and sample.trust.bare))
            columns.greedy.append(sample.greedy)
            columns.earlier.append(
                [(it.completion, self._verdict(it.verdict), it.feedback or "") for it in sample.earlier]
            )

    def _problem(self, sample: SampleRecord, record: ProblemRecord | None) -> int:
        question = record.question if record else ""
        key, problems = (sample.problem, question), self._page.problems
        if key not in self._problems:
            self._problems[key] = len(problems.id)
            tests = record.tests if record else ()
            problems.id.append(sample.problem)
            problems.task.append(sample.task)
            problems.question.append(question)
            problems.expected.append(" | ".join(str(test["expected"]) for test in tests if test.get("expected")))
        return self._problems[key]

    def _verdict(self, verdict: str) -> int:
        if verdict not in self._verdicts:
            self._verdicts[verdict] = len(self._page.verdicts)
            self._page.verdicts.append(verdict)
        return self._verdicts[verdict]


def _place(sample: SampleRecord) -> tuple[int, int] | str | None:
    """Where the program stands in the completion, in UTF-16 units, as JavaScript counts."""
    if sample.program is None:
        return None
    begin = sample.completion.find(sample.program)
    if begin < 0:
        return sample.program
    first = _units(sample.completion[:begin])
    return first, first + _units(sample.program)


def _units(text: str) -> int:
    return len(text) + sum(character > "\uffff" for character in text)


def _said(sample: SampleRecord) -> str:
    notes = [f"line {note.line}: {note.message}" if note.line else note.message for note in sample.diagnostics[:3]]
    return "\n".join(notes) or sample.stderr[-300:].strip()
