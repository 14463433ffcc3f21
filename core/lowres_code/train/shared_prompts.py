"""Log-probabilities of completions, with a prompt read once for all of its samples in the batch.

The keys and values of a prompt are computed once, with their gradient, and every sample of it attends to them. So the
prompt's part of the forward and of the backward pass is paid for once, and not once for each sample; the output layer
sees completions alone. The values and gradients are those of reading each row by itself, but for rounding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn.functional import pad

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_PADDING = -1  # in place of a token


def can_share_prompts(model: PreTrainedModel) -> bool:
    """Whether a model keeps all keys and values of what it has read, and no dropout makes each reading another."""
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer

    layers = DynamicCache(config=model.config).layers
    drops = any(module.p > 0 for module in model.modules() if isinstance(module, torch.nn.Dropout))
    return bool(layers) and all(type(layer) is DynamicLayer for layer in layers) and not drops


def log_probs(
    model: PreTrainedModel, ids: torch.Tensor, mask: torch.Tensor, completion: int
) -> tuple[torch.Tensor, torch.Tensor | None, int]:
    """The log-probability of each token of the completions, its distribution's entropy, and how many tokens were read.

    A model whose output layer was made without entropies, such as a reference, has none.

    Args:
        model: with TRL's fused output layer (`trl.trainer.utils.add_fused_lm_head`).
        ids: prompts, padded on the left to one length, and completions, padded on the right.
        mask: 0 where there is padding.
        completion: length of the completions; the two tensors have it, and 0 for padding.
    """
    from transformers import DynamicCache

    prompt = ids.shape[1] - completion
    first = int(mask[:, :prompt].argmax(dim=1).min())
    end = prompt + max(1, int(mask[:, prompt:].sum(dim=1).max()))
    ids, mask, head = ids[:, first:end], mask[:, first:end], prompt - first - 1
    positions = (mask.cumsum(dim=1) - 1).clamp(min=0)
    marked = ids[:, :head].masked_fill(mask[:, :head] == 0, _PADDING)
    prompts, prompt_of = torch.unique(marked, dim=0, return_inverse=True)
    cache = DynamicCache(config=model.config)
    if head:
        real = (prompts != _PADDING).long()
        model(
            input_ids=prompts.clamp(min=0),
            attention_mask=real,
            position_ids=(real.cumsum(dim=1) - 1).clamp(min=0),
            cache=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        cache.batch_select_indices(prompt_of)
    rest = ids[:, head:]  # the prompt's last token, whose output is the completion's first
    output = model(
        input_ids=rest,
        attention_mask=mask,
        position_ids=positions[:, head:],
        cache=cache,
        labels=rest.masked_fill(mask[:, head:] == 0, -100),
        fused_lm_head=True,
    )
    cut = (0, prompt + completion - first - ids.shape[1])
    entropy = None if output.entropy is None else pad(output.entropy, cut)
    return pad(output.log_probs, cut), entropy, prompts.numel() + rest.numel()
