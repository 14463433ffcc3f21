"""What a recipe from elsewhere may not be, and what it may not say."""

from __future__ import annotations

from pathlib import Path

import pytest
from lowres_code.recipe import load_recipe, open_recipe

from tests.recipe_server import SMALL, Server, refused


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"#" * (64 * 1024) + b"\n", "is too long: over 65536 bytes"),
        (b'[model]\nname = "\xff"', "is not UTF-8 text"),
        (b'# \x1b[2J hidden\nextends = "quickstart"\n', r"a character that is not shown: '\x1b'"),
        ('# \u202e right to left\nextends = "quickstart"\n'.encode(), r"a character that is not shown: '\u202e'"),
        (b"<!DOCTYPE html><html></html>", "not TOML"),
        (b"[a" + b".a" * 900 + b"]\n", "over 32 tables and lists stand in each other"),
        (b"a" + b".a" * 30_000 + b" = 1\n", "cannot read recipe"),
        (b"a = " + b"[" * 200 + b"]" * 200, "over 32 tables and lists stand in each other"),
        (b'extends = "../../etc/passwd"\n', "there is no recipe '../../etc/passwd'"),
        (b'extends = "/etc/r.toml"\n', "HTTP status 404"),
        (b'extends = "file:///etc/r.toml"\n', "cannot be had: addresses are https://"),
        (b'extends = "https://example.org/r.toml"\n', "not of its own kind"),
        (b'extends = "hf://owner/repo/r.toml"\n', "not of its own kind"),
        (b'extends = "r.toml"\n', "not go in a circle"),
        (b'extends = ""\n', "must name one recipe"),
    ],
)
def test_hostile_texts(text: bytes, said: str, server: Server) -> None:
    server.answers["/r.toml"] = text
    assert said in refused(f"{server.url}/r.toml")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('[model]\nname = "/home/me/model"', "model.name: '/home/me/model' names a file"),
        ('[model]\nname = "../model"', "model.name"),
        (f'[model]\nname = "{"n" * 300}"', "model.name"),
        ('[model]\nname = "~/model"', "model.name"),
        ('[model]\nname = "here"', "model.name"),
        ('[model]\nname = "a/model.gguf"', "model.name"),
        ('[model]\nname = "file:///model"', "model.name"),
        ('[data.train]\nsource = "file"\npath = "secret.jsonl"\nsize = 1', "data.train.path: 'secret.jsonl' names"),
        ('[data.train]\nsource = "dataset"\npath = "/etc"\nsize = 1', "data.train.path"),
        ('[data.train]\nsource = "dataset"\npath = "./d"\nsize = 1', "data.train.path"),
        ('[data.train]\nsource = "dataset"\npath = "here"\nsize = 1', "data.train.path"),
        ('[data.train]\nsource = "dataset"\npath = "json"\ndata_files = "/etc/x"\nsize = 1', "data.train.data_files"),
        ('[data.train]\nsource = "dataset"\npath = "json"\ndata_files = "x.jsonl"\nsize = 1', "data.train.data_files"),
        (
            '[data.train]\nsource = "dataset"\npath = "json"\ndata_files = "file:///x"\nsize = 1',
            "data.train.data_files",
        ),
        (
            '[data.train]\nsource = "dataset"\npath = "json"\ndata_files = "zip://x::/etc/x.zip"\nsize = 1',
            "data.train.data_files",
        ),
        (
            '[data.train]\nsource = "dataset"\npath = "o/r"\ndata_files = "../../x"\nsize = 1',
            "data.train.data_files",
        ),
        ('[data.eval]\nsource = "file"\npath = "secret.jsonl"\nsize = 1', "data.eval.path"),
        ('[data.eval]\nsource = "unheard-of"\nwhere = "/etc"\nsize = 1', "data.eval.where"),
        ('[limits]\nisolation = "limits"', "limits.isolation: 'limits' takes the isolation away"),
        ('[train]\nvllm_server_base_url = "http://evil.example"', "train.vllm_server_base_url"),
        ("[train]\npush_to_hub = true", "train.push_to_hub"),
        ('[train]\nhub_model_id = "evil"', "train.hub_model_id"),
        ('[train]\nreport_to = "wandb"', "train.report_to"),
        ('[train]\ndeepspeed = "ds.json"', "train.deepspeed"),
        ('[sft]\nendpoint = "evil.example"', "sft.endpoint"),
        ('[sft]\nfrom = "https://evil.example/v1"', "sft.from"),
        ('[sft]\nfrom = "a/../../b"', "sft.from"),
        ('[recipe]\ndescription = "\\u001b[2J"', "recipe.description': holds a character that is not shown"),
        ('["\\u001b[2J"]\nx = 1', "holds a character that is not shown"),
    ],
)
def test_what_a_recipe_from_elsewhere_may_not_say(
    table: str, said: str, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path)
    server.answers["/r.toml"] = f'extends = "quickstart"\n{table}\n'.encode()
    message = refused(f"{server.url}/r.toml")
    assert "is from elsewhere and may not say:" in message
    assert said in message and "recipe copy" in message
    assert "\x1b" not in message
    assert len(message.splitlines()) < 10


@pytest.mark.parametrize(
    "table",
    [
        '[model]\nname = "Qwen/Qwen2.5-Coder-0.5B-Instruct"',
        '[data.train]\nsource = "dataset"\npath = "openai/gsm8k"\nconfig = "main"\nanswer_after = "####"\nsize = 9',
        '[data.train]\nsource = "dataset"\npath = "json"\ndata_files = "https://example.org/a/b.jsonl"\nsize = 9',
        '[data.train]\nsource = "dataset"\npath = "json"\ndata_files = "hf://datasets/o/r@main/b.jsonl"\nsize = 9',
        '[data.train]\nsource = "dataset"\npath = "o/r"\ndata_files = "data/train-*.parquet"\nsize = 9',
        '[limits]\nisolation = "namespaces"',
        "[data.train.weights]\ngcd = 2",
        '[prompt]\nsystem = "See https://example.org/x or /usr/bin: {guidance}"',
    ],
)
def test_what_a_recipe_from_elsewhere_may_say(table: str, server: Server) -> None:
    server.answers["/r.toml"] = f'extends = "quickstart"\n{table}\n'.encode()
    load_recipe(open_recipe(f"{server.url}/r.toml"))


def test_who_uses_it_may_say_it(server: Server, tmp_path: Path) -> None:
    server.answers["/r.toml"] = SMALL
    overrides = [
        f"model.name={tmp_path}",
        "limits.isolation=limits",
        "data.eval.source=file",
        "data.eval.path=own.jsonl",
    ]
    recipe = load_recipe(open_recipe(f"{server.url}/r.toml"), overrides)
    assert (recipe.model.name, recipe.limits.isolation) == (str(tmp_path), "limits")
