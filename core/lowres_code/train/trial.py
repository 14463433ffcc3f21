"""A step before the first: what TRL, transformers or torch refuse only while they train, they refuse here."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lowres_code.errors import UsageError
from lowres_code.generation.models import POCKET, load_model, load_tokenizer
from lowres_code.recipe.schema import ModelTable

if TYPE_CHECKING:
    from trl import GRPOConfig

# The smallest step that there is, and nothing that depends on the recipe's own model, starts a server, or takes half of
# the memory (continuous batching does).
_CHANGES: Mapping[str, Any] = {
    **{"max_steps": 1, "max_completion_length": 2, "num_generations": 2},
    **{"per_device_train_batch_size": 2, "gradient_accumulation_steps": 1},
    **{"generation_batch_size": None, "steps_per_generation": None, "pad_to_multiple_of": None},
    **{"save_strategy": "no", "report_to": "none", "log_completions": False, "router_aux_loss_coef": None},
    **{"use_vllm": False, "use_transformers_continuous_batching": False},
}


def trial_step(config: Callable[[Mapping[str, Any], Path], GRPOConfig]) -> None:
    """Make one step of the embedded model; it takes under a second.

    Args:
        config: TRL's configuration with some options changed, and with checkpoints in that folder.

    Raises:
        UsageError: the step fails.
    """
    with tempfile.TemporaryDirectory(prefix="lowres-code-") as folder:
        arguments = config(_CHANGES, Path(folder))
        try:
            _train(arguments)
        except Exception as error:  # of any kind: each library has its own ways to refuse
            reason = next(iter(str(error).strip().splitlines()), "")
            raise UsageError(
                f"[train] cannot be used: a trial step with its options fails: {type(error).__name__}: {reason}"
            ) from error


def _train(arguments: GRPOConfig) -> None:
    from datasets import Dataset
    from transformers.trainer_callback import PrinterCallback

    from lowres_code.train.trainer import Trainer

    table = ModelTable(name=POCKET, dtype="float32")
    trainer = Trainer(
        model=load_model(table),
        reward_funcs=[_reward],
        args=arguments,
        train_dataset=Dataset.from_list([{"prompt": [{"role": "user", "content": "1 + 1"}]}]),
        processing_class=load_tokenizer(table),
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()


def _reward(completions: list[Any], **_: Any) -> list[float]:
    return [float(row % 2) for row in range(len(completions))]
