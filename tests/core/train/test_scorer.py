"""What TRL does with what the judge says, in a real step of the installed TRL."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from lowres_code._util.files import JsonLines, read_json_lines
from lowres_code.completion import format_completion
from lowres_code.errors import JudgeError
from lowres_code.judge import Judge, Judgement
from lowres_code.language.base import Execution, Limits, Status
from lowres_code.problem import Problem, Test
from lowres_code.reward import TERMS
from lowres_code.train.arguments import grpo_config
from lowres_code.train.scorer import Scorer
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import GRPOTrainer

RIGHT, WRONG = (format_completion("r", f"solve({n}).") for n in (1, 2))


class State:
    global_step = 4


def scored(scorer: Scorer, texts: list[str], rows: list[int]) -> dict[str, list[float | None]]:
    completions = [[{"role": "assistant", "content": text}] for text in texts]
    context: dict[str, Any] = {"trainer_state": State(), "log_metric": lambda name, value: None}

    async def together() -> list[list[float | None]]:
        asked = [f(completions=completions, problem=rows, **context) for f in scorer.functions]
        return await asyncio.gather(*asked)

    return dict(zip([f.__name__ for f in scorer.functions], asyncio.run(together()), strict=True))


def test_one_column_for_each_term_and_one_judging_for_all(judge: Judge, tmp_path: Path) -> None:
    samples = tmp_path / "samples.jsonl"
    problems = [Problem("a", "q", (Test("1"),)), Problem("b", "q", (Test("2"),))]
    scorer = Scorer(judge, problems, TERMS[:1] + TERMS[2:4], JsonLines(samples))
    columns = scored(scorer, [RIGHT, WRONG, RIGHT, "nothing"], [0, 0, 1, 1])
    assert columns == {"correct": [1, 0, 0, 0], "syntax": [1, 1, 1, 0], "format": [1, 1, 1, 0]}
    rows = list(read_json_lines(samples))
    assert [row["verdict"] for row in rows] == ["correct", "wrong_answer", "wrong_answer", "no_code"]
    assert {row["step"] for row in rows} == {5}


def test_other_reward_functions_go_on_while_programs_run(judge: Judge, tmp_path: Path) -> None:
    """TRL awaits its asynchronous reward functions together; ours must not hold the others up."""
    scorer = Scorer(judge, [Problem("a", "q", (Test("1"),))], TERMS[:1], JsonLines(tmp_path / "s.jsonl"))
    sleeper = format_completion("r", "solve(1) :- sleep(1).")
    ticks: list[float] = []

    async def other() -> None:
        while not done.is_set():
            ticks.append(time.monotonic())
            await asyncio.sleep(0.01)

    async def both() -> list[float | None]:
        ticking = asyncio.create_task(other())
        context: dict[str, Any] = {"trainer_state": State(), "log_metric": lambda name, value: None}
        column = await scorer.functions[0](completions=[[{"content": sleeper}]], problem=[0], **context)
        done.set()
        await ticking
        return column

    done = asyncio.Event()
    assert asyncio.run(both()) == [1]
    assert len(ticks) > 10


class FailingJudge(Judge):
    """Says of chosen programs what the judge says where it has failed itself; judges the others."""

    def judge(self, completions: Any, problems: Any) -> list[Judgement]:
        judged = super().judge(completions, problems)
        return [self._failed(j) if "fails" in j.completion.text else j for j in judged]

    def _failed(self, judgement: Judgement) -> Judgement:
        return Judgement("infra_error", judgement.completion, Execution(Status.INFRA_ERROR))


def test_over_two_percent_of_judge_failures_stop_the_run(judge: Judge, tmp_path: Path) -> None:
    failing = FailingJudge(judge.language, Limits(), judge.isolation, workers=1)
    scorer = Scorer(failing, [Problem("a", "q", (Test("1"),))], TERMS[:1], JsonLines(tmp_path / "s.jsonl"))
    with pytest.raises(JudgeError, match="failed on 1 of 3"):
        scored(scorer, [RIGHT, "<code>% fails\n</code>", WRONG], [0] * 3)
    failing.close()


def test_trl_leaves_rows_out_that_every_term_gives_none_for(tiny_model: Path, tmp_path: Path) -> None:
    """The advantages of a group are those that the scored rows alone would have; the left-out row's is 0."""
    tokenizer = AutoTokenizer.from_pretrained(str(tiny_model), padding_side="left")
    options = {"per_device_train_batch_size": 4, "num_generations": 4, "max_completion_length": 4, "max_steps": 1}
    values: list[float | None] = [1.0, 0.0, None, 0.5]

    def correct(completions: list[Any], **_: Any) -> list[float | None]:
        return values

    def syntax(completions: list[Any], **_: Any) -> list[float | None]:
        return [None if value is None else 1.0 for value in values]

    trainer = GRPOTrainer(
        model=AutoModelForCausalLM.from_pretrained(str(tiny_model), dtype=torch.float32),
        reward_funcs=[correct, syntax],
        args=grpo_config(options, tmp_path, 0, [1.0, 0.1]),
        train_dataset=Dataset.from_list([{"prompt": [{"role": "user", "content": "q"}]}] * 4),
        processing_class=tokenizer,
    )
    taken: list[torch.Tensor] = []
    inner = trainer._generate_and_score_completions

    def keep(inputs: Any) -> Any:
        output = inner(inputs)
        taken.append(output["advantages"])
        return output

    trainer._generate_and_score_completions = keep
    trainer.train()
    advantages = taken[0]
    scored_rows = torch.tensor([1.1, 0.1, 0.6])
    expected = (scored_rows - scored_rows.mean()) / (scored_rows.std() + 1e-4)
    assert advantages[2] == 0
    assert torch.allclose(advantages[[0, 1, 3]], expected, atol=1e-3)
