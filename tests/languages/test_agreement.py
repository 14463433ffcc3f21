"""A program means under the judge what it means under plain ``swipl FILE``: the same status, the same answer.

The corpus in ``prolog_corpus/`` holds small broken and odd programs. In its ``.txt`` files a program begins after a
line ``%%%% NAME`` or ``%%%% NAME ?- QUERY``; what comes before the first is a title. ``exact.jsonl`` holds those in
which single bytes matter. A new program needs nothing else: what it must give is asked of ``swipl``.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from lowres_code.judge import Judge
from lowres_code.language.base import Execution
from lowres_code.problem import Test

from tests.conftest import PROLOG
from tests.languages.plain_prolog import Outcome, Run, run_plain

CORPUS = Path(__file__).with_name("prolog_corpus")
GOLD = Path(__file__).parents[3] / "shared" / "data" / "gsm8k-prolog" / "test-even.jsonl"
GOLD_WRONG = {"gsm8k-test-454"}  # the program answers 240 and is right; GSM8K says 150

# Where the judge differs on purpose. A difference that is not here is a bug of the judge's.
BY_DESIGN = {
    "imports:library_flag_signals": "signals belong to the worker",
    "loading:message_hook_halts": "a program that halts while it is loaded is still told its syntax errors",
    "running:throw_limit_by_hand": "this is how Prolog itself says that the limit of inferences is passed",
    "running:trace_in_solve": "there is no debugger",
}

_HEADING = re.compile(r"^%%%% (\S+)(?: \?- (.*))?\n", re.MULTILINE)

pytestmark = pytest.mark.skipif(
    not (shutil.which("swipl") and shutil.which("bwrap")), reason="needs SWI-Prolog (swipl) and bubblewrap (bwrap)"
)


@dataclass(frozen=True, slots=True)
class Program:
    """A program of the corpus."""

    name: str
    text: str
    query: str | None = None
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """What plain Prolog and the judge made of one program."""

    program: Program
    plain: Run
    ours: Execution

    @property
    def agrees(self) -> bool:
        """Whether both gave the same."""
        return self.plain.outcome == self.our_outcome

    @property
    def our_outcome(self) -> Outcome:
        """The judge's execution, as far as it is compared."""
        return Outcome(self.ours.status.value, self.ours.answer)

    def __str__(self) -> str:
        query = f"?- {self.program.query}\n" if self.program.query else ""
        notes = "\n".join(diagnostic.message for diagnostic in self.ours.diagnostics)
        return (
            f"{self.program.name}\n{self.program.text[:1000]}{query}\n"
            f"plain swipl: {self.plain.outcome}\nthe judge:   {self.our_outcome}\n\n"
            f"plain swipl printed:\n{self.plain.stderr[-1000:]}\n\nthe judge noted:\n{notes[-1000:]}"
        )


def read_corpus() -> Iterator[Program]:
    """All programs, by the name ``FILE:NAME``."""
    for path in sorted(CORPUS.glob("*.txt")):
        pieces = iter(_HEADING.split(path.read_text(encoding="utf-8"))[1:])
        for name, query, text in zip(pieces, pieces, pieces, strict=True):
            yield Program(f"{path.stem}:{name}", text.rstrip("\n") + "\n" if text.strip("\n") else "", query)
    for line in (CORPUS / "exact.jsonl").read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        yield Program(f"exact:{record['name']}", record["program"], record.get("query"))


def read_gold() -> list[Program]:
    """The gold programs of GSM8K, or a visible skip."""
    if not GOLD.is_file():
        pytest.skip(f"no gold programs: {GOLD.name} is not there")
    records = map(json.loads, GOLD.read_text(encoding="utf-8").splitlines())
    return [Program(record["id"], record["program"], answer=record["answer"]) for record in records]


def compare(programs: list[Program]) -> list[Pair]:
    """Run all programs both ways."""
    with ThreadPoolExecutor(2) as threads:
        plain = list(threads.map(lambda program: run_plain(program.text, program.query), programs))
    return [Pair(*both) for both in zip(programs, plain, judge_all(programs), strict=True)]


def judge_all(programs: list[Program]) -> list[Execution]:
    """Run all programs under the judge."""
    with Judge(PROLOG, workers=2) as judge:
        return judge.execute(
            [program.text for program in programs], [Test(program.answer, query=program.query) for program in programs]
        )


PROGRAMS = {program.name: program for program in read_corpus()}


@pytest.fixture(scope="module")
def pairs() -> dict[str, Pair]:
    return {pair.program.name: pair for pair in compare(list(PROGRAMS.values()))}


@pytest.mark.parametrize("name", PROGRAMS)
def test_judge_agrees_with_plain_swipl(name: str, pairs: dict[str, Pair]) -> None:
    assert pairs[name].agrees or name in BY_DESIGN, str(pairs[name])


def test_every_exception_is_a_program_that_still_differs(pairs: dict[str, Pair]) -> None:
    assert [name for name in BY_DESIGN if name not in pairs or pairs[name].agrees] == []


def test_corpus_is_large_and_reaches_every_status(pairs: dict[str, Pair]) -> None:
    assert len(list(read_corpus())) == len(pairs) >= 230, "two programs have one name, or some are lost"
    statuses = {pair.plain.outcome.status for pair in pairs.values()}
    assert statuses == {"ok", "syntax_error", "runtime_error", "no_answer", "memory_limit"}


def test_gold_programs_are_judged_correct() -> None:
    gold = read_gold()
    wrong = {
        program.name: f"{execution.status.value}, {execution.answer!r} for {program.answer!r}"
        for program, execution in zip(gold, judge_all(gold), strict=True)
        if not is_correct(program, execution)
    }
    assert len(gold) == 660
    assert set(wrong) == GOLD_WRONG, wrong


def is_correct(program: Program, execution: Execution) -> bool:
    """The judge's verdict, without its worker processes."""
    assert program.answer is not None
    return execution.answer is not None and PROLOG.compare(program.answer, execution.answer)


@pytest.mark.slow
def test_gold_programs_agree_with_plain_swipl() -> None:
    assert [str(pair) for pair in compare(read_gold()) if not pair.agrees] == []
