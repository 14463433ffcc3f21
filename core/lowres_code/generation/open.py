"""From the name of a model to the generator that writes with it."""

from __future__ import annotations

from pathlib import Path

from lowres_code.errors import UsageError
from lowres_code.generation.base import Generator
from lowres_code.recipe.schema import ModelTable

URL = ("http://", "https://")


def open_generator(table: ModelTable, batch_size: int | None = None, adapter: Path | None = None) -> Generator:
    """A generator for a recipe's model.

    Args:
        table: the model; its ``name`` may not be a URL, see `open_endpoint`.
        batch_size: samples at a time, where the engine does not choose itself.
        adapter: a folder with a LoRA adapter to merge into it.

    Raises:
        UsageError: it cannot be loaded.
    """
    from lowres_code.generation.models import load_adapter, load_model, load_tokenizer, resolve, shown_name

    name = shown_name(table, adapter)
    if table.engine == "vllm":
        from lowres_code.generation.offline_vllm import VllmGenerator

        if adapter:
            raise UsageError('model.engine = "vllm" cannot merge an adapter: --set model.engine=transformers')
        return VllmGenerator(resolve(table.name), name, table.revision, table.dtype)
    from lowres_code.generation.local import LocalGenerator

    model, tokenizer = load_model(table), load_tokenizer(table)
    return LocalGenerator(load_adapter(model, adapter) if adapter else model, tokenizer, name, batch_size)


def open_endpoint(url: str, model: str | None) -> Generator:
    """A generator for a model behind an OpenAI-compatible endpoint.

    Raises:
        UsageError: ``model`` is missing, or the client is not installed.
    """
    from lowres_code.generation.endpoint import EndpointGenerator, without_credentials

    if not model:
        raise UsageError(f"--model is missing: which model of {without_credentials(url)} to ask")
    return EndpointGenerator(url, model)
