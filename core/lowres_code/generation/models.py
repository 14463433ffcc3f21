"""Loading models and tokenizers: the embedded one, a folder, a GGUF file, or the hub."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lowres_code._util.hub import look_for_hub
from lowres_code.errors import UsageError
from lowres_code.generation.names import POCKET, check_model_name, near_model
from lowres_code.prompt import Message
from lowres_code.recipe.schema import ModelTable

if TYPE_CHECKING:
    import torch
    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

POCKET_FOLDER = Path(__file__).parent.parent / "pocket" / "model"


def resolve(name: str) -> str:
    """What transformers calls the model: the embedded one's folder for ``pocket``, else the name itself."""
    return str(POCKET_FOLDER) if name == POCKET else name


def shown_name(table: ModelTable, adapter: Path | None = None) -> str:
    """The model's name for people and records: that it was quantized or has an adapter is never left out."""
    name = f"{Path(table.name).name} (GGUF, dequantized)" if _is_gguf(table.name) else table.name
    name += " (4 bit)" if table.load_in_4bit else ""
    return f"{name} with adapter {adapter}" if adapter else name


def weights_fingerprint(table: ModelTable, adapter: Path | None = None) -> str | None:
    """A short hash of names, sizes and times of the model's files; ``None`` if it is not a folder or a file of here.

    It tells a model from one that was written over it, without reading gigabytes.
    """
    places = [Path(resolve(table.name)).expanduser(), *([adapter] if adapter else [])]
    files = sorted(file for place in places for file in (place.glob("*") if place.is_dir() else [place]))
    known = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files if file.is_file()]
    return hashlib.sha256(repr(known).encode()).hexdigest()[:16] if known else None


def load_model(table: ModelTable) -> PreTrainedModel:
    """The base model of a recipe, on the device that it names, by default the GPU if there is one.

    Raises:
        UsageError: it cannot be loaded.
    """
    from transformers import AutoModelForCausalLM

    device = device_of(table)
    options: dict[str, Any] = {"dtype": compute_dtype(table, device), **_source(table)}
    if table.load_in_4bit:
        options["quantization_config"] = _four_bit(options["dtype"])
        options |= {"device_map": {"": "cpu"}} if device == "cpu" else {}  # elsewhere it is this process's GPU
    elif _is_gguf(table.name):
        options["quantization_config"] = _dequantized()
    try:
        model = AutoModelForCausalLM.from_pretrained(options.pop("folder"), **options)
    except (OSError, ValueError, ImportError, RuntimeError) as error:
        raise _cannot_load(table.name, error) from error
    return _trainable(model) if table.load_in_4bit else model.to(device)


def prompt_text(tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message]) -> str:
    """A chat as the model gets it, by its own template, up to where its answer begins."""
    return str(tokenizer.apply_chat_template(list(messages), add_generation_prompt=True, tokenize=False))


def load_tokenizer(table: ModelTable) -> PreTrainedTokenizerBase:
    """The tokenizer of a recipe's model; it must have a chat template.

    Raises:
        UsageError: it cannot be loaded, or has no chat template.
    """
    from transformers import AutoTokenizer

    source = _source(table)
    try:
        tokenizer = AutoTokenizer.from_pretrained(source.pop("folder"), padding_side="left", **source)
    except (OSError, ValueError, ImportError, RuntimeError, KeyError) as error:
        raise _cannot_load(table.name, error) from error
    if not tokenizer.chat_template:
        raise UsageError(f"model {table.name!r} has no chat template; take an instruct model")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_config(table: ModelTable) -> PretrainedConfig:
    """The configuration of a recipe's model, without its weights.

    Raises:
        UsageError: it cannot be loaded.
    """
    from transformers import AutoConfig

    source = _source(table)
    try:
        config: PretrainedConfig = AutoConfig.from_pretrained(source.pop("folder"), **source)
    except (OSError, ValueError, ImportError, RuntimeError, KeyError) as error:
        raise _cannot_load(table.name, error) from error
    return config


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


def _is_gguf(name: str) -> bool:
    return name.lower().endswith(".gguf")


def _source(table: ModelTable) -> dict[str, Any]:
    """Where transformers finds the model: ``folder``, and the file in it or the revision.

    Raises:
        UsageError: a GGUF file that is not there, or nothing here that reads it.
    """
    check_model_name(table.name)
    if not _is_gguf(table.name):
        if not Path(resolve(table.name)).is_dir():
            look_for_hub()
        return {"folder": resolve(table.name), "revision": table.revision or "main"}
    path = Path(table.name).expanduser()
    if not path.is_file():
        raise UsageError(f"there is no file {str(path)!r}")
    if importlib.util.find_spec("gguf") is None:
        raise UsageError(f'reading {path.name!r} needs a package: pip install "lowres-code[gguf]"')
    return {"folder": str(path.parent), "gguf_file": path.name}


def device_of(table: ModelTable) -> str:
    """Where a recipe's model runs: ``cpu`` or ``cuda``; raises `UsageError` if that is not here."""
    import torch

    if table.device == "cuda" and not torch.cuda.is_available():
        raise UsageError("model.device is 'cuda', and there is no GPU here: --set model.device=cpu")
    return ("cuda" if torch.cuda.is_available() else "cpu") if table.device == "auto" else table.device


def compute_dtype(table: ModelTable, device: str) -> Any:
    """The type of torch's of the numbers that a recipe's model computes with on that device."""
    import torch

    if table.dtype != "auto":
        return getattr(torch, table.dtype)
    if device == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.bfloat16
    return torch.float32


def _dequantized() -> Any:
    """A GGUF file's weights in the model's own dtype."""
    from transformers import GgufConfig

    return GgufConfig(dequantize=True)


def _four_bit(dtype: torch.dtype) -> Any:
    """NF4 with double quantization (QLoRA, arXiv 2305.14314); products are computed in ``dtype``."""
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=dtype
    )


def _trainable(model: PreTrainedModel) -> PreTrainedModel:
    """A quantized model whose layers are not packed anew as soon as they infer something on a CPU.

    bitsandbytes does that where the CPU has products of bfloat16, and has no backward pass for packed layers.
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False
    return model


def _cannot_load(name: str, error: Exception) -> UsageError:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    if name.startswith(("/", ".", "~")) and not Path(name).expanduser().is_dir():
        reason = "there is no such folder"
    near = near_model(name)
    reason = f"{reason.rstrip('.')}; did you mean {near!r}?" if near else reason
    kinds = f"a folder, a .gguf file, a model on the hub, or {POCKET!r}"
    return UsageError(f"model {name!r} cannot be loaded: {reason} ({kinds})")
