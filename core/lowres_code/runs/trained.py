"""The model that a run has trained, as it was saved: whoever measures it measures what can be given away."""

from __future__ import annotations

from pathlib import Path

from lowres_code.errors import UsageError
from lowres_code.recipe.schema import ModelTable
from lowres_code.runs.directory import RunDirectory


def trained_model(run: RunDirectory) -> tuple[ModelTable, Path | None]:
    """The model's table, and the folder of its adapter if it was trained as one.

    Raises:
        UsageError: the run has not come so far.
    """
    table = run.recipe().model
    if run.model.is_dir():
        return table.model_copy(update={"name": str(run.model), "revision": None}), None
    if run.adapter.is_dir():
        return table, run.adapter
    status = run.status()
    raise UsageError(
        f"the run in {str(run.path)!r} has no trained model yet ({status['state']}, step {status['step']} of "
        f"{status['steps']}); go on with: lowres-code train --resume {run.path}"
    )
