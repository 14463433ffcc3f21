"""A step before the first: what TRL, transformers or torch refuse only while they train, they refuse here."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lowres_code.errors import UsageError
from lowres_code.generation.models import load_model, load_tokenizer
from lowres_code.generation.names import POCKET
from lowres_code.recipe.schema import ModelTable
from lowres_code.train.processes import Processes

if TYPE_CHECKING:
    from trl import GRPOConfig, SFTConfig

# The smallest step that there is, and nothing that depends on the recipe's own model, starts a server, or takes half of
# the memory (continuous batching does).
_CHANGES: Mapping[str, Any] = {
    **{"max_steps": 1, "max_completion_length": 2, "num_generations": 2},
    **{"per_device_train_batch_size": 2, "gradient_accumulation_steps": 1},
    **{"generation_batch_size": None, "steps_per_generation": None, "pad_to_multiple_of": None},
    **{"save_strategy": "no", "report_to": "none", "log_completions": False, "router_aux_loss_coef": None},
    **{"use_vllm": False, "use_transformers_continuous_batching": False},
}


_SFT_CHANGES: Mapping[str, Any] = {
    **{"max_steps": 1, "per_device_train_batch_size": 1, "gradient_accumulation_steps": 1},
    **{"pad_to_multiple_of": None, "dataset_num_proc": None, "router_aux_loss_coef": None},
}
_QUESTION = [{"role": "user", "content": "1 + 1"}]
Config = Callable[[Mapping[str, Any], Path], Any]  # TRL's, with some options changed, and with its files in that folder


def trial_step(config: Config) -> None:
    """Make one step of GRPO with the embedded model; it takes under a second.

    Raises:
        UsageError: the step fails.
    """
    _attempt("train", config, _CHANGES, _train)


def sft_trial_step(config: Config) -> None:
    """Make one step of supervised training with the embedded model; it takes under a second.

    Raises:
        UsageError: the step fails.
    """
    _attempt("sft.train", config, _SFT_CHANGES, _train_sft)


def _attempt(table: str, config: Config, changes: Mapping[str, Any], train: Callable[[Any], None]) -> None:
    if Processes.started().count > 1:
        return  # they would have to make it together, each with a part of the embedded model
    with tempfile.TemporaryDirectory(prefix="lowres-code-") as folder:
        arguments = config(changes, Path(folder))
        try:
            train(arguments)
        except Exception as error:  # of any kind: each library has its own ways to refuse
            reason = next(iter(str(error).strip().splitlines()), "")
            raise UsageError(
                f"[{table}] cannot be used: a trial step with its options fails: {type(error).__name__}: {reason}"
            ) from error


def _train(arguments: GRPOConfig) -> None:
    from datasets import Dataset

    from lowres_code.train.trainer import Trainer

    rows = Dataset.from_list([{"prompt": _QUESTION}])
    _run(Trainer, args=arguments, reward_funcs=[_reward], train_dataset=rows)


def _train_sft(arguments: SFTConfig) -> None:
    from datasets import Dataset
    from trl import SFTTrainer

    rows = Dataset.from_list([{"prompt": _QUESTION, "completion": [{"role": "assistant", "content": "2"}]}])
    _run(SFTTrainer, args=arguments, train_dataset=rows)


def _run(trainer: Callable[..., Any], **what: Any) -> None:
    from transformers.trainer_callback import PrinterCallback

    table = ModelTable(name=POCKET, dtype="float32")
    made = trainer(model=load_model(table), processing_class=load_tokenizer(table), **what)
    made.remove_callback(PrinterCallback)
    made.train()


def _reward(completions: list[Any], **_: Any) -> list[float]:
    return [float(row % 2) for row in range(len(completions))]
