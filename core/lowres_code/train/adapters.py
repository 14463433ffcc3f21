"""From a recipe's ``[lora]`` to peft's configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lowres_code.errors import UsageError
from lowres_code.recipe.schema import LoraTable

if TYPE_CHECKING:
    from peft import LoraConfig
    from transformers import PreTrainedModel


def lora_config(table: LoraTable, model: PreTrainedModel) -> LoraConfig:
    """The adapters of a model.

    Raises:
        UsageError: they are to begin at a layer that the model does not have.
    """
    from peft import LoraConfig

    layers = model.config.get_text_config().num_hidden_layers
    if table.layers_from >= layers:
        raise UsageError(
            f"lora.layers_from: the model has layers 0 to {layers - 1}, got {table.layers_from}; "
            f"for the upper half of them: --set lora.layers_from={layers // 2}"
        )
    return LoraConfig(
        r=table.r,
        lora_alpha=table.alpha,
        lora_dropout=table.dropout,
        target_modules=table.target_modules,
        exclude_modules=_layers_below(table.layers_from) if table.layers_from else None,
        task_type="CAUSAL_LM",
    )


def _layers_below(layer: int) -> str:
    """An expression for modules of these layers: the first number in a module's name is its layer's."""
    numbers = "|".join(map(str, range(layer)))
    return rf"(?:\d*[^.\d][^.]*\.)+?(?:{numbers})\..*"
