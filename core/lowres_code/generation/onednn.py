"""Wide matrix products of a few rows, by oneDNN: on a CPU in float32 torch takes MKL for them, which is slower there.

Measured in docs/results.md. What comes out is the same but for rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_LEAST = 1 << 20  # weights of a matrix; below, the way there and back costs more than it brings


class WideProducts:
    """In ``with``, the wide linear layers of a model on a CPU multiply by oneDNN, in `torch.inference_mode`.

    A copy of their weights is held as long as this object is, so it must not outlive a change of them.
    """

    def __init__(self, model: PreTrainedModel, least: int = _LEAST) -> None:
        """Args:
        model: on another device, or where there is no oneDNN, nothing happens.
        least: weights that a matrix must have.
        """
        self._products = [(layer, _product(layer)) for layer in _wide(model, least)]

    def __enter__(self) -> None:
        for layer, product in self._products:
            layer.__dict__["forward"] = product

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for layer, _ in self._products:
            del layer.__dict__["forward"]


def _wide(model: PreTrainedModel, least: int) -> Iterator[nn.Linear]:
    """Layers with more columns out than in: there it is faster. Those that somebody has changed are left alone."""
    if model.device.type != "cpu" or not torch.backends.mkldnn.is_available():
        return
    for layer in model.modules():
        if type(layer) is nn.Linear and layer.bias is None and "forward" not in layer.__dict__:
            wide = layer.out_features > layer.in_features and layer.weight.numel() >= least
            if wide and layer.weight.dtype == torch.float32:
                yield layer


def _product(layer: nn.Linear) -> Callable[[torch.Tensor], torch.Tensor]:
    weight = layer.weight.detach().to_mkldnn()

    def forward(rows: torch.Tensor) -> torch.Tensor:
        flat = rows.reshape(-1, rows.shape[-1]).to_mkldnn()
        return nn.functional.linear(flat, weight).to_dense().view(*rows.shape[:-1], -1)

    return forward
