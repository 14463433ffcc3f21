"""One question to a model: its completion, and what came of running the program in it."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console

from lowres_code._util.progress import progress_line
from lowres_code.completion import Completion, parse_completion
from lowres_code.errors import LowresCodeError
from lowres_code.generation.base import Request, Sample, Sampling
from lowres_code.language.base import Execution, Language
from lowres_code.problem import Test
from lowres_code.recipe.build import started_judge
from lowres_code.recipe.schema import Recipe
from lowres_code.runs.measure import Subject


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model has written, and what came of it.

    Attributes:
        sample: the completion as it came.
        completion: taken apart.
        execution: of its program; ``None`` if there is none.
    """

    sample: Sample
    completion: Completion
    execution: Execution | None


def ask(subject: Subject, recipe: Recipe, language: Language, question: str, console: Console) -> Reply:
    """Ask as the recipe asks, with the sampling of its ``[eval]``, and run what comes.

    Raises:
        UsageError: the model cannot be used.
        LowresCodeError: no completion could be had.
        JudgeError: the judge does not work.
    """
    messages = tuple(recipe.prompt.prompt().messages(language, question))
    table = recipe.eval
    sampling = Sampling(table.temperature, table.top_p, table.max_new_tokens, table.seed)
    with started_judge(recipe.limits, language, console) as judge:
        with progress_line(console, f"asking {subject.shown(recipe)}"), subject.open(recipe) as generator:
            sample = next(iter(generator.generate([Request(0, messages, (0,))], sampling)))
        if not isinstance(sample, Sample):
            raise LowresCodeError(f"no completion could be had: {sample.reason}")
        completion = parse_completion(sample.text, language.fences)
        if completion.program is None:
            return Reply(sample, completion, None)
        test = Test(query=completion.query if language.queries else None)
        return Reply(sample, completion, judge.execute([completion.program], [test])[0])
