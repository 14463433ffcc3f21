"""Programs that are changed so that a right one stays right: its own names renamed, the question's numbers replaced.

A program that looks its answer up in names, or states what it was tuned to, does not follow. Changed programs are run
as all others are, in the sandbox and within the limits.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
import string
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from lowres_code.completion import Completion
from lowres_code.judge import Judge
from lowres_code.judgement import CORRECT, INFRA_ERROR, Follows, Judgement
from lowres_code.language.analysis import Places, Span
from lowres_code.language.base import Execution
from lowres_code.problem import Problem, Test
from lowres_code.trust import COMMON, is_bare

CHECKS = ("renaming", "numbers")  # the fields of `Follows`
Others = Callable[[Problem], Iterable[Problem]]  # other problems of the same kind, the same in each call

_LIKE_IT = 5  # of those, problems of the same wording that are looked at
_NUMBER = re.compile(r"(?<![\w.])(?:\d{1,3}(?:,\d{3}){1,13}(?!\d)|\d{1,40})(?:\.\d{1,40})?", re.ASCII)
_LITERAL = re.compile(r"([+-]?)(\d{1,40}(?:\.\d{1,40})?)", re.ASCII)
_WORDS = re.compile(r"\w+")


def no_others(_: Problem) -> Iterable[Problem]:
    """For problems that nobody makes on the spot: there is none of the same wording."""
    return ()


def follow(
    judge: Judge,
    judgements: Sequence[Judgement],
    problems: Sequence[Problem],
    others: Others = no_others,
    checks: Collection[str] = CHECKS,
) -> list[Judgement]:
    """The same judgements; the right ones that have been analysed with `Judgement.follows`.

    Args:
        judge: of the language.
        judgements: that `Judge.analyse` has given.
        problems: of each.
        others: gives problems whose questions may differ from a problem's in their numbers alone.
        checks: which of `CHECKS`.
    """
    pairs = enumerate(zip(judgements, problems, strict=True))
    asked = {n: pair for n, pair in pairs if pair[0].correct and pair[0].analysis and _decides_by_answer(pair[1])}
    renaming = _renaming(judge, asked) if "renaming" in checks else {}
    numbers = _numbers(judge, asked, others) if "numbers" in checks else {}
    found = {n: Follows(renaming.get(n), numbers.get(n)) for n in asked}
    return [dataclasses.replace(one, follows=found.get(n)) for n, one in enumerate(judgements)]


@dataclass(frozen=True, slots=True)
class Renamed:
    """A program whose own names are others.

    Attributes:
        program: its text.
        old: what each new name stands for; written: the same as the program writes it, perhaps quoted.
    """

    program: str
    old: Mapping[str, str]
    written: Mapping[str, str]

    def back(self, answer: str) -> tuple[str, ...]:
        """An answer of this program with the old names: as the program writes them, and as a text that has them has."""
        if answer.strip() in self.old:
            return (self.old[answer.strip()],)
        new = re.compile("|".join(map(re.escape, self.old)))
        return tuple(new.sub(lambda match: names[match[0]], answer) for names in (self.written, self.old))  # noqa: B023


def renamed(program: str, places: Places, known: str = "") -> Renamed | None:
    """The program with other names for its own; ``None`` if it has none.

    New names come in the alphabetical order of the old ones, also among those that stay; none is as long as an old one.

    Args:
        program: its text.
        places: of its names in there.
        known: a text, such as the question, whose words are nobody's own.
    """
    words = set(_WORDS.findall(known.lower()))
    staying = [name for name in places.names if name.lower() in words or _stands_in(name, known)]
    own = sorted(
        name
        for name in places.names.keys() - set(staying)
        if all(_is_place(program, span, name) for span in places.names[name])
    )
    if not own:
        return None
    new = dict(zip(own, _fresh_names(program, own, staying), strict=True))
    written = {new[name]: program[slice(*places.names[name][0])] for name in own}
    changes = {span: new[name] for name in own for span in places.names[name]}
    return Renamed(_replaced(program, changes), {fresh: name for name, fresh in new.items()}, written)


def renumbered(program: str, places: Places, question: str, other: str) -> str | None:
    """The program with the numbers of another question of the same wording in the places of its own question's.

    ``None`` where that is not clear: the wording is another one; two numbers would become one, or one two; a number
    that changes does not stand in the program as such, or is a common one that stands there more often than in the
    question, so that not all of them need be the question's.
    """
    exchange, given = exchanged(question, other), Counter(_values(question))
    there = [(span, number) for span in places.numbers if (number := _literal(program[slice(*span)])) is not None]
    counts = Counter(number for _, number in there)
    if not exchange or not all(_is_clear(old, counts[old], given[old]) for old in exchange):
        return None
    return _replaced(program, {s: _like(program[slice(*s)], exchange[n]) for s, n in there if n in exchange})


def exchanged(question: str, other: str) -> dict[Fraction, str] | None:
    """What the numbers that differ become in another question; ``None`` if more differs, or it is not clear."""
    if _wording(question) != _wording(other):
        return None
    pairs = set(zip(_values(question), _values(other), strict=True))
    if not len(pairs) == len({old for old, _ in pairs}) == len({new for _, new in pairs}):
        return None
    texts = dict(zip(_values(other), _NUMBER.findall(other), strict=True))
    return {old: texts[new].replace(",", "") for old, new in pairs if old != new}


_Asked = Mapping[int, tuple[Judgement, Problem]]


@dataclass(frozen=True, slots=True)
class _Changed:
    """A changed program, the tests that it must pass, and what an answer may be: right if one of these is."""

    completion: Completion
    tests: tuple[Test, ...]
    back: Callable[[str], tuple[str, ...]] = lambda answer: (answer,)


def _renaming(judge: Judge, asked: _Asked) -> dict[int, bool]:
    return _run(judge, {n: changed for n, pair in asked.items() if (changed := _with_other_names(*pair))})


def _numbers(judge: Judge, asked: _Asked, others: Others) -> dict[int, bool]:
    runs = {n: changed for n, pair in asked.items() if (changed := _with_other_numbers(judge, *pair, others))}
    stated = dict.fromkeys((n for n in asked if n not in runs and _only_states(*asked[n], others)), False)
    return {**stated, **_run(judge, runs)}


def _with_other_names(judgement: Judgement, problem: Problem) -> _Changed | None:
    program, places = _parts(judgement)
    queries = [judgement.completion.query, *(test.query for test in problem.tests)]
    changed = renamed(program, places, " ".join([problem.question, *filter(None, queries)]))
    if changed is None:
        return None
    return _Changed(dataclasses.replace(judgement.completion, program=changed.program), problem.tests, changed.back)


def _with_other_numbers(judge: Judge, judgement: Judgement, problem: Problem, others: Others) -> _Changed | None:
    """With the numbers of the other problem in which most differ, among those that are clear and have other answers."""
    program, places = _parts(judgement)
    for other in _alike(problem, others):
        changed = renumbered(program, places, problem.question, other.question)
        if changed is not None and not _answers(judge, judgement, other):
            return _Changed(dataclasses.replace(judgement.completion, program=changed), other.tests)
    return None


def _parts(judgement: Judgement) -> tuple[str, Places]:
    return judgement.completion.program or "", judgement.analysis.places if judgement.analysis else Places()


def _only_states(judgement: Judgement, problem: Problem, others: Others) -> bool:
    """Whether the program has nothing that could follow: it is bare, without one of the numbers that would change."""
    program, places = _parts(judgement)
    other = next(_alike(problem, others), None)
    if other is None or not is_bare(judgement, problem):
        return False
    own = {_literal(program[slice(*span)]) for span in places.numbers}
    return own.isdisjoint(exchanged(problem.question, other.question) or ())


def _alike(problem: Problem, others: Others) -> Iterator[Problem]:
    """Problems of the same wording with other numbers, those in which most of them differ first."""
    if not _NUMBER.search(problem.question):
        return iter(())
    found = ((exchanged(problem.question, other.question), other) for other in others(problem))
    some = itertools.islice(((change, other) for change, other in found if change), _LIKE_IT)
    return iter([other for _, other in sorted(some, key=lambda pair: -len(pair[0]))])


def _answers(judge: Judge, judgement: Judgement, other: Problem) -> bool:
    """Whether the answer that is there is right for another problem too."""
    execution = judgement.execution
    return execution is None or any(judge.verdict(execution, test) == CORRECT for test in other.tests)


def _run(judge: Judge, changed: Mapping[int, _Changed]) -> dict[int, bool]:
    """Whether each changed program is right, where the judge can say."""
    found = {}
    groups = ((n, judge.case(one.completion, one.tests).jobs) for n, one in changed.items())
    for n, executions in judge.runner.stream(groups, judge.limits):
        verdicts = [_verdict(judge, changed[n], executions, which) for which in (0, -1)]
        if INFRA_ERROR not in verdicts:
            found[n] = CORRECT in verdicts
    return found


def _verdict(judge: Judge, changed: _Changed, executions: Sequence[Execution], which: int) -> str:
    """The verdict if each answer is the first, or the last, of those that it may be."""
    told = [_back(changed, execution, which) for execution in executions]
    return judge.case(changed.completion, changed.tests).judgement(told).verdict


def _back(changed: _Changed, execution: Execution, which: int) -> Execution:
    answer = execution.answer
    return execution if answer is None else dataclasses.replace(execution, answer=changed.back(answer)[which])


def _decides_by_answer(problem: Problem) -> bool:
    return all(test.appended is None for test in problem.tests)


def _stands_in(name: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE) is not None


def _is_place(program: str, span: Span, name: str) -> bool:
    """Whether a name stands there, quoted or not: a reader that counts otherwise would spoil the program."""
    written = program[slice(*span)]
    return written == name or written[:1] == written[-1:] == "'"


def _fresh_names(program: str, old: Sequence[str], staying: Sequence[str]) -> list[str]:
    """Names of one length that are new to the program, one for each old one."""
    stem = "renamed_"
    while stem in program:
        stem += "z"
    starts = [_start(name, staying) for name in old]
    length = max(len(stem) + max(map(len, starts)), *map(len, old))
    letters = map("".join, itertools.product(string.ascii_lowercase, repeat=3))  # more than a program has places
    return [f"{start}{stem}".ljust(length, "z") + next(letters) for start in starts]


def _start(name: str, staying: Sequence[str]) -> str:
    """The letters by which a name is before or behind those that stay, so that another is sorted as it is."""
    starts = (name[:n] for n in range(len(name)))
    start = next((start for start in starts if not any(other.startswith(start) for other in staying)), "")
    return start if re.fullmatch("[a-z]+", start) else ""


def _replaced(program: str, changes: Mapping[Span, str]) -> str:
    for (begin, end), text in sorted(changes.items(), reverse=True):
        program = program[:begin] + text + program[end:]
    return program


def _wording(question: str) -> str:
    return _NUMBER.sub("#", question)


def _values(question: str) -> list[Fraction]:
    return [Fraction(number.replace(",", "")) for number in _NUMBER.findall(question)]


def _literal(written: str) -> Fraction | None:
    """The value of a number that is written plainly, without its sign."""
    match = _LITERAL.fullmatch(written)
    return Fraction(match[2]) if match else None


def _is_clear(number: Fraction, there: int, given: int) -> bool:
    return there == given if number in COMMON else there > 0


def _like(written: str, number: str) -> str:
    """A number with the sign of the one whose place it takes, and a decimal if that was one."""
    point = ".0" if "." in written and "." not in number else ""
    return written[: written[:1] in ("+", "-")] + number + point
