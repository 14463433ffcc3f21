"""Held-out evaluation: sample completions, judge them, say what share is right, and how sure that is."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from lowres_code._util.progress import Progress
from lowres_code.errors import JudgeError
from lowres_code.evaluation.intervals import mean_share
from lowres_code.judge import INFRA_ERROR, Judge, Judgement
from lowres_code.problem import Problem
from lowres_code.prompt import Message, build_prompt
from lowres_code.recipe.schema import EvalTable, PromptTable

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

MAX_INFRA_SHARE = 0.02


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Problems and the judgements on their samples.

    Attributes:
        problems: what was asked.
        judgements: for each problem, one for each sample.
        temperature: that the samples were drawn at.
        seed: of the sampling.
    """

    problems: Sequence[Problem]
    judgements: Sequence[Sequence[Judgement]]
    temperature: float
    seed: int

    def summary(self) -> dict[str, Any]:
        """As in ``eval/*.json``: shares are per completion, intervals 95 % with the problem as the unit."""
        return {
            "problems": len(self.problems),
            "samples_per_problem": len(self.judgements[0]),
            "temperature": self.temperature,
            "seed": self.seed,
            **_shares(self.judgements),
            "verdicts": dict(Counter(j.verdict for group in self.judgements for j in group).most_common()),
            "by_task": {task: {"problems": len(groups), **_shares(groups)} for task, groups in self._by_task().items()},
        }

    def _by_task(self) -> dict[str, list[Sequence[Judgement]]]:
        groups: defaultdict[str, list[Sequence[Judgement]]] = defaultdict(list)
        for problem, judgements in zip(self.problems, self.judgements, strict=True):
            if problem.task:
                groups[problem.task].append(judgements)
        return dict(sorted(groups.items()))


def _shares(groups: Sequence[Sequence[Judgement]]) -> dict[str, Any]:
    """pass@1, and the shares that run and parse; samples that the judge failed on are left out."""
    scored = [[j for j in group if j.verdict != INFRA_ERROR] for group in groups]
    scored = [group for group in scored if group] or [[]]
    shares = {}
    for name, holds in (("pass@1", _correct), ("runs", _runs), ("syntax", _parses)):
        shares[name] = asdict(mean_share([sum(map(holds, group)) / max(1, len(group)) for group in scored]))
    return shares


def _correct(judgement: Judgement) -> bool:
    return judgement.correct


def _runs(judgement: Judgement) -> bool:
    return judgement.runs


def _parses(judgement: Judgement) -> bool:
    return judgement.syntax


def evaluate(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    problems: Sequence[Problem],
    judge: Judge,
    prompt: PromptTable,
    table: EvalTable,
    progress: Progress = lambda done, total: None,
) -> Evaluation:
    """Sample ``table.samples`` completions of each problem and judge them.

    Args:
        model: in any mode; it is left as it was.
        tokenizer: pads on the left and has a chat template.
        problems: at least one.
        judge: of the language.
        prompt: how the model is asked.
        table: how it is sampled; temperature 0 is greedy.
        progress: called with how many completions are done, and of how many.

    Raises:
        JudgeError: the judge itself failed on over 2 % of the completions.
    """
    prompts = [build_prompt(judge.language, p.question, prompt.system, prompt.template, prompt.shots) for p in problems]
    repeated = [(index, prompts[index]) for index in range(len(problems)) for _ in range(table.samples)]
    judgements: list[list[Judgement]] = [[] for _ in problems]
    done = 0
    for indices, texts in _sampled(model, tokenizer, repeated, table):
        for index, judgement in zip(indices, judge.judge(texts, [problems[i] for i in indices]), strict=True):
            judgements[index].append(judgement)
        done += len(indices)
        progress(done, len(repeated))
    check_infrastructure([j for group in judgements for j in group])
    return Evaluation(problems, judgements, table.temperature, table.seed)


def check_infrastructure(judgements: Sequence[Judgement]) -> None:
    """Stop if the judge failed on over 2 % of the completions: what it says of the others is not to be trusted.

    Raises:
        JudgeError: with the first failure's reason.
    """
    failed = [judgement for judgement in judgements if judgement.verdict == INFRA_ERROR]
    if len(failed) > MAX_INFRA_SHARE * len(judgements):
        execution = failed[0].execution
        reason = execution.diagnostics[0].message if execution and execution.diagnostics else "unknown"
        raise JudgeError(f"the judge failed on {len(failed)} of {len(judgements)} completions; the first: {reason}")


def _sampled(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[tuple[int, list[Message]]],
    table: EvalTable,
) -> Iterator[tuple[list[int], list[str]]]:
    """Completions in batches, prompts of like length together."""
    import torch

    texts = [
        (index, str(tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)))
        for index, messages in prompts
    ]
    texts.sort(key=lambda item: len(item[1]))
    was_training = model.training
    model.eval()
    try:
        with torch.random.fork_rng(), torch.inference_mode():
            torch.manual_seed(table.seed)
            for start in range(0, len(texts), table.batch_size):
                batch = texts[start : start + table.batch_size]
                yield [index for index, _ in batch], _generate(model, tokenizer, [text for _, text in batch], table)
    finally:
        model.train(was_training)


def _generate(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, texts: list[str], table: EvalTable
) -> list[str]:
    inputs = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False).to(model.device)
    sampling: dict[str, Any] = (
        {"do_sample": True, "temperature": table.temperature, "top_p": table.top_p, "top_k": 0}
        if table.temperature > 0
        else {"do_sample": False}
    )
    output = model.generate(  # as TRL samples: no penalty that a model's own configuration brings
        **inputs,
        **sampling,
        repetition_penalty=1.0,
        max_new_tokens=table.max_new_tokens,
        pad_token_id=tokenizer.pad_token_id,
    )
    completions: list[str] = tokenizer.batch_decode(output[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    return completions
