"""What the task file calls: problems in, verdicts and metrics out."""

from __future__ import annotations

import json
from typing import Any

from datasets import Dataset

from lowres_code.adapters.judging import judged, language_of
from lowres_code.adapters.tasks import answer_of, asked, read_rows
from lowres_code.errors import UsageError
from lowres_code.judgement import CORRECT, INFRA_ERROR


def load(language: str = "", problems: str = "", shots: int = 0, **_: Any) -> dict[str, Dataset]:
    """The task's documents.

    Args:
        language: its name, or its file.
        problems: JSON Lines, CSV or Parquet, each row with a question and what is right.
        shots: so many of the language's worked examples are shown first.

    Raises:
        UsageError: the first two are not given.
    """
    if not (language and problems):
        raise UsageError('which problems? --metadata \'{"language": "prolog", "problems": "problems.jsonl"}\'')
    backend = language_of(language)
    rows = read_rows(problems, backend)
    prompts = ["\n\n".join(one["content"] for one in asked(backend, str(row["question"]), shots)) for row in rows]
    docs = [
        {
            "id": row["id"],
            "language": language,
            "prompt": prompt,
            "gold": answer_of(row),
            "row": json.dumps(row, default=str),
        }
        for row, prompt in zip(rows, prompts, strict=True)
    ]
    return {"test": Dataset.from_list(docs)}


def verdicts(resps: list[list[str]], docs: list[dict[str, str]]) -> list[list[str]]:
    """The filter: the verdict on each response, all judged together."""
    flat = [(text, doc) for texts, doc in zip(resps, docs, strict=True) for text in texts]
    if not flat:
        return []
    rows = [json.loads(doc["row"]) for _, doc in flat]
    found = iter(judged(flat[0][1]["language"], [text for text, _ in flat], rows))
    return [[next(found).verdict for _ in texts] for texts in resps]


def metrics(doc: dict[str, str], results: list[list[str]]) -> dict[str, float]:  # noqa: ARG001 - it is given both
    """The share that is right of the programs that were judged, NaN of none, and of those that the judge failed on."""
    found = results[0]
    sound = [verdict for verdict in found if verdict != INFRA_ERROR]
    correct = sum(verdict == CORRECT for verdict in sound) / len(sound) if sound else float("nan")
    return {"correct": correct, "infra_error": 1 - len(sound) / len(found)}
