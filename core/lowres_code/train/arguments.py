"""From a recipe's ``[train]`` to TRL's ``GRPOConfig``, checked against the TRL that is installed."""

from __future__ import annotations

import dataclasses
import typing
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from lowres_code.errors import UsageError, near_match

if TYPE_CHECKING:
    from trl import GRPOConfig

OURS = {
    "output_dir": "use --out",
    "seed": "use --seed",
    "reward_weights": "use [reward]",
    "logging_steps": "every step is logged",
    "report_to": "metrics.jsonl holds the metrics",
    "push_to_hub": "a run stays on its machine",
    "log_completions_hub_repo": "a run stays on its machine",
    "disable_tqdm": "progress is shown by lowres-code itself",
}


def grpo_config(options: Mapping[str, Any], checkpoints: Path, seed: int, reward_weights: list[float]) -> GRPOConfig:
    """TRL's configuration of a run.

    Raises:
        UsageError: with every option that the installed TRL does not know, or whose value it refuses.
    """
    import torch
    from trl import GRPOConfig

    errors = option_errors(options)
    if errors:
        raise UsageError("\n  ".join(["[train] has options that cannot be used:", *errors]))
    defaults: dict[str, Any] = {} if torch.cuda.is_available() else {"bf16": False, "use_cpu": True}
    defaults["shuffle_dataset"] = False  # `lowres_code.train.batching` does it
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return GRPOConfig(
                **{**defaults, **options},
                output_dir=str(checkpoints),
                seed=seed,
                reward_weights=reward_weights,
                logging_steps=1,
                report_to="none",
                disable_tqdm=True,
            )
    except (TypeError, ValueError, ZeroDivisionError) as error:
        raise UsageError(f"[train] is refused by TRL: {error}") from error


def option_errors(options: Mapping[str, Any]) -> list[str]:
    """What is wrong with ``[train]``, a line each."""
    import trl

    known = {field.name for field in dataclasses.fields(trl.GRPOConfig) if field.init}
    hints = typing.get_type_hints(trl.GRPOConfig)
    errors = []
    for name, value in options.items():
        if name in OURS:
            errors.append(f"train.{name}: not for a recipe to set; {OURS[name]}")
        elif name not in known:
            errors.append(f"train.{name}: TRL {trl.__version__} has no such option; {near_match(name, known)}")
        elif not _fits(value, hints[name]):
            errors.append(f"train.{name}: {value!r} is no {getattr(hints[name], '__name__', hints[name])}")
    return errors


def _is_scalar(hint: Any) -> bool:
    """Plain types are taken as they are; others, such as names of schedules, may be converted."""
    return set(typing.get_args(hint) or (hint,)) <= {int, float, bool, str, type(None)}


def _fits(value: object, hint: Any) -> bool:
    try:
        TypeAdapter(hint, config=ConfigDict(arbitrary_types_allowed=True)).validate_python(
            value, strict=_is_scalar(hint)
        )
    except ValidationError:
        return False
    return True
