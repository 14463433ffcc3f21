"""What ``[train]`` and ``[sft.train]`` may say: options of the installed TRL, less those that are no recipe's.

They are said in tables, and each option is looked at by itself. What goes wrong only together with others, or in TRL's
own hands, is found by the trial step that a run begins with (`lowres_code.train.arguments`).
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from lowres_code._util.toml_errors import error_message
from lowres_code.errors import near_match
from lowres_code.recipe.trl_fields import in_words, trl_fields

# What is decided elsewhere, or would be taken and ignored, and why.
REFUSED: dict[str, str] = {
    "output_dir": "use --out",
    **dict.fromkeys(("seed", "data_seed"), "use --seed"),
    "resume_from_checkpoint": "use --resume",
    "reward_weights": "use [reward]",
    **dict.fromkeys(("model_init_kwargs", "trust_remote_code"), "use [model]"),
    **dict.fromkeys(
        (
            *("logging_strategy", "logging_steps", "logging_first_step"),
            *("trackio_space_id", "trackio_bucket_id", "trackio_static_space_id"),
        ),
        "every step is logged, in metrics.jsonl and where train.report_to says",
    ),
    **dict.fromkeys(("disable_tqdm", "log_level"), "progress is shown by lowres-code itself"),
    "include_num_input_tokens_seen": "metrics.jsonl has num_tokens",
    "log_multimodal": "there are no images",
    **dict.fromkeys(
        (
            *("push_to_hub", "hub_token", "hub_private_repo", "hub_model_id", "hub_strategy", "hub_always_push"),
            *("hub_revision", "log_completions_hub_repo"),
        ),
        "a run stays on its machine",
    ),
    **dict.fromkeys(("do_train", "do_eval", "do_predict"), "a run always evaluates, trains and evaluates again"),
    **dict.fromkeys(
        (
            *("eval_strategy", "eval_steps", "eval_delay", "eval_on_start", "eval_accumulation_steps"),
            *("eval_do_concat_batches", "eval_use_gather_object", "batch_eval_metrics", "include_for_metrics"),
            *("per_device_eval_batch_size", "num_generations_eval", "prediction_loss_only"),
            *("bf16_full_eval", "fp16_full_eval"),
            *("load_best_model_at_end", "metric_for_best_model", "greater_is_better"),
        ),
        "held-out problems are asked before and after training, as [eval] says",
    ),
    **dict.fromkeys(("label_names", "label_smoothing_factor"), "GRPO has no labels"),
    **dict.fromkeys(
        (
            *("local_rank", "log_level_replica", "log_on_each_node", "save_on_each_node", "accelerator_config"),
            *("ddp_backend", "ddp_broadcast_buffers", "ddp_bucket_cap_mb", "ddp_find_unused_parameters"),
            *("ddp_static_graph", "ddp_timeout", "average_tokens_across_devices"),
            *("deepspeed", "ds3_gather_for_generation", "fsdp", "fsdp_config", "parallelism_config"),
        ),
        "a run trains in one process",
    ),
    "remove_unused_columns": "the judge needs every column",
    **dict.fromkeys(("train_sampling_strategy", "length_column_name"), "problems of like length share a batch anyway"),
    **dict.fromkeys(
        ("save_only_model", "enable_jit_checkpoint", "restore_callback_states_from_checkpoint"),
        "checkpoints are whole, so that a run can go on",
    ),
    "chat_template_kwargs": "training and evaluation must ask alike",
    "max_tool_calling_iterations": "no tools are called",
    "use_transformers_paged": "use train.use_transformers_continuous_batching",
    "vllm_importance_sampling_cap": "use train.vllm_importance_sampling_clip_max",
}

_HERE = "the examples are made here, of what was judged right"
_TO_SFT = ("label_smoothing_factor", "train_sampling_strategy", "length_column_name")  # GRPO alone has no use for them
SFT_REFUSED: dict[str, str] = {
    **{name: reason for name, reason in REFUSED.items() if name not in _TO_SFT},
    **dict.fromkeys(
        (
            *("dataset_text_field", "dataset_kwargs", "remove_unused_columns", "eval_packing", "label_names"),
            *("completion_only_loss", "assistant_only_loss", "chat_template_path", "eos_token", "pad_token"),
        ),
        _HERE,
    ),
    **dict.fromkeys(
        ("save_strategy", "save_steps", "save_total_limit", "save_only_model"),
        "a stage that was stopped trains again, from its recorded examples",
    ),
}
REFUSED_VALUES: dict[str, dict[Any, str]] = {
    "max_steps": {0: "at least one step, or -1: as many as num_train_epochs says"},
    "auto_find_batch_size": {True: "GRPO needs whole groups of completions"},
    "save_strategy": {"best": "held-out problems are not asked while training"},
}

_COUNT = dict.fromkeys(
    (
        *(
            "per_device_train_batch_size",
            "gradient_accumulation_steps",
            "generation_batch_size",
            "steps_per_generation",
        ),
        *("max_completion_length", "num_iterations", "save_total_limit", "torch_empty_cache_steps"),
        *("dataloader_prefetch_factor", "ref_model_sync_steps", "num_completions_to_print"),
        *("vllm_tensor_parallel_size", "vllm_max_model_length"),
    ),
    Field(ge=1, lt=2**31),
)
_NOT_NEGATIVE = dict.fromkeys(
    (
        *("learning_rate", "weight_decay", "adam_epsilon", "max_grad_norm", "neftune_noise_alpha"),
        *("top_k", "beta", "epsilon", "epsilon_high", "router_aux_loss_coef"),
        *("vespo_k_pos", "vespo_k_neg", "vespo_lambda_pos", "vespo_lambda_neg"),
        *("entropy_coef", "entropy_coef_min", "entropy_coef_max", "entropy_coef_delta", "entropy_target"),
    ),
    Field(ge=0),
)
_POSITIVE = dict.fromkeys(
    (
        *("save_steps", "temperature", "repetition_penalty", "delta"),
        *("sapo_temperature_neg", "sapo_temperature_pos", "off_policy_mask_threshold"),
        *("vllm_server_timeout", "vllm_importance_sampling_clip_max"),
    ),
    Field(gt=0),
)
BOUNDS: dict[str, Any] = {
    **_COUNT,
    **_NOT_NEGATIVE,
    **_POSITIVE,
    **dict.fromkeys(("adam_beta1", "adam_beta2"), Field(ge=0, lt=1)),
    **dict.fromkeys(("top_p", "vllm_gpu_memory_utilization"), Field(gt=0, le=1)),
    **dict.fromkeys(("min_p", "ref_model_mixup_alpha", "top_entropy_quantile"), Field(ge=0, le=1)),
    **dict.fromkeys(("vllm_server_port", "vllm_group_port"), Field(ge=1, le=65535)),
    "num_train_epochs": Field(gt=0, le=10**6),
    "warmup_steps": Field(ge=0, lt=2**31),
    "dataloader_num_workers": Field(ge=0, le=128),
    "pad_to_multiple_of": Field(ge=1, le=4096),
    "max_steps": Field(ge=-1, lt=2**31),
    "num_generations": Field(ge=2, lt=2**31),
}


TABLES: dict[str, tuple[str, dict[str, str]]] = {  # of each table: TRL's class, and what a recipe may not set of it
    "train": ("GRPOConfig", REFUSED),
    "sft.train": ("SFTConfig", SFT_REFUSED),
}


def option_errors(options: Mapping[str, Any], table: str = "train") -> list[str]:
    """What is wrong with ``[train]`` or ``[sft.train]``, a line each, as far as each option by itself can tell."""
    return [f"{table}.{name}: {error}" for name, value in options.items() if (error := _error(name, value, table))]


def _error(name: str, value: object, table: str) -> str | None:
    config, refused = TABLES[table]
    known = trl_fields(config)
    if name in refused:
        return f"not for a recipe to set; {refused[name]}"
    if name not in known:
        trl = f"TRL {importlib.metadata.version('trl')}"
        return f"{trl} has no such option; {near_match(name, known.keys() - refused.keys())}"
    if not _fits(value, known[name]):
        return f"must be {in_words(known[name])}, got {value!r}"
    if isinstance(value, (bool, int, str)) and value in REFUSED_VALUES.get(name, {}):
        return f"{value!r} cannot be used; {REFUSED_VALUES[name][value]}"
    return _out_of_bounds(name, value)


def _fits(value: object, hint: Any) -> bool:
    adapter = TypeAdapter(hint, config=ConfigDict(arbitrary_types_allowed=True))
    try:
        adapter.validate_python(value, strict=True)
    except ValidationError:
        return False
    return True


def _out_of_bounds(name: str, value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    bound = BOUNDS.get(name, Field(ge=-(2**63), lt=2**63))
    number: TypeAdapter[float] = TypeAdapter(
        Annotated[int, bound] if isinstance(value, int) else Annotated[float, bound, Field(allow_inf_nan=False)]
    )
    try:
        number.validate_python(value)
    except ValidationError as error:
        return error_message(error.errors()[0])
    return None
