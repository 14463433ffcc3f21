from __future__ import annotations

import dataclasses
import typing

import trl
from lowres_code.recipe import trl_fields
from lowres_code.recipe.trl_options import BOUNDS, REFUSED, REFUSED_VALUES, option_errors


def test_the_source_is_read_as_python_reads_it() -> None:
    hints = typing.get_type_hints(trl.GRPOConfig)
    fields = {field.name for field in dataclasses.fields(trl.GRPOConfig) if field.init}
    assert trl_fields._read("GRPOConfig").keys() == fields
    for name in fields:
        assert trl_fields.in_words(trl_fields._read("GRPOConfig")[name]) == trl_fields.in_words(hints[name]), name


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
