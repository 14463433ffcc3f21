"""What is exported is what was measured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from click.testing import Result
from lowres_code.errors import UsageError
from lowres_code.generation.models import load_adapter, load_model, load_tokenizer
from lowres_code.recipe import find_recipe, load_recipe
from lowres_code.recipe.schema import LoraTable
from lowres_code.runs.directory import RunDirectory
from lowres_code.runs.export import export, push
from lowres_code.runs.trained import trained_model
from lowres_code.train.adapters import lora_config
from peft import get_peft_model


@pytest.fixture
def run(tmp_path: Path, tiny_model: Path) -> RunDirectory:
    """A run that has come to its end, with an adapter that changes something."""
    recipe = load_recipe(find_recipe("quickstart"), [f"model.name={tiny_model}", "lora.r=4"])
    run = RunDirectory.create(tmp_path / "run", recipe, {"seed": 0, "language": "prolog"})
    model = get_peft_model(load_model(recipe.model), lora_config(LoraTable(r=4), load_model(recipe.model)))
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.5)
    model.save_pretrained(run.adapter)
    load_tokenizer(recipe.model).save_pretrained(run.adapter)
    (run.adapter / "training_args.bin").write_bytes(b"a pickle")
    run.set_status("done", 2, 2)
    return run


def written(model: object) -> torch.Tensor:
    with torch.no_grad():
        logits: torch.Tensor = model(torch.tensor([[1, 2, 3, 4]])).logits  # type: ignore[operator]
    return logits


def test_merged_is_the_model_that_was_measured(run: RunDirectory, tmp_path: Path) -> None:
    table, adapter = trained_model(run)
    assert adapter is not None
    measured = written(load_adapter(load_model(table), adapter))
    assert not torch.allclose(measured, written(load_model(table)), atol=1e-3)
    out = export(run, tmp_path / "out", "merged")
    table = table.model_copy(update={"name": str(out)})
    assert torch.equal(written(load_model(table)), measured)
    assert load_tokenizer(table).chat_template
    assert "library_name: transformers" in (out / "README.md").read_text()


def test_an_adapter_is_copied_as_it_was_saved(run: RunDirectory, invoke: Callable[..., Result]) -> None:
    said = invoke("export", run.path)
    assert said.exit_code == 0, said.output
    out = run.path / "export"
    assert (out / "adapter_model.safetensors").read_bytes() == (run.adapter / "adapter_model.safetensors").read_bytes()
    assert "library_name: peft" in (out / "README.md").read_text()
    assert not (out / "training_args.bin").exists()
    again = invoke("export", run.path)
    assert (again.exit_code, "is there already" in again.output) == (2, True)


def test_what_cannot_be_exported_is_said(run: RunDirectory, tmp_path: Path, invoke: Callable[..., Result]) -> None:
    run.adapter.rename(run.path / "elsewhere")
    with pytest.raises(UsageError, match="no trained model yet"):
        export(run, tmp_path / "out")
    run.model.mkdir()
    with pytest.raises(UsageError, match="trained all weights, and has no adapter"):
        export(run, tmp_path / "out", "adapter")
    assert invoke("export", run.path, "--merged", "--adapter").exit_code == 2
    with pytest.raises(UsageError, match="--push takes OWNER/NAME, not 'name'"):
        push(tmp_path, "name")
    with pytest.raises(UsageError, match=r"cannot push to 'owner/name': .*it is in"):  # tests are offline
        push(tmp_path, "owner/name")
    assert not (tmp_path / "out").exists()
