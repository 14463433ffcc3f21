"""The completions that a model learns from: transformers' sampling, with a prompt read once for all of its samples.

TRL's own way reads the prompt once for each sample, and writes on for those that have ended until the longest has.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from lowres_code.generation.base import seed_of
from lowres_code.generation.local import Batch

if TYPE_CHECKING:
    from transformers import GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase

    from lowres_code.train.costs import Costs


def sample(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[list[int]],
    config: GenerationConfig,
    seed: int,
    costs: Costs,
) -> list[list[int]]:
    """A completion for each prompt, as tokens; the end token, where there is one, is kept.

    Args:
        model: in any mode; it is left as it was.
        tokenizer: for the padding.
        prompts: as tokens; equal ones stand beside each other.
        config: how tokens are drawn; it has ``max_new_tokens`` and a list of ``eos_token_id``.
        seed: the same seed draws the same completions.
        costs: take the seconds and tokens.
    """
    groups = [(tokens, len(list(equal))) for tokens, equal in groupby(prompts)]
    options: dict[str, Any] = {"generation_config": config, "eos_token_id": config.eos_token_id}
    batch, made = Batch(model, options, config.max_new_tokens), dict[int, list[int]]()
    with costs.timed("prefill"):
        padded = tokenizer.pad(
            {"input_ids": [tokens for tokens, _ in groups]}, padding_side="left", return_tensors="pt"
        )
        batch.prefill(padded.to(model.device), [count for _, count in groups])
    with costs.timed("decode"):
        while batch.rows:
            ended = batch.decode(seed_of(seed, batch.made))
            made.update((row, tokens) for row, tokens, _ in ended)
    costs.add("prefill_tokens", sum(len(tokens) for tokens, _ in groups))
    costs.add("decode_tokens", sum(map(len, made.values())))
    return [made[row] for row in range(len(prompts))]
