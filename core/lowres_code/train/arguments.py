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
_OF_A_MACHINE: Mapping[str, Any] = {  # options that need a package or a GPU, and what is tried in their place elsewhere
    **{"optim": "adamw_torch", "optim_args": None, "tf32": None},
    **{"use_vllm": False, "use_liger_kernel": False, "report_to": "none"},
}


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
    _must_be_usable(options, "train")
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
    _must_be_usable(options, "sft.train")
    sft_trial_step(lambda changes, place: _sft_config({**options, **changes}, place, seed))
    return _sft_config(options, folder, seed)


def check_options(recipe: Recipe) -> list[str]:
    """See that TRL takes what a recipe says; but for what needs a package or a GPU, which the run's machine may have.

    Returns:
        The options that were not tried for that reason.

    Raises:
        UsageError: it refuses something.
    """
    tables = {"train": recipe.train} | ({"sft.train": recipe.sft.train} if recipe.sft else {})
    for table, options in tables.items():
        _must_be_usable(options, table, here=False)
        _try_elsewhere(options, table, recipe.reward_weights())
    return [f"{table}.{name}" for table, options in tables.items() for name in _untried(options)]


def _try_elsewhere(options: Mapping[str, Any], table: str, reward_weights: list[float]) -> None:
    """A trial step without what may not be on this machine, and TRL's configuration with all that it only reads."""
    plain = {**options, **{name: _OF_A_MACHINE[name] for name in _untried(options)}}
    read = {name: value for name, value in options.items() if name != "tf32"}
    with TemporaryDirectory(prefix="lowres-code-") as name:
        if table == "train":
            trial_step(lambda changes, folder: _config({**plain, **changes}, folder, 0, [1.0]))
            _config(read, Path(name), 0, reward_weights)
        else:
            sft_trial_step(lambda changes, folder: _sft_config({**plain, **changes}, folder, 0))
            _sft_config(read, Path(name), 0)


def _untried(options: Mapping[str, Any]) -> list[str]:
    """The options that ask for something that not every machine has."""
    return [name for name, plain in _OF_A_MACHINE.items() if options.get(name) not in (None, False, plain)]


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
        raise UsageError(f"[{table}] is refused by TRL: {_reason(error, options)}") from error


def _reason(error: Exception, options: Mapping[str, Any]) -> str:
    """What TRL complains of; and of a number that the recipe does not name, what it comes from."""
    said = str(error) or type(error).__name__
    if "generation_batch_size (" not in said or options.get("generation_batch_size") is not None:
        return said
    factor = "steps_per_generation" if options.get("steps_per_generation") else "gradient_accumulation_steps"
    return f"{said.rstrip('.')} (it is train.per_device_train_batch_size x train.{factor} x processes)"


def _must_be_usable(options: Mapping[str, Any], table: str, here: bool = True) -> None:
    """Raises `UsageError` with all that is wrong; ``here``: that the packages are missing, too."""
    missing = [*_missing_packages(options, table)] if here else []
    errors = option_errors(options, table) or [
        *(*missing, *_tracker_errors(options, table, here), *_generation_errors(options))
    ]
    if errors:
        raise UsageError("\n  ".join([f"[{table}] has options that cannot be used:", *errors]))


def _missing_packages(options: Mapping[str, Any], table: str) -> Iterator[str]:
    for name, package in _PACKAGES.items():
        if options.get(name) and importlib.util.find_spec(package.replace("-", "_")) is None:
            yield f"{table}.{name}: needs {package}, which is not installed: pip install {package}"


def _tracker_errors(options: Mapping[str, Any], table: str, here: bool) -> Iterator[str]:
    asked = options.get("report_to") or "none"
    for name in [asked] if isinstance(asked, str) else asked:
        if name == "none":
            continue
        if name not in _TRACKERS:
            yield f"{table}.report_to: no tracker {name!r}; {near_match(str(name), ('none', *_TRACKERS))}"
        elif here and importlib.util.find_spec(name) is None:
            yield f"{table}.report_to: needs {name}, which is not installed: pip install {name}"


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
