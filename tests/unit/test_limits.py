"""Limits outside of what the kernel and the interpreters take are refused wherever they come from."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from lowres_code.errors import UsageError
from lowres_code.judge import Judge
from lowres_code.language.base import LIMIT_BOUNDS, Limits
from lowres_code.language.toml_file import NeedsTable, load_language
from lowres_code.recipe import load_limits

from tests.conftest import PROLOG


def limits_with(name: str, value: Any) -> Limits:
    return dataclasses.replace(Limits(), **{name: value})


def test_every_limit_has_its_bounds() -> None:
    assert set(LIMIT_BOUNDS) == {field.name for field in dataclasses.fields(Limits)}
    assert limits_with("wall_s", 5).wall_s == 5


@pytest.mark.parametrize("name", LIMIT_BOUNDS)
def test_python_is_told_the_bounds(name: str) -> None:
    least, most = LIMIT_BOUNDS[name]
    for value in (most * 2, least - 1, float("nan"), "many"):
        with pytest.raises(UsageError, match=rf"limits.{name} must be an? .* from {least:g} to {most:_}, not"):
            limits_with(name, value)
    with pytest.raises(UsageError, match=f"limits.{name} must"):
        Limits().at_least({name: int(most) + 1})


@pytest.mark.parametrize("name", LIMIT_BOUNDS)
def test_a_recipe_is_told_the_maximum(name: str) -> None:
    with pytest.raises(UsageError, match=rf"limits.{name}: must be at most {LIMIT_BOUNDS[name][1]}"):
        load_limits(None, [f"limits.{name}={10**17}"])
    assert getattr(load_limits(None, [f"limits.{name}={LIMIT_BOUNDS[name][1]}"]), name) == LIMIT_BOUNDS[name][1]


@pytest.mark.parametrize("name", NeedsTable.model_fields)
def test_a_language_file_is_told_the_maximum(name: str, tmp_path: Path) -> None:
    path = tmp_path / "sh.toml"
    path.write_text(f'name = "sh"\nsuffix = ".sh"\nrun = "sh {{file}}"\n[limits]\n{name} = {10**17}\n')
    with pytest.raises(UsageError, match=f"limits.{name}: must be at most {LIMIT_BOUNDS[name][1]}"):
        load_language(path)


@pytest.mark.parametrize("workers", [0, 10**9])
def test_nobody_starts_a_million_workers(workers: int) -> None:
    with pytest.raises(UsageError, match=r"limits.workers: must be at"):
        load_limits(None, [f"limits.workers={workers}"])
    with pytest.raises(UsageError, match="workers must be from 1 to 1000"):
        Judge(PROLOG, workers=workers)
