"""From a recipe's ``[train]`` and ``[sft.train]`` to TRL's configurations; what TRL would refuse later, is refused."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from lowres_code.errors import UsageError, near_match
from lowres_code.recipe.schema import Recipe
from lowres_code.recipe.trl_fields import trl_fields
from lowres_code.recipe.trl_options import option_errors
from lowres_code.train.trial import sft_trial_step, trial_step

if TYPE_CHECKING:
    from trl import GRPOConfig, SFTConfig

_PACKAGES = {"use_vllm": "vllm", "use_liger_kernel": "liger-kernel"}  # what an option needs
_TRACKERS = ("tensorboard", "trackio", "wandb")  # packages of the same names


def grpo_config(options: Mapping[str, Any], checkpoints: Path, seed: int, reward_weights: list[float]) -> GRPOConfig:
    """TRL's configuration of a run; one step of the embedded model has been made with its options.

    Args:
        options: the recipe's ``[train]``.
        checkpoints: where TRL keeps its checkpoints.
        seed: of the sampling and the training.
        reward_weights: of the reward terms, in their order.

    Raises:
        UsageError: with every option that the installed TRL does not know, or whose value it refuses.
    """
    errors = option_errors(options) or [
        *(*_missing_packages(options), *_tracker_errors(options), *_generation_errors(options))
    ]
    if errors:
        raise UsageError("\n  ".join(["[train] has options that cannot be used:", *errors]))
    trial_step(lambda changes, folder: _config({**options, **changes}, folder, seed, [1.0]))
    return _config(options, checkpoints, seed, reward_weights)


def sft_config(options: Mapping[str, Any], folder: Path, seed: int) -> SFTConfig:
    """TRL's configuration of the supervised stage; one step of the embedded model has been made with its options.

    Args:
        options: the recipe's ``[sft.train]``. Unless it says otherwise, no example is cut.
        folder: of the stage; TRL writes nothing there.
        seed: of the training.

    Raises:
        UsageError: with every option that the installed TRL does not know, or whose value it refuses.
    """
    errors = option_errors(options, "sft.train") or [*_missing_packages(options, "sft.train")]
    if errors:
        raise UsageError("\n  ".join(["[sft.train] has options that cannot be used:", *errors]))
    sft_trial_step(lambda changes, place: _sft_config({**options, **changes}, place, seed))
    return _sft_config(options, folder, seed)


def check_options(recipe: Recipe) -> None:
    """See that TRL takes what a recipe says; but for the optimizer's own package, which may not be on this machine.

    Raises:
        UsageError: it refuses something.
    """
    weights, plain = recipe.reward_weights(), {"optim": "adamw_torch", "optim_args": None}
    with TemporaryDirectory(prefix="lowres-code-") as name:
        folder = Path(name)
        grpo_config({**recipe.train, **plain}, folder, 0, weights)
        _config(recipe.train, folder, 0, weights)
        if recipe.sft:
            sft_config({**recipe.sft.train, **plain}, folder, 0)
            _sft_config(recipe.sft.train, folder, 0)


def _sft_config(options: Mapping[str, Any], folder: Path, seed: int) -> SFTConfig:
    from trl import SFTConfig

    own = {"max_length": None, "save_strategy": "no", **options}
    config: SFTConfig = _made(SFTConfig, "sft.train", own, folder, seed)
    return config


def _config(options: Mapping[str, Any], checkpoints: Path, seed: int, reward_weights: list[float]) -> GRPOConfig:
    from trl import GRPOConfig

    own = {"shuffle_dataset": False, **options, "reward_weights": reward_weights}  # `train.batching` orders the rows
    config: GRPOConfig = _made(GRPOConfig, "train", own, checkpoints, seed)
    return config


def _made(kind: type, table: str, options: Mapping[str, Any], folder: Path, seed: int) -> Any:
    """A configuration of TRL's, with what is the same in all."""
    import torch

    defaults: dict[str, Any] = {} if torch.cuda.is_available() else {"use_cpu": True}
    if not (torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)):
        defaults["bf16"] = False
    defaults["report_to"] = "none"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return kind(
                **{**defaults, **options},
                output_dir=str(folder),
                seed=seed,
                logging_steps=1,
                disable_tqdm=True,
            )
    except Exception as error:  # of any kind: what an option may be is TRL's to say
        raise UsageError(f"[{table}] is refused by TRL: {error or type(error).__name__}") from error


def _missing_packages(options: Mapping[str, Any], table: str = "train") -> Iterator[str]:
    for name, package in _PACKAGES.items():
        if options.get(name) and importlib.util.find_spec(package.replace("-", "_")) is None:
            yield f"{table}.{name}: needs {package}, which is not installed: pip install {package}"


def _tracker_errors(options: Mapping[str, Any]) -> Iterator[str]:
    asked = options.get("report_to") or "none"
    for name in [asked] if isinstance(asked, str) else asked:
        if name == "none":
            continue
        if name not in _TRACKERS:
            yield f"train.report_to: no tracker {name!r}; {near_match(str(name), ('none', *_TRACKERS))}"
        elif importlib.util.find_spec(name) is None:
            yield f"train.report_to: needs {name}, which is not installed: pip install {name}"


def _generation_errors(options: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the keys of ``generation_kwargs``: transformers takes unknown ones and ignores them."""
    from transformers import GenerationConfig

    known = {name for name in vars(GenerationConfig()) if not name.startswith("_")}
    own = {"max_new_tokens": "max_completion_length", "max_length": "max_completion_length"}
    own |= {"num_return_sequences": "num_generations"} | {name: name for name in known & trl_fields().keys()}
    for name in () if options.get("use_vllm") else options.get("generation_kwargs", ()):
        if name in own:
            yield f"train.generation_kwargs.{name}: use train.{own[name]}"
        elif name not in known:
            yield f"train.generation_kwargs.{name}: unknown key; {near_match(name, known - own.keys())}"
