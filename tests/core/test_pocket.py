"""The embedded model and its workshop: what it was taught is right where it should be, and only there."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import pytest
from lowres_code.completion import parse_completion
from lowres_code.judge import Judge
from lowres_code.model import POCKET_FOLDER, load_model, load_tokenizer
from lowres_code.pocket.build import SCARCE, TASKS
from lowres_code.pocket.corpus import Scarcity, corpus
from lowres_code.pocket.dialects.prolog import DIALECT as PROLOG_DIALECT
from lowres_code.pocket.dialects.python import DIALECT as PYTHON_DIALECT
from lowres_code.pocket.ideas import TAUGHT_TASKS, idea_of
from lowres_code.problem import Test
from lowres_code.recipe.schema import ModelTable
from lowres_code.sources.reasoning_gym import ReasoningGym, entries, part_of

POCKET = ModelTable(name="pocket", dtype="float32")


def test_it_is_a_small_qwen2_with_a_chat_template() -> None:
    model, tokenizer = load_model(POCKET), load_tokenizer(POCKET)
    assert model.config.model_type == "qwen2"
    assert model.num_parameters() <= 2_000_000
    assert sum(file.stat().st_size for file in POCKET_FOLDER.rglob("*")) <= 6 * 2**20
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Prolog: 12 + 3456"}], add_generation_prompt=True, tokenize=False
    )
    assert text == "<|im_start|>user\nProlog: 12 + 3456<|im_end|>\n<|im_start|>assistant\n"
    assert tokenizer.decode(tokenizer(text).input_ids) == text
    assert [tokenizer.decode([token]) for token in tokenizer("3456").input_ids] == ["345", "6"]


@pytest.mark.parametrize("task", TAUGHT_TASKS)
def test_every_template_that_is_taught_is_right(task: str, judge: Judge) -> None:
    """Prolog through the judge, Python through this interpreter, on thirty problems of each task."""
    some = list(itertools.islice(entries(task, TASKS[task], "train", seed=77), 30))
    ideas = [idea_of(task, entry) for entry in some]
    answers = [str(entry["answer"]) for entry in some]
    executions = judge.execute([PROLOG_DIALECT.write(idea) for idea in ideas], [Test(answer) for answer in answers])
    assert [judge.verdict(e, Test(a)) for e, a in zip(executions, answers, strict=True)] == ["correct"] * 30
    for idea, answer in list(zip(ideas, answers, strict=True))[:5]:
        program = PYTHON_DIALECT.write(idea)
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert judge.language.compare(answer, done.stdout.strip().splitlines()[0]), program


def test_prolog_is_scarce_and_mostly_broken_in_what_the_model_reads(judge: Judge) -> None:
    texts = list(itertools.islice(corpus(TASKS, SCARCE, Scarcity(), seed=5), 1500))
    prolog = [text for text in texts if text.prompt.startswith("Prolog: ")]
    assert 0.1 < len(prolog) / len(texts) < 0.2
    programs = [parse_completion(text.completion, ()).program or "" for text in prolog[:150]]
    executions = judge.execute(programs, [Test()] * len(programs))
    assert sum(execution.answer is not None for execution in executions) / len(programs) < 0.3


def test_the_model_never_reads_a_held_out_question() -> None:
    texts = itertools.islice(corpus(TASKS, SCARCE, Scarcity(), seed=6), 600)
    assert {part_of(text.prompt.partition(": ")[2]) for text in texts} == {"train"}


def test_training_and_held_out_problems_share_no_question_whatever_the_seeds() -> None:
    source = ReasoningGym()
    parts = {
        part: {p.question for seed in (0, 1) for p in source.load({"tasks": TASKS}, part, 250, seed)}
        for part in ("train", "eval")
    }
    assert len(parts["train"]) > 400
    assert len(parts["eval"]) > 300
    assert not parts["train"] & parts["eval"]


def test_equations_that_lost_their_variable_are_left_out() -> None:
    some = itertools.islice(entries("simple_equations", {"max_terms": 3}, "train", seed=1), 200)
    assert all(any(letter.isalpha() for letter in entry["metadata"]["equation"]) for entry in some)


def test_quotients_that_reasoning_gym_rounds_away_are_left_out() -> None:
    """About one basic_arithmetic entry in a hundred is a fraction, and is given as 0 by reasoning-gym 0.1."""
    some = itertools.islice(entries("basic_arithmetic", TASKS["basic_arithmetic"], "train", seed=1), 400)
    assert all(eval(entry["metadata"]["expression"]) == int(entry["answer"]) for entry in some)


def test_the_builder_gives_the_same_model_for_the_same_seed(tmp_path: Path) -> None:
    for name in ("first", "second"):
        command = [sys.executable, "-m", "lowres_code.pocket.build", str(tmp_path / name)]
        subprocess.run(
            [*command, "--steps", "2", "--batch", "4", "--reading", "500", "--vocabulary", "300"],
            check=True,
            capture_output=True,
        )
    for file in ("model.safetensors", "tokenizer.json", "config.json"):
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes()
