"""inspect_ai: a scorer for programs, and a task over a file of problems.

``inspect eval lowres_code/programs -T language=prolog -T problems=problems.jsonl --model ...``
"""

from __future__ import annotations

from anyio.to_thread import run_sync
from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.scorer import CORRECT, INCORRECT, Score, Scorer, Target, accuracy, scorer, stderr
from inspect_ai.solver import TaskState, generate

from lowres_code.adapters.judging import Row, judged, language_of, messages_of
from lowres_code.adapters.tasks import answer_of, asked, read_rows
from lowres_code.judgement import INFRA_ERROR, Judgement
from lowres_code.problem import RIGHT


@scorer(metrics=[accuracy(), stderr()])
def right_program(language: str) -> Scorer:
    """Whether the program in a model's output is right.

    What is right stands in a sample's metadata, under the keys of a problem; else its target is the answer.

    Args:
        language: its name, or its file.
    """

    async def score(state: TaskState, target: Target) -> Score:
        row: Row = (
            state.metadata if any(state.metadata.get(key) is not None for key in RIGHT) else {"answer": target.text}
        )
        completions = [state.output.completion]
        return _score((await run_sync(judged, language, completions, [row]))[0])

    return score


def _score(judgement: Judgement) -> Score:
    """The score; what the judge itself failed on is kept, and left out of the metrics."""
    told = "\n".join(filter(None, [judgement.verdict, messages_of(judgement)]))
    if judgement.verdict == INFRA_ERROR:
        return Score.unscored(reason="scoring_failed", explanation=told)
    value = CORRECT if judgement.correct else INCORRECT
    return Score(value=value, answer=judgement.completion.program, explanation=told)


@task
def programs(language: str, problems: str, shots: int = 0) -> Task:
    """Ask for a program for each problem of a file.

    Args:
        language: its name, or its file.
        problems: JSON Lines, CSV or Parquet, each row with a question and what is right.
        shots: so many of the language's worked examples are shown first.
    """
    backend = language_of(language)
    samples = [
        Sample(
            input=asked(backend, str(row["question"]), shots),
            target=answer_of(row),
            id=str(row["id"]),
            metadata=row,
        )
        for row in read_rows(problems, backend)
    ]
    return Task(dataset=samples, solver=generate(), scorer=right_program(language))
