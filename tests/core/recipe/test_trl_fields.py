from __future__ import annotations

import dataclasses
import typing
from typing import Any

import pytest
import trl
from lowres_code.recipe import trl_fields
from lowres_code.recipe.trl_options import BOUNDS, REFUSED, REFUSED_VALUES, SFT_REFUSED, option_errors


@pytest.mark.parametrize("config", [trl.GRPOConfig, trl.SFTConfig])
def test_the_source_is_read_as_python_reads_it(config: Any) -> None:
    hints = typing.get_type_hints(config)
    fields = {field.name for field in dataclasses.fields(config) if field.init}
    read = trl_fields._read(config.__name__)
    assert read.keys() == fields
    for name in fields:
        assert trl_fields.in_words(read[name]) == trl_fields.in_words(hints[name]), name


def test_a_trl_that_is_built_otherwise_is_imported(monkeypatch: object) -> None:
    read = trl_fields.trl_fields()
    trl_fields.trl_fields.cache_clear()
    try:
        with_import = dict(trl_fields._SOURCES)
        trl_fields._SOURCES.clear()
        assert trl_fields.trl_fields().keys() >= read.keys()
        assert option_errors({"max_steps": "many"}) == ["train.max_steps: must be a whole number, got 'many'"]
    finally:
        trl_fields._SOURCES.update(with_import)
        trl_fields.trl_fields.cache_clear()


def test_the_tables_name_options_that_there_are() -> None:
    assert REFUSED.keys() | BOUNDS.keys() | REFUSED_VALUES.keys() <= trl_fields.trl_fields().keys()
    assert not REFUSED.keys() & (BOUNDS.keys() | REFUSED_VALUES.keys())
    own = SFT_REFUSED.keys() - REFUSED.keys()
    assert own <= trl_fields.trl_fields("SFTConfig").keys()


def test_an_option_of_the_supervised_stage_is_looked_up_in_its_own_class() -> None:
    assert option_errors({"packing": True, "max_length": 512}, "sft.train") == []
    [said] = option_errors({"num_generations": 8}, "sft.train")
    assert said.startswith("sft.train.num_generations: TRL")
    [said] = option_errors({"completion_only_loss": False}, "sft.train")
    assert said == (
        "sft.train.completion_only_loss: not for a recipe to set; the examples are made here, of what was judged right"
    )
