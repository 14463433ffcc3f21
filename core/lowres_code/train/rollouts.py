"""The completions that a model learns from, with a prompt read once for all of its samples.

TRL's own way reads the prompt once for each sample, and writes on for those that have ended until the longest has.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from lowres_code.generation.base import seed_of
from lowres_code.generation.decode import Decoder
from lowres_code.generation.live import Draft

if TYPE_CHECKING:
    from transformers import GenerationConfig, PreTrainedModel

    from lowres_code.train.costs import Costs


def can_sample(config: GenerationConfig) -> bool:
    """Whether `sample` draws as transformers would: by temperature, top-k and top-p, and nothing else."""
    return (
        bool(config.do_sample)
        and not config.min_p
        and config.repetition_penalty in (None, 1.0)
        and config.max_new_tokens is not None
    )


def sample(
    model: PreTrainedModel, prompts: Sequence[list[int]], config: GenerationConfig, seed: int, costs: Costs
) -> list[list[int]]:
    """A completion for each prompt, as tokens; the end token, where there is one, is kept.

    Args:
        model: in any mode; it is left as it was.
        prompts: as tokens; equal ones stand beside each other.
        config: how tokens are drawn, see `can_sample`.
        seed: the same seed draws the same completions.
        costs: take the seconds and tokens.
    """
    distinct = [tokens for tokens, equal in groupby(prompts) for _ in equal]
    drafts = [Draft(tokens, seed_of(seed, place), place) for place, tokens in enumerate(distinct)]
    ends = config.eos_token_id if isinstance(config.eos_token_id, list) else [config.eos_token_id]
    drawn = {"temperature": config.temperature, "top_p": config.top_p, "top_k": config.top_k or 0}
    decoder = Decoder(model, ends, config.max_new_tokens, len(drafts), timed=costs.timed, **drawn)
    was_training = model.training
    model.eval()
    try:
        made = {draft.key: draft.tokens for draft in decoder.write(drafts)}
    finally:
        model.train(was_training)
    costs.add("prefill_tokens", sum(len(tokens) for tokens, _ in groupby(prompts)))
    costs.add("decode_tokens", sum(map(len, made.values())))
    return [made[place] for place in range(len(drafts))]
