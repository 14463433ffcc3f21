"""Which prompt suits a model that has not been trained yet?

``python -m tests.benchmarks.prompts MODEL DIR --train FILE [--language L] [--questions N] [NAME...]`` asks GSM8K's
*training* questions (FILE holds them as JSON Lines; N are taken by a fixed seed) in several ways, each an evaluation in
a folder of DIR; what is there is not made again. Prints a table in Markdown. Held-out questions take no part: the
prompt that is chosen by it is measured on them afterwards.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import click
import tomli_w
from lowres_code.evaluation.folder import EvaluationFolder, Summary

ASKED = "{question}\n\nWrite a {title} program that computes the answer."
WHOLE = "You write {title} programs that answer questions. {output} {guidance}"
SHORT = "You write {title} programs that answer questions. {output}"
LAST = ASKED + " {guidance} {output}"

Prompt = Mapping[str, str | int]
PROMPTS: Mapping[str, Prompt] = {
    "1 example": {"system": WHOLE, "template": "{question}", "shots": 1, "output": "reasoning"},
    "1 example, asked for a program": {"system": WHOLE, "template": ASKED, "shots": 1, "output": "reasoning"},
    "1 example, code alone": {"system": WHOLE, "template": "{question}", "shots": 1, "output": "code"},
    "1 example, fenced": {"system": WHOLE, "template": "{question}", "shots": 1, "output": "fence"},
    "1 example, no guidance": {"system": SHORT, "template": "{question}", "shots": 1, "output": "reasoning"},
    "2 examples": {"system": WHOLE, "template": ASKED, "shots": 2, "output": "reasoning"},
    "2 examples, code alone": {"system": WHOLE, "template": ASKED, "shots": 2, "output": "code"},
    "3 examples": {"system": WHOLE, "template": ASKED, "shots": 3, "output": "reasoning"},
    "3 examples, code alone": {"system": WHOLE, "template": ASKED, "shots": 3, "output": "code"},
    "no example, all said last": {"system": "", "template": LAST, "shots": 0, "output": "fence"},
}


@click.command()
@click.argument("model")
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("names", nargs=-1, type=click.Choice([*PROMPTS]))
@click.option("--train", "questions", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--language", default="prolog", show_default=True)
@click.option("--questions", "count", default=100, show_default=True)
def main(model: str, folder: Path, names: tuple[str, ...], questions: Path, language: str, count: int) -> None:
    """Make the evaluations that are missing; print the table."""
    folder.mkdir(parents=True, exist_ok=True)
    print("| prompt | right | runs | parses | cut | tokens of a completion |\n|---|---|---|---|---|---|")
    for name in names or PROMPTS:
        place = folder / name.replace(",", "").replace(" ", "-")
        print(row(name, evaluation(model, place, name, questions, language, count)))


def evaluation(model: str, folder: Path, name: str, questions: Path, language: str, count: int) -> Summary:
    """The evaluation of one prompt, as a user makes it."""
    recipe = folder.with_suffix(".toml")
    data = {"source": "file", "path": str(questions.resolve()), "answer_after": "####"}
    text = {
        "extends": "gsm8k/qwen2.5-coder-0.5b",
        "remove": ["data"],
        "data": {"train": {**data, "size": 1}, "eval": {**data, "size": count, "seed": 1}},
        "prompt": dict(PROMPTS[name]),
        "eval": {"samples": 1, "temperature": 0.1, "max_new_tokens": 320, "batch_size": 64},
    }
    recipe.write_text(tomli_w.dumps(text))
    command = [sys.executable, "-m", "lowres_code", "eval", model, "--lang", language]
    subprocess.run([*command, "--recipe", str(recipe), "--out", str(folder)], check=True, stdout=sys.stderr)
    return EvaluationFolder(folder).summary()


def row(name: str, summary: Summary) -> str:
    """A row of the table."""
    found = summary.all
    assert found and found.tokens is not None
    shares = [f"{share.value:.2f}" for share in (found.pass_at_1, found.runs, found.syntax, found.cut)]
    return f"| {' | '.join([name, *shares, f'{found.tokens:.0f}'])} |"


if __name__ == "__main__":
    main()
