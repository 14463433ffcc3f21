"""One mapping from the rows of any table to problems: which column holds what, and which rows are bad or held out."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from lowres_code._util.records import label, make_each, shown
from lowres_code._util.tables import value_at, what_is_null
from lowres_code.errors import UsageError
from lowres_code.problem import RIGHT, Problem, problem_of, unique
from lowres_code.sources import Part, SourceOptions, part_of

Row = Mapping[str, object]
Rows = Iterable[tuple[str, tuple[str, Row | UsageError]]]  # where it stands; an id for it; what it holds

KEYS = (
    *("id", "question", *RIGHT, "prefix", "query", "form", "checker", "limits"),
    *("task", "difficulty", "program", "reasoning"),
)

_PATTERN_S = 1.0  # seconds that a pattern may take on one answer
_SHOWN = 30  # columns in a message

log = logging.getLogger("lowres_code.sources")  # what is left out, a warning each


class ColumnOptions(SourceOptions):
    """Which columns of a table hold what, which side of it is taken, and what becomes of bad rows.

    By default the column of a key's own name holds it, if there is one. A dot leads into an object, as in
    ``"doc.target"``. Naming one of ``answer``, ``tests`` and ``append`` puts the others aside.

    Attributes:
        id: the column with each problem's name, or a list of columns that make it up together; by default a number.
        question: the column with what a model is asked.
        answer: the column with the right answer.
        tests: the column with a list of tests.
        append: the column with code that is run behind the program and tests it.
        prefix: with ``append``: the column with what a program begins with.
        query: the column with the goal that asks for the answer, in languages that have one.
        form: the column with the name of the form that answers have.
        checker: the column with how answers are compared, as ``tokens`` or ``float(rel=1e-4)``.
        limits: the column with limits that are lower than those of ``[limits]``, as an object.
        task: the column with the kind of problem, by which results are broken down.
        difficulty: the column with a number or a word for it, likewise.
        program: the column with a program that somebody has for the problem; ``[sft]`` can learn from it.
        reasoning: the column with what leads to that program.
        answer_after: the gold answer is what stands after the last of these marks.
        answer_pattern: the gold answer is the last match of this regular expression, or of its only group.
        held_out: with it, ``[data.train]`` and ``[data.eval]`` share one table: this share of the questions is for
            evaluation and the rest for training. The text of a question alone says on which side it is.
        split_seed: for another split of the same share.
        skip_bad: leave bad rows out, and tell how many, instead of refusing them.
    """

    id: str | Annotated[list[str], Field(min_length=1)] | None = None
    question: str | None = None
    answer: str | None = None
    tests: str | None = None
    append: str | None = None
    prefix: str | None = None
    query: str | None = None
    form: str | None = None
    checker: str | None = None
    limits: str | None = None
    task: str | None = None
    difficulty: str | None = None
    program: str | None = None
    reasoning: str | None = None
    answer_after: str | None = Field(default=None, min_length=1)
    answer_pattern: str | None = None
    held_out: float | None = Field(default=None, gt=0, lt=1)
    split_seed: int = 0
    skip_bad: bool = False

    @field_validator("answer_pattern")
    @classmethod
    def _pattern_is_one(cls, pattern: str | None) -> str | None:
        import regex

        try:
            groups = regex.compile(pattern or "").groups
        except regex.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        if groups > 1:
            raise ValueError(f"has {groups} groups; mark the answer by one, and write the others (?:...)")
        return pattern

    @model_validator(mode="after")
    def _one_way_to_an_answer(self) -> ColumnOptions:
        if self.answer_after is not None and self.answer_pattern is not None:
            raise ValueError("answer_after and answer_pattern both say where the answer stands; leave one out")
        return self

    @property
    def named(self) -> dict[str, str]:
        """The columns that are named, each by what it holds alone."""
        return {key: column for key in KEYS if isinstance(column := getattr(self, key), str)}

    @property
    def parts_of_id(self) -> list[str]:
        """The columns that make up an id together, if there are several."""
        return self.id if isinstance(self.id, list) else []

    @property
    def columns(self) -> dict[str, str]:
        """All columns that are read, by what they hold; they need not be there, unless they are named."""
        named = self.named
        aside = set(named.values()) | (set(RIGHT) if named.keys() & set(RIGHT) else set())
        return {key: named.get(key, key) for key in KEYS if key in named or key not in aside}

    def reads(self, column: str) -> bool:
        """Whether anything in a column of the table is read."""
        read = (*self.columns.values(), *self.parts_of_id)
        return any(name == column or name.startswith(f"{column}.") for name in read)

    def check(self, there: Collection[str], uniform: bool, name: str, part: Part) -> None:
        """See that a table has the columns that it must have.

        Args:
            there: the table's columns, or those of its first row.
            uniform: whether all rows have these and no others.
            name: of the table.
            part: whose table of the recipe this is.

        Raises:
            UsageError: one is missing; the message lists those that are there, and says what names another.
        """
        needed = self.named
        if uniform:
            needed.setdefault("question", "question")
            if not any(self._is_in(there, self.columns.get(key)) for key in RIGHT):
                needed.setdefault("answer", "answer")
        for key, column in (*needed.items(), *(("id", part) for part in self.parts_of_id)):
            if not self._is_in(there, column):
                listed = ", ".join(str(other)[:60] for other in list(there)[:_SHOWN])
                raise UsageError(
                    f"{name} has no column {column!r}; its columns are {listed}: name the one that holds the {key} "
                    f'with data.{part}.{key} = "..."'
                )

    @staticmethod
    def _is_in(there: Collection[str], column: str | None) -> bool:
        return column is not None and (column in there or column.partition(".")[0] in there)

    def problems(self, rows: Rows, part: Part, name: str) -> list[Problem]:
        """The problems in a table that are of this part, each question once, in the table's order.

        Raises:
            UsageError: rows are bad, and are not to be left out.
        """
        left_out = (lambda said: log.warning("%s: %s", name, said)) if self.skip_bad else None
        found = unique(make_each(rows, self._problem, left_out))
        return [problem for problem in found if self.held_out is None or self._part_of(problem) == part]

    def _part_of(self, problem: Problem) -> Part:
        """By what a question says: neither blanks nor capitals bring it to the other side."""
        assert self.held_out is not None
        return part_of(" ".join(problem.question.split()).casefold(), self.held_out, self.split_seed)

    def _problem(self, row: tuple[str, Row | UsageError], where: str) -> Problem:
        name, values = row
        if isinstance(values, UsageError):
            raise values
        columns = self.columns
        rest = {column: value for column, value in values.items() if column not in KEYS and not self.reads(column)}
        found = {key: value_at(values, column) for key, column in columns.items()}
        if self.parts_of_id:
            found["id"] = "-".join(_part(values, column, where) for column in self.parts_of_id)
        if null := self._null(values, found):
            raise UsageError(f"{where}: {null}")
        record = {"id": name, **rest, **{key: value for key, value in found.items() if value not in (None, "")}}
        if isinstance(question := record.get("question"), str):
            record["question"] = question.strip()
        if "answer" in record:
            record["answer"] = self._gold(record["answer"], where)
        elif "answer" in self.named:
            raise UsageError(f"{where}: there is no answer in column {columns['answer']!r}")
        return problem_of(record, where)

    def _null(self, values: Row, found: Mapping[str, object]) -> str:
        """Which of the columns that a problem needs are null, if one can therefore not be made; else ``""``."""
        has_answer = any(found.get(key) not in (None, "") for key in RIGHT)
        needed = ("question", *(() if has_answer else RIGHT))
        return what_is_null(values, [column for key, column in self.columns.items() if key in needed])

    def _gold(self, answer: object, where: str) -> object:
        """The gold answer in what a column holds.

        Raises:
            UsageError: it does not hold what ``answer_after`` or ``answer_pattern`` looks for.
        """
        if self.answer_after is None and self.answer_pattern is None:
            return answer.strip() if isinstance(answer, str) else answer
        found = self._marked(str(answer), where) if isinstance(answer, str | int | float) else None
        if found is None:
            key = "answer_after" if self.answer_after else "answer_pattern"
            raise UsageError(f"{where}: there is no {getattr(self, key)!r} ({key}) in the answer {shown(answer)}")
        return found.strip()

    def _marked(self, answer: str, where: str) -> str | None:
        if self.answer_after is not None:
            return answer.rpartition(self.answer_after)[2] if self.answer_after in answer else None
        import regex

        found = None
        try:
            for found in regex.finditer(self.answer_pattern, answer, timeout=_PATTERN_S):  # noqa: B007 - the last
                pass
        except TimeoutError as error:
            slow = f"answer_pattern {self.answer_pattern!r} takes over {_PATTERN_S:g} s"
            raise UsageError(f"{where}: {slow} on the answer {shown(answer)}") from error
        return None if found is None else found[found.re.groups]


def _part(values: Row, column: str, where: str) -> str:
    if part := label({column: value_at(values, column)}, column, where):
        return part
    raise UsageError(f"{where}: there is no id in column {column!r}")
