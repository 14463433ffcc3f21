"""The completions that a model writes side by side, and what it remembers of them."""

from __future__ import annotations

import copy
import random
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from lowres_code.generation.base import Stop

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

K = TypeVar("K")


@dataclass(slots=True, eq=False)
class Draft(Generic[K]):
    """A completion that is wanted, and what there is of it.

    Attributes:
        prompt: tokens of the prompt; samples of one prompt stand together and share the object.
        seed: of its random numbers.
        key: the caller's own.
        tokens: that are written, the end token included.
        stop: why it ended; ``None`` before that.
        began: on the monotonic clock.
    """

    prompt: Sequence[int]
    seed: int
    key: K
    tokens: list[int] = field(default_factory=list)
    stop: Stop | None = None
    began: float = 0.0
    _random: random.Random = field(default_factory=random.Random)

    def begin(self) -> None:
        """Start from nothing."""
        self.tokens, self.stop, self.began = [], None, time.monotonic()
        self._random.seed(self.seed)

    def draw(self) -> float:
        """The next random number, in [0, 1)."""
        return self._random.random()

    def add(self, token: int, ends: Collection[int], most: int) -> None:
        """One more token; it may end the completion."""
        self.tokens.append(token)
        self.stop = "stop" if token in ends else "length" if len(self.tokens) >= most else None


class Live(Generic[K]):
    """The drafts that are being written, a row each, and what the model remembers of them, padded on the left."""

    def __init__(self, model: PreTrainedModel, alike: Sequence[int] = ()) -> None:
        """Args:
        model: in evaluation mode.
        alike: tokens with which all prompts begin that will join; they are read once.
        """
        self._model, self._alike = model, alike
        self._begun: Any = None
        self.drafts: list[Draft[K]] = []
        self._cache: Any = None
        self._mask: Any = None

    def join(self, drafts: list[Draft[K]]) -> torch.Tensor:
        """Read the prompts of more drafts, each prompt once; the logits of their first token."""
        import torch

        prompts, row_of = _distinct(drafts)
        begin, device = len(self._alike), self._model.device
        rests = [list(prompt[begin:]) for prompt in prompts]
        longest = max(map(len, rests))
        ids = torch.tensor([[0] * (longest - len(rest)) + rest for rest in rests], device=device)
        mask = torch.tensor(
            [[1] * begin + [0] * (longest - len(rest)) + [1] * len(rest) for rest in rests], device=device
        )
        rows = torch.tensor(row_of, device=device)
        with torch.inference_mode():
            positions = (mask.cumsum(-1) - 1).clamp(min=0)[:, begin:]
            logits, cache = self._read(ids, mask, positions, self._cache_of(len(prompts)))
            cache.batch_select_indices(rows)
            mask = mask[rows]
            if self.drafts:
                for layer, other in zip(self._cache.layers, cache.layers, strict=True):
                    layer.keys = _stacked(layer.keys, other.keys, dim=-2)
                    layer.values = _stacked(layer.values, other.values, dim=-2)
                mask = _stacked(self._mask, mask, dim=-1)
            else:
                self._cache = cache
            self._mask = mask
            self.drafts = [*self.drafts, *drafts]
            return logits[rows]

    def _cache_of(self, rows: int) -> Any:
        """A cache of so many rows, that hold what is alike in all prompts."""
        import torch

        from lowres_code.generation.cache import growing_cache

        if not self._alike:
            return growing_cache()
        if self._begun is None:
            ids = torch.tensor([list(self._alike)], device=self._model.device)
            positions = torch.arange(len(self._alike), device=self._model.device)[None]
            _, self._begun = self._read(ids, torch.ones_like(ids), positions, growing_cache())
        cache = copy.deepcopy(self._begun)
        cache.batch_select_indices(torch.zeros(rows, dtype=torch.long, device=self._model.device))
        return cache

    def step(self) -> torch.Tensor:
        """Read the last token of each draft; the logits of the next."""
        import torch

        ids = torch.tensor([[draft.tokens[-1]] for draft in self.drafts], device=self._model.device)
        with torch.inference_mode():
            self._mask = torch.nn.functional.pad(self._mask, (0, 1), value=1)
            logits, self._cache = self._read(ids, self._mask, self._mask.sum(-1, keepdim=True) - 1, self._cache)
            return logits

    def leave(self) -> list[Draft[K]]:
        """Take out the drafts that have ended."""
        import torch

        ended = [draft for draft in self.drafts if draft.stop]
        places = [place for place, draft in enumerate(self.drafts) if not draft.stop]
        self.drafts = [self.drafts[place] for place in places]
        if ended and self.drafts:
            with torch.inference_mode():
                rows = torch.tensor(places, device=self._model.device)
                mask = self._mask[rows]
                first = int(mask.any(0).int().argmax())  # the columns before it are padding in all rows that stay
                self._mask = mask[:, first:]
                for layer in self._cache.layers:
                    layer.keys, layer.values = layer.keys[rows, :, first:], layer.values[rows, :, first:]
        return ended

    def _read(self, ids: Any, mask: Any, positions: Any, cache: Any) -> tuple[torch.Tensor, Any]:
        """The logits after the last of these tokens, and the cache with them in it."""
        output = self._model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            cache=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        return output.logits[:, -1], output.cache


def _distinct(drafts: Sequence[Draft[K]]) -> tuple[list[Sequence[int]], list[int]]:
    """The prompts, each once, and which of them each draft has."""
    prompts: list[Sequence[int]] = []
    row_of = []
    for draft in drafts:
        if not prompts or draft.prompt is not prompts[-1]:
            prompts.append(draft.prompt)
        row_of.append(len(prompts) - 1)
    return prompts, row_of


def _stacked(above: torch.Tensor, below: torch.Tensor, dim: int) -> torch.Tensor:
    """Rows of two tensors, the shorter ones padded with zeros at the begin of a dimension."""
    import torch

    longest = max(above.shape[dim], below.shape[dim])
    padded = []
    for tensor in (above, below):
        pads = [0, 0] * (-dim - 1) + [longest - tensor.shape[dim], 0]
        padded.append(torch.nn.functional.pad(tensor, pads))
    return torch.cat(padded)
