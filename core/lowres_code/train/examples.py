"""The examples of the supervised stage: of what was judged right, a few different programs for each problem."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lowres_code.completion import parse_completion
from lowres_code.evaluation.record import SampleRecord
from lowres_code.language.base import Language
from lowres_code.problem import Problem
from lowres_code.prompt import Message, Prompt


@dataclass(frozen=True, slots=True)
class Example:
    """One example: what is asked, and what is to be answered.

    Attributes:
        problem: its id.
        round: in which the program was found.
        program: of the completion.
        prompt: the messages, as training and evaluation ask.
        completion: reasoning and program, in the form that is asked for.
    """

    problem: str
    round: int
    program: str
    prompt: list[Message]
    completion: str

    def as_row(self) -> Mapping[str, Any]:
        """As TRL's ``SFTTrainer`` takes it."""
        return {"prompt": self.prompt, "completion": [{"role": "assistant", "content": self.completion}]}


@dataclass(slots=True)
class Counts:
    """What became of the samples of a round; those judged add up.

    Attributes:
        samples: judged; missing: that could not be had, from an endpoint; wrong: of those judged, not right.
        repeated: right, but a program that the problem has already; surplus: right, but the problem has enough.
        unusable: right, but not the same program any more in the form that is asked for.
        learned: new examples; examples: with those of earlier rounds; problems: that have one.
    """

    samples: int = 0
    missing: int = 0
    wrong: int = 0
    repeated: int = 0
    surplus: int = 0
    unusable: int = 0
    learned: int = 0
    examples: int = 0
    problems: int = 0


class Examples:
    """Collects examples.

    Attributes:
        all: the examples, those of earlier rounds first.
        counts: what became of the samples.
    """

    def __init__(self, earlier: Iterable[Example], keep: int, prompt: Prompt, language: Language) -> None:
        """Args:
        earlier: of the rounds before.
        keep: different programs of each problem, at most.
        prompt: how the model is to be asked, and in which form it is to answer.
        language: of the programs.
        """
        self.all = list(earlier)
        self.counts = Counts()
        self._keep, self._prompt, self._language = keep, prompt, language
        self._programs = {(example.problem, _essence(example.program)) for example in self.all}
        self._of_problem = Counter(example.problem for example in self.all)

    def lacks(self, problem: str) -> bool:
        """Whether a problem may have another program."""
        return self._of_problem[problem] < self._keep

    def add(self, records: Iterable[SampleRecord], round_: int, prompt: Callable[[str], list[Message]]) -> None:
        """Take what is right of a round's samples; ``prompt`` gives what a problem is asked with."""
        for record in sorted(records, key=lambda record: record.sample):
            self.counts.samples += 1
            if not record.correct:
                self.counts.wrong += 1
            else:
                self._add_right(record, round_, prompt)
        self.counts.examples, self.counts.problems = len(self.all), len(self._of_problem)

    def _add_right(self, record: SampleRecord, round_: int, prompt: Callable[[str], list[Message]]) -> None:
        text, program = rewritten(record.completion, self._prompt, self._language), record.program or ""
        essence = (record.problem, _essence(program))
        if text is None:
            self.counts.unusable += 1
        elif essence in self._programs:
            self.counts.repeated += 1
        elif not self.lacks(record.problem):
            self.counts.surplus += 1
        else:
            self.counts.learned += 1
            self._programs.add(essence)
            self._of_problem[record.problem] += 1
            self.all.append(Example(record.problem, round_, program, prompt(record.problem), text))


def rewritten(completion: str, prompt: Prompt, language: Language) -> str | None:
    """A completion's reasoning, program and query in the form that a prompt asks for, with nothing around them.

    So the model learns no missing end tags, no chatter after the program, and one format.

    Returns:
        ``None`` if the judge would take another program from it than from the completion.
    """
    own = parse_completion(completion, language.fences)
    program = (own.program or "").strip("\n")
    text = prompt.completion(language, own.reasoning or None, program, own.query)
    again = parse_completion(text, language.fences)
    return text if ((again.program or "").strip("\n"), again.query) == (program, own.query) else None


def given_completion(problem: Problem, prompt: Prompt, language: Language) -> str | None:
    """The program that a problem brings, with its reasoning, in a prompt's form; ``None`` if it brings none."""
    program, reasoning = problem.metadata.get("program"), problem.metadata.get("reasoning")
    if not isinstance(program, str) or not program.strip():
        return None
    told = reasoning.strip() if isinstance(reasoning, str) else ""
    return prompt.completion(language, told or None, program)


def _essence(program: str) -> str:
    """Programs that differ in blanks only are one."""
    return " ".join(program.split())
