"""What a training step takes: memory and seconds, by formulas whose assumptions are stated here.

Memory of one process, in bytes: weights; gradients and optimizer states of what is trained; a second model where TRL
keeps one (``beta`` above 0 without adapters); and the larger of generating (the cache of keys and values) and of
training on one batch (activations as in arXiv 2205.05198, 34 bytes a token, hidden unit and layer in 16 bits, or one
sixteenth of them and one layer with gradient checkpointing; logits of the completion, twice, in 32 bits).

Seconds: 2 operations for each parameter and token to read a prompt, 2 to write one at 30 % of the speed, 6 to train on
it (arXiv 2001.08361); the speed is that of a matrix product on this machine as it is now, measured. Against what was
measured on two quiet CPU cores with Qwen2.5-Coder-0.5B these formulas are some 5 % low.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lowres_code.recipe.schema import LoraTable, Recipe

if TYPE_CHECKING:
    from transformers import PretrainedConfig

DECODE_SPEED = 0.3  # of a matrix product's, with batches as they are in training
_FEWEST = 10  # matrix products that are timed: on a busy machine most are slowed down
_ACTIVATION_BYTES = 34  # for each token, hidden unit and layer, in 16 bits


@dataclass(frozen=True, slots=True)
class Sizes:
    """A model's. ``cache`` is how many numbers the cache holds for each token."""

    parameters: int
    trainable: int
    layers: int
    hidden: int
    vocabulary: int
    cache: int


@dataclass(frozen=True, slots=True)
class Step:
    """One generation and what is trained on it.

    Attributes:
        completions: that are generated together; batch: completions in one forward and backward pass.
        prompt, completion: tokens; told: tokens that a model reads between its turns.
        weight_bytes: of one parameter; bytes: of one number that is computed with.
        optimizer_bytes: of the states of one parameter that is trained.
    """

    completions: int
    batch: int
    prompt: int
    completion: int
    weight_bytes: float
    bytes: int
    optimizer_bytes: int = 8
    checkpointing: bool = True
    reference: bool = False
    told: int = 0


def memory_bytes(sizes: Sizes, step: Step) -> float:
    """Memory of a step, as this module says."""
    tokens = step.prompt + step.told + step.completion
    weights = sizes.parameters * step.weight_bytes * (2 if step.reference else 1)
    trained = sizes.trainable * (step.bytes + step.optimizer_bytes)
    generating = step.completions * tokens * sizes.cache * step.bytes
    each = step.batch * tokens * sizes.hidden * _ACTIVATION_BYTES * step.bytes / 2
    layers = sizes.layers / 16 + 1 if step.checkpointing else sizes.layers
    logits = 2 * step.batch * (step.told + step.completion) * sizes.vocabulary * 4
    return weights + trained + max(generating, each * layers + logits)


def step_seconds(sizes: Sizes, step: Step, speed: float) -> float:
    """Seconds of a step, as this module says; ``speed`` in operations a second."""
    read, written = step.completions * (step.prompt + step.told), step.completions * step.completion
    return sizes.parameters * (2 * read + 2 * written / DECODE_SPEED + 6 * (read + written)) / speed


def sizes_of(config: PretrainedConfig, lora: LoraTable | None) -> Sizes:
    """A model's sizes from its configuration, without its weights."""
    import torch
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    text = config.get_text_config()
    head = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
    linear = [module for module in model.modules() if isinstance(module, torch.nn.Linear)]
    adapters = sum(it.in_features + it.out_features for it in linear if it.out_features != text.vocab_size)
    parameters = int(model.num_parameters())
    return Sizes(
        parameters=parameters,
        trainable=lora.r * adapters if lora else parameters,
        layers=text.num_hidden_layers,
        hidden=text.hidden_size,
        vocabulary=text.vocab_size,
        cache=2 * text.num_hidden_layers * heads * head,
    )


def step_of(recipe: Recipe, arguments: Any, prompt: int, dtype: Any) -> Step:
    """A recipe's step; ``arguments`` are TRL's, ``prompt`` is the longest prompt in tokens, ``dtype`` torch's."""
    optimizer = str(getattr(arguments.optim, "value", arguments.optim))
    return Step(
        completions=arguments.generation_batch_size,
        batch=arguments.per_device_train_batch_size,
        prompt=prompt,
        completion=recipe.rollout.turns * arguments.max_completion_length,
        told=_told_tokens(recipe),
        weight_bytes=0.55 if recipe.model.load_in_4bit else dtype.itemsize,
        bytes=dtype.itemsize,
        optimizer_bytes=2 if "8bit" in optimizer else 8,
        checkpointing=bool(arguments.gradient_checkpointing),
        reference=arguments.beta > 0 and recipe.lora is None,
    )


def _told_tokens(recipe: Recipe) -> int:
    """Of what a model is told between its turns, at most; three characters are a token."""
    return (recipe.rollout.turns - 1) * (recipe.rollout.longest + len(recipe.rollout.feedback)) // 3


def matrix_speed(device: str, dtype: Any, seconds: float = 0.2) -> float:
    """Operations a second of a matrix product here, the best of as many as fit into that time, and of ten at least."""
    import torch

    size = 4096 if device == "cuda" else 768
    left, right = (torch.ones(size, size, device=device, dtype=dtype) for _ in range(2))
    best, count, began = float("inf"), 0, time.monotonic()
    while time.monotonic() - began < seconds or count < _FEWEST:
        count += 1
        start = time.perf_counter()
        product = left @ right
        float(product[0, 0])  # waits for a GPU
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best


def free_memory(device: str) -> int | None:
    """Bytes that a process could have now; ``None`` where the system does not tell."""
    import torch

    if device == "cuda":
        return int(torch.cuda.mem_get_info()[0])
    try:
        lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines())
        return int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, LookupError, ValueError):
        return None
