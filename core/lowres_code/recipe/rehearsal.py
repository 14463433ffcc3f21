"""A rehearsal: what a right, a wrong, an empty and a hostile completion would earn, before anything is trained.

Each goes the way of a real one: extraction, judge, reward terms.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.table import Table

from lowres_code.errors import JudgeError, UsageError
from lowres_code.judge import Judge
from lowres_code.judgement import INFRA_ERROR, Judgement
from lowres_code.language.base import Example, Language, Status
from lowres_code.problem import Problem, Test
from lowres_code.recipe.build import reward_terms
from lowres_code.recipe.schema import Recipe
from lowres_code.reward.needs import informed

RIGHT, WRONG, EMPTY, HOSTILE = "right", "wrong", "empty", "hostile"
_NOT_AN_ANSWER = "an answer that no program of these gives"
_HOSTILE = ("exit_early", "syntax_error")  # snippets of a language, the first that it has


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """One completion of the rehearsal.

    Attributes:
        kind: ``right``, ``wrong``, ``empty`` or ``hostile``.
        judgement: what the judge says of it.
        terms: the value of each reward term, by name.
        total: what it earns: the weighted sum.
    """

    kind: str
    judgement: Judgement
    terms: dict[str, float]
    total: float


def rehearse(recipe: Recipe, judge: Judge) -> list[Rehearsed]:
    """Judge and reward the four completions.

    The right one is the language's worked example, or else a program of its self-tests. The wrong one is the same text
    as an answer to a question that has another answer, so that nothing but being right differs. The hostile one has
    the form of an answer, and a program that ends itself or cannot be read.

    Returns:
        The four; nothing if the language has no program whose answer is known.

    Raises:
        UsageError: the right one is not judged right under the recipe's limits, or another one earns as much. Terms by
            chance do not count here; a recipe of these alone is a control, and not refused.
        JudgeError: the judge itself failed.
    """
    example = _known(judge.language)
    if example is None:
        return []
    rehearsed = list(_rewarded(recipe, judge, example))
    right, *others = rehearsed
    if right.judgement.verdict == INFRA_ERROR or any(it.judgement.verdict == INFRA_ERROR for it in others):
        raise JudgeError(f"the judge failed on a program of its own: lowres-code lang verify {judge.language.name}")
    if not right.judgement.correct:
        raise UsageError(
            f"a program of {judge.language.title}'s own that is right is judged {right.judgement.verdict!r}: [limits] "
            f"are too low, or it does not work here (lowres-code lang verify {judge.language.name})"
        )
    by_chance = all(term.by_chance for term in reward_terms(recipe, judge.language))
    best, earned = max(others, key=lambda it: it.total), right.total * recipe.rollout.least_share()
    if best.total >= earned and not by_chance:
        late = " in its last turn" if earned < right.total else ""
        raise UsageError(
            f"with [reward] as it is, a right program earns {earned:g}{late} and a completion that is {best.kind} "
            f"{best.total:g}: let right programs earn more, as with reward.correct = 1.0"
        )
    return rehearsed


def rehearsed_feedback(recipe: Recipe, rehearsed: Sequence[Rehearsed]) -> str | None:
    """What a model would be told of one of the completions that failed; ``None`` if it may not try again."""
    if recipe.rollout.turns == 1:
        return None
    problem, told = Problem("rehearsal", "", (Test(_NOT_AN_ANSWER),)), recipe.rollout.told()
    said = (told.message(it.judgement, problem) for it in sorted(rehearsed, key=lambda it: it.kind != HOSTILE))
    return next(filter(None, said), None)


def rehearsal_table(rehearsed: Sequence[Rehearsed]) -> Table:
    """The table that is shown before a run."""
    table = Table(title="What a completion would earn", title_justify="left")
    table.add_column("completion", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for name in (*rehearsed[0].terms, "sum"):
        table.add_column(name, justify="right", no_wrap=True)
    for it in rehearsed:
        table.add_row(it.kind, it.judgement.verdict, *(f"{value:g}" for value in (*it.terms.values(), it.total)))
    return table


def _rewarded(recipe: Recipe, judge: Judge, example: Example) -> Iterator[Rehearsed]:
    prompt, language = recipe.prompt.prompt(), judge.language
    right = prompt.completion(language, example.reasoning, example.program)
    texts = {
        RIGHT: right,
        WRONG: right,
        EMPTY: "",
        HOSTILE: prompt.completion(language, example.reasoning, _hostile(language)),
    }
    known = Problem("rehearsal", example.question, (Test(example.answer),))
    other = Problem("rehearsal", example.question, (Test(_NOT_AN_ANSWER),))
    problems = [other if kind == WRONG else known for kind in texts]
    terms = reward_terms(recipe, judge.language)
    judgements = judge.judge(list(texts.values()), problems, any(term.needs_every_test for term in terms))
    judgements = informed(judge, judgements, problems, terms)
    for kind, problem, judgement in zip(texts, problems, judgements, strict=True):
        values = {term.name: term.score(problem, judgement) or 0.0 for term in terms}
        weighed = zip(terms, recipe.reward_weights(), strict=True)
        total = sum(weight * values[term.name] for term, weight in weighed if not term.by_chance)
        yield Rehearsed(kind, judgement, values, round(total, 9))


def _known(language: Language) -> Example | None:
    """A program of the language's own whose answer is known."""
    if language.examples:
        return language.examples[0]
    tested = [test for test in language.self_tests if test.status is Status.OK and test.answer is not None]
    if tested:
        return Example("What is the answer?", "The program says it.", tested[0].program, str(tested[0].answer))
    hello = language.snippets.get("hello")
    return Example("Say hello.", "The program says it.", hello, "hello") if hello else None


def _hostile(language: Language) -> str:
    return next((language.snippets[name] for name in _HOSTILE if name in language.snippets), "exit(0)")
