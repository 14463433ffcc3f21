"""What TRL does with what the judge says, in a real step of the installed TRL."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from lowres_code._util.files import JsonLines, read_json_lines
from lowres_code.completion import format_completion
from lowres_code.errors import JudgeError
from lowres_code.judge import Judge
from lowres_code.judgement import Judgement
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


def scored(
    scorer: Scorer, texts: list[str], rows: list[int], ids: list[list[int]] | None = None
) -> dict[str, list[float | None]]:
    completions = [[{"role": "assistant", "content": text}] for text in texts]
    context: dict[str, Any] = {"trainer_state": State(), "log_metric": lambda name, value: None}
    context |= {"completion_ids": ids} if ids else {}

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


def test_a_completion_without_an_end_token_was_cut(judge: Judge, tmp_path: Path) -> None:
    samples, problems = tmp_path / "samples.jsonl", [Problem("a", "q", (Test("1"),))]
    ids = [[5, 6, 2], [5, 2, 6], [3], []]
    scored(Scorer(judge, problems, TERMS[:1], JsonLines(samples), ends=(2, 3)), [RIGHT] * 4, [0] * 4, ids)
    assert [row["cut"] for row in read_json_lines(samples)] == [False, True, False, True]


def test_terms_that_need_an_analysis_get_one_and_chance_has_a_seed(judge: Judge, tmp_path: Path) -> None:
    problems = [Problem("a", "q", (Test("6"),))]
    terms = [term for term in TERMS if term.name in ("coin", "no_bare_constant", "agreement")]
    texts = [format_completion("2 times 3", f"solve(X) :- X is {it}.") for it in ("6", "2 * 3", "2 *")] + ["none"]
    first, again, other = (
        scored(Scorer(judge, problems, terms, JsonLines(tmp_path / "s.jsonl"), seed), texts * 8, [0] * 32)
        for seed in (0, 0, 1)
    )
    assert first["no_bare_constant"] == [0, 1, 0, 0] * 8
    assert first["agreement"] == [0, 1, 0, 0] * 8
    assert first["coin"] == again["coin"] != other["coin"]
    assert set(first["coin"]) == {0, 1}


def test_metrics_of_a_batch(judge: Judge, tmp_path: Path) -> None:
    """Of three problems one has completions of different worth; equal rewards are equal, however they are rounded."""
    problems = [Problem(name, "q", (Test("1"),)) for name in "abc"]
    scorer = Scorer(judge, problems, [TERMS[0], TERMS[2], TERMS[3]], JsonLines(tmp_path / "s.jsonl"))
    told: dict[str, float] = {}
    texts = [RIGHT, RIGHT, RIGHT, WRONG, "none", "none"]
    context: dict[str, Any] = {"trainer_state": State(), "log_metric": told.__setitem__}
    completions = [[{"content": text}] for text in texts]

    async def together() -> None:
        rows = [0, 0, 1, 1, 2, 2]
        await asyncio.gather(*(f(completions=completions, problem=rows, **context) for f in scorer.functions))

    asyncio.run(together())
    assert told["share/equal_rewards"] == pytest.approx(2 / 3)
    assert told["share/correct"] == pytest.approx(3 / 6)
    assert told["reasoning_words"] == pytest.approx(4 / 6)  # "r" in four of six


def test_partial_credit_is_the_share_of_tests_that_pass(judge: Judge, tmp_path: Path) -> None:
    tests = tuple(Test(answer, stdin=f"{n}.") for n, answer in enumerate("0149"))
    problems = [Problem("squares", "q", tests)]
    terms = [term for term in TERMS if term.name in ("correct", "fraction")]
    scorer = Scorer(judge, problems, terms, JsonLines(tmp_path / "s.jsonl"))
    programs = ["solve(X) :- read(N), X is N * N.", "solve(X) :- read(N), X is N.", "solve(9).", "solve(X) :- X is"]
    columns = scored(scorer, [format_completion("r", program) for program in programs] + ["none"], [0] * 5)
    assert columns == {"correct": [1, 0, 0, 0, 0], "fraction": [1, 0.5, 0.25, 0, 0]}
    rows = list(read_json_lines(tmp_path / "s.jsonl"))
    assert [(row["passed"], row["tests"]) for row in rows] == [(4, 4), (2, 4), (1, 4), (0, 4), (0, 4)]
    only_correct = Scorer(judge, problems, terms[:1], JsonLines(tmp_path / "t.jsonl"))
    scored(only_correct, [format_completion("r", programs[1])], [0])
    assert [row["passed"] for row in read_json_lines(tmp_path / "t.jsonl")] == [None]


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
        try:
            return await scorer.functions[0](completions=[[{"content": sleeper}]], problem=[0], **context)
        finally:
            done.set()
            await ticking

    done = asyncio.Event()
    assert asyncio.run(both()) == [1]
    assert len(ticks) > 10


class FailingJudge(Judge):
    """Says of chosen programs what the judge says where it has failed itself; judges the others."""

    def judge(self, completions: Any, problems: Any, every_test: bool = False) -> list[Judgement]:
        judged = super().judge(completions, problems, every_test)
        return [self._failed(j) if "fails" in j.completion.text else j for j in judged]

    def _failed(self, judgement: Judgement) -> Judgement:
        return Judgement("infra_error", judgement.completion, Execution(Status.INFRA_ERROR))


@pytest.fixture
def failing(judge: Judge, tmp_path: Path) -> Iterator[Scorer]:
    with FailingJudge(judge.language, Limits(), judge.isolation, workers=1) as failing:
        yield Scorer(failing, [Problem("a", "q", (Test("1"),))], TERMS[:2], JsonLines(tmp_path / "s.jsonl"))


FAILS = "<code>% fails\n</code>"


def test_one_judge_failure_among_the_completions_of_a_step_does_not_end_the_run(failing: Scorer) -> None:
    columns = scored(failing, [RIGHT] * 31 + [FAILS], [0] * 32)
    assert columns == {"correct": [1] * 31 + [None], "runs": [1] * 31 + [None]}


class FailingAnalysis(Judge):
    """Cannot analyse chosen programs."""

    def analyse(self, judgements: Any) -> list[Judgement]:
        failed = Execution(Status.INFRA_ERROR)
        return [
            Judgement("infra_error", j.completion, failed) if "fails" in j.completion.text else j for j in judgements
        ]


def test_a_failure_of_the_analysis_is_one_of_the_judge_and_every_term_leaves_the_row_out(
    judge: Judge, tmp_path: Path
) -> None:
    samples = tmp_path / "s.jsonl"
    with FailingAnalysis(judge.language, Limits(), judge.isolation, workers=1) as failing:
        scorer = Scorer(failing, [Problem("a", "q", (Test("1"),))], TERMS, JsonLines(samples))
        columns = scored(scorer, [RIGHT] * 31 + [RIGHT.replace("solve", "% fails\nsolve")], [0] * 32)
    assert set(columns) == {term.name for term in TERMS}
    assert all(None not in column[:31] and column[31] is None for column in columns.values())
    assert [row["verdict"] for row in read_json_lines(samples)] == ["correct"] * 31 + ["infra_error"]


def test_a_judge_that_fails_too_often_ends_the_run(failing: Scorer) -> None:
    scored(failing, [RIGHT] * 25 + [FAILS] * 7, [0] * 32)
    with pytest.raises(JudgeError, match="failed on 8 of the last 33"):
        scored(failing, [FAILS], [0])


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
