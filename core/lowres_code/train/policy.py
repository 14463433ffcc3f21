"""The model that a run trains: one in memory at a time, loaded from what was saved, saved whole."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lowres_code.errors import LowresCodeError, UsageError
from lowres_code.generation.models import load_model
from lowres_code.recipe.schema import LoraTable, ModelTable
from lowres_code.train.adapters import lora_config
from lowres_code.train.processes import ALONE, Processes

if TYPE_CHECKING:
    from peft import LoraConfig
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class Policy:
    """The one model that a run holds in memory: the base model, or what a stage has made of it.

    With ``[lora]`` the base model is without an adapter until the first trainer has made one; that one every later
    stage goes on with.
    """

    def __init__(self, table: ModelTable, lora: LoraTable | None) -> None:
        self._table, self._lora = table, lora
        self._model: PreTrainedModel | None = None

    @property
    def model(self) -> PreTrainedModel:
        """The model; the base model if none was loaded."""
        return self._model if self._model is not None else self.load()

    def load(self, stage: Path | None = None) -> PreTrainedModel:
        """Put another in the place of the one that is held.

        Args:
            stage: where a stage has saved its result; by default the base model.

        Raises:
            UsageError: it cannot be loaded.
        """
        self.release()
        if stage is None:
            self._model = load_model(self._table)
        elif self._lora:
            self._model = _with_adapter(load_model(self._table), stage)
        else:
            self._model = load_model(self._table.model_copy(update={"name": str(stage), "revision": None}))
        return self._model

    def release(self) -> None:
        """Give the model's memory back, as soon as nobody else holds it."""
        import torch

        self._model = None
        gc.collect()  # a trainer and its callbacks hold each other
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def new_adapter(self) -> LoraConfig | None:
        """For a trainer: the adapter that it is to make; ``None`` if there is one, or all weights are trained."""
        from peft import PeftModel

        return lora_config(self._lora, self.model) if self._lora and not isinstance(self.model, PeftModel) else None

    def must_take_adapter(self) -> None:
        """See, before there is a run, that the model can have the adapter of the recipe.

        Raises:
            UsageError: it cannot.
        """
        from peft import get_peft_model

        if (config := self.new_adapter()) is None:
            return
        try:
            self._model = get_peft_model(self.model, config).unload()
        except ValueError as error:
            raise UsageError(f"[lora] is refused by peft: {error}") from error


def make_trainer(kind: Callable[..., Any], table: str, **named: Any) -> Any:
    """A trainer of TRL's, without its own printing.

    Args:
        kind: of trainer.
        table: of the recipe that the options come from, for the message.
        named: what the trainer takes.

    Raises:
        UsageError: TRL or peft refuses what the recipe says.
    """
    from transformers.trainer_callback import PrinterCallback

    try:
        trainer = kind(**named)
    except (ValueError, ImportError, NotImplementedError) as error:
        raise UsageError(f"{table} is refused by TRL: {error}") from error
    trainer.remove_callback(PrinterCallback)
    return trainer


def save_whole(trainer: Any, tokenizer: PreTrainedTokenizerBase, target: Path, processes: Processes = ALONE) -> None:
    """Save what a trainer has trained beside its place, and move it there whole; all processes are to call this.

    Raises:
        LowresCodeError: it cannot be written.
    """
    from safetensors import SafetensorError

    partial = target.with_name(f".{target.name}-partial")
    try:
        processes.by_main(lambda: shutil.rmtree(partial, ignore_errors=True))
        trainer.save_model(str(partial))
        processes.by_main(lambda: _complete(partial, tokenizer, target))
    except (OSError, SafetensorError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise LowresCodeError(f"cannot save the model to {str(target)!r}: {reason}") from error


def _complete(partial: Path, tokenizer: PreTrainedTokenizerBase, target: Path) -> None:
    shutil.rmtree(partial / "ref", ignore_errors=True)  # TRL's copy of the adapter that GRPO began with
    tokenizer.save_pretrained(str(partial))
    partial.rename(target)


def _with_adapter(model: PreTrainedModel, folder: Path) -> PreTrainedModel:
    """The model with the adapter in a folder, to be trained on."""
    from peft import PeftModel

    try:
        adapted: PreTrainedModel = PeftModel.from_pretrained(model, str(folder), is_trainable=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise UsageError(f"the adapter in {str(folder)!r} cannot be loaded: {error}") from error
    return adapted
