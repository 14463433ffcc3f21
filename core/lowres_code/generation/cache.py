"""What a model remembers of the tokens it has read, in memory that has room for some more."""

from __future__ import annotations

from typing import Any

import torch
from transformers.cache_utils import Cache, DynamicLayer

ROOM = 32  # tokens; so often all is copied, instead of for each token


class GrowingLayer(DynamicLayer):  # type: ignore[misc]
    """Keys and values of a layer, all of them, also where the layer looks back a few tokens only.

    So rows can be padded, and taken from one cache to another. transformers' own layer copies all for each token.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._held: dict[str, torch.Tensor] = {}  # with room at the end

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Add what was read last, and give all."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        self.keys: torch.Tensor = self._with("keys", self.keys, key_states)
        self.values: torch.Tensor = self._with("values", self.values, value_states)
        return self.keys, self.values

    def _with(self, name: str, before: torch.Tensor, new: torch.Tensor) -> torch.Tensor:
        length = before.shape[-2] if before.numel() else 0
        total, held = length + new.shape[-2], self._held.get(name)
        if (
            held is None or held.data_ptr() != before.data_ptr() or held.shape[-2] < total
        ):  # others may have put `before`
            held = self._held[name] = new.new_empty((*new.shape[:-2], total + ROOM, new.shape[-1]))
            if length:
                held[..., :length, :] = before
        held[..., length:total, :] = new
        return held[..., :total, :]


def growing_cache() -> Cache:
    """An empty cache."""
    return Cache(layer_class_to_replicate=GrowingLayer)
