"""The model that a run has trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lowres_code.errors import UsageError
from lowres_code.generation.models import load_adapter, load_model
from lowres_code.runs.directory import RunDirectory

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def load_trained(run: RunDirectory) -> PreTrainedModel:
    """The model that a run has trained.

    Raises:
        UsageError: the run has not come so far, or what it saved cannot be loaded.
    """
    table = run.recipe().model
    if run.model.is_dir():
        return load_model(table.model_copy(update={"name": str(run.model), "revision": None}))
    if run.adapter.is_dir():
        return load_adapter(load_model(table), run.adapter)
    status = run.status()
    raise UsageError(
        f"the run in {str(run.path)!r} has no trained model yet ({status['state']}, step {status['step']} of "
        f"{status['steps']}); go on with: lowres-code train --resume {run.path}"
    )
