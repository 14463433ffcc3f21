"""What a run has trained, as a folder that others can load, with a model card; and on the hub."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from lowres_code._util.files import must_take_folder
from lowres_code.errors import LowresCodeError, UsageError
from lowres_code.runs.card import model_card
from lowres_code.runs.directory import RunDirectory
from lowres_code.runs.trained import trained_model

Form = Literal["merged", "adapter"]
_OF_TRAINING = ("training_args.bin", "README.md")  # a pickle with paths of this machine; a card without content


def export(run: RunDirectory, out: Path, form: Form | None = None) -> Path:
    """Write the trained model to a new folder.

    The weights are those that the run's last evaluation measured: the saved ones, or, merged, the adapter in the base
    model as that evaluation merges it.

    Args:
        run: has come to the end of its training.
        out: the folder; it must not exist.
        form: ``"merged"`` for a whole model, ``"adapter"`` for the adapter alone; by default what the run has saved.

    Raises:
        UsageError: the run has no trained model, none of this form, or the folder is there already.
        LowresCodeError: the folder cannot be written.
    """
    _table, adapter = trained_model(run)
    if form == "adapter" and adapter is None:
        raise UsageError(f"the run in {str(run.path)!r} trained all weights, and has no adapter: leave out --adapter")
    if out.exists():
        raise UsageError(f"{str(out)!r} is there already; choose another --out")
    must_take_folder(out)
    if adapter and form == "merged":
        _whole(out, lambda folder: _merge(run, folder), model_card(run, adapter=False))
    else:
        saved, left_out = adapter or run.model, shutil.ignore_patterns(*_OF_TRAINING)
        _whole(
            out,
            lambda folder: shutil.copytree(saved, folder, ignore=left_out),
            model_card(run, adapter=adapter is not None),
        )
    return out


def check_hub_name(name: str) -> None:
    """Raises `UsageError` if a model cannot be called so on the hub."""
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        raise UsageError(f"--push takes OWNER/NAME, not {name!r}")


def push(folder: Path, name: str) -> str:
    """Upload a folder to the Hugging Face hub as the model ``OWNER/NAME``, which is private if it is new.

    Returns:
        Its address.

    Raises:
        UsageError: the name is not of this form, or the hub refuses.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError, OfflineModeIsEnabled

    check_hub_name(name)
    hub = HfApi()
    try:
        hub.create_repo(name, private=True, exist_ok=True)
        return str(hub.upload_folder(repo_id=name, folder_path=folder, commit_message="Upload by lowres-code"))
    except (HfHubHTTPError, HFValidationError, LocalTokenNotFoundError, OfflineModeIsEnabled, OSError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UsageError(
            f"cannot push to {name!r}: {reason} (log in: hf auth login); it is in {str(folder)!r}"
        ) from error


def _whole(out: Path, write: Callable[[Path], object], card: str) -> None:
    """Write beside the place, and move it there whole."""
    partial = out.with_name(f".{out.name}-partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.parent.mkdir(parents=True, exist_ok=True)
        write(partial)
        (partial / "README.md").write_text(card, encoding="utf-8")
        partial.rename(out)
    except OSError as error:
        raise LowresCodeError(f"cannot export to {str(out)!r}: {error.strerror or error}") from error


def _merge(run: RunDirectory, folder: Path) -> None:
    from lowres_code.generation.models import load_adapter, load_model, load_tokenizer

    table, adapter = trained_model(run)
    if adapter is None:  # cannot be: `export` has looked
        raise UsageError("there is no adapter to merge")
    if table.load_in_4bit:
        raise UsageError(
            "the adapter was trained and measured on a 4-bit base; merged into another it is another model: --adapter"
        )
    load_adapter(load_model(table), adapter).save_pretrained(folder)
    load_tokenizer(table).save_pretrained(folder)
