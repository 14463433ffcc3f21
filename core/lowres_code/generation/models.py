"""Loading models and tokenizers: the embedded one, a folder, a run, or the hub."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lowres_code.errors import UsageError
from lowres_code.recipe.schema import ModelTable

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

POCKET = "pocket"
POCKET_FOLDER = Path(__file__).parent.parent / "pocket" / "model"


def resolve(name: str) -> str:
    """What transformers calls the model: the embedded one's folder for ``pocket``, else the name itself."""
    return str(POCKET_FOLDER) if name == POCKET else name


def load_model(table: ModelTable) -> PreTrainedModel:
    """The base model of a recipe, on the GPU if there is one.

    Raises:
        UsageError: it cannot be loaded.
    """
    import torch
    from transformers import AutoModelForCausalLM

    options: dict[str, Any] = {"revision": table.revision or "main", "dtype": _dtype(table)}
    if table.load_in_4bit:
        options["quantization_config"] = _four_bit()
    try:
        model = AutoModelForCausalLM.from_pretrained(resolve(table.name), **options)
    except (OSError, ValueError, ImportError, RuntimeError) as error:
        raise _cannot_load(table.name, error) from error
    return model.to("cuda") if torch.cuda.is_available() and not table.load_in_4bit else model


def load_tokenizer(table: ModelTable) -> PreTrainedTokenizerBase:
    """The tokenizer of a recipe's model; it must have a chat template.

    Raises:
        UsageError: it cannot be loaded, or has no chat template.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(
            resolve(table.name), revision=table.revision or "main", padding_side="left"
        )
    except (OSError, ValueError, ImportError, RuntimeError, KeyError) as error:
        raise _cannot_load(table.name, error) from error
    if not tokenizer.chat_template:
        raise UsageError(f"model {table.name!r} has no chat template; take an instruct model")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_adapter(model: PreTrainedModel, folder: Path) -> PreTrainedModel:
    """The model with the adapter in a folder merged into its weights.

    Raises:
        UsageError: the adapter cannot be loaded.
    """
    from peft import PeftModel

    try:
        merged: PreTrainedModel = PeftModel.from_pretrained(model, str(folder)).merge_and_unload()
    except (OSError, ValueError, RuntimeError) as error:
        raise _cannot_load(str(folder), error) from error
    return merged


def _dtype(table: ModelTable) -> Any:
    import torch

    if table.dtype != "auto":
        return getattr(torch, table.dtype)
    return torch.bfloat16 if torch.cuda.is_available() else torch.float32


def _four_bit() -> Any:
    """NF4 with double quantization (QLoRA, arXiv 2305.14314)."""
    import torch
    from transformers import BitsAndBytesConfig

    if not torch.cuda.is_available():
        raise UsageError("model.load_in_4bit needs a GPU; without one: --set model.load_in_4bit=false")
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )


def _cannot_load(name: str, error: Exception) -> UsageError:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    if name.startswith(("/", ".", "~")) and not Path(name).expanduser().is_dir():
        reason = "there is no such folder"
    return UsageError(f"model {name!r} cannot be loaded: {reason} (a folder, a model on the hub, or {POCKET!r})")
