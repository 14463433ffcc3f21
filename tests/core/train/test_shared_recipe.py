"""A recipe from elsewhere trains, is kept, and what the run keeps trains again in the same way."""

from __future__ import annotations

import functools
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from lowres_code._util.files import read_json_lines

from tests.conftest import Cli

RECIPE = """
extends = "quickstart"

[[expected]]
metric = "pass_at_1"
stage = "base"
value = 0.18
language = "prolog"

[[expected]]
metric = "pass_at_1"
value = 1.0
language = "prolog"

[data.train]
size = 16

[data.eval]
size = 12

[train]
max_steps = 1
per_device_train_batch_size = 32

[eval]
samples = 1
"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Where the recipe is."""
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "tiny.toml").write_text(RECIPE)
    handler = functools.partial(Quiet, directory=str(tmp_path / "shared"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/tiny.toml"
    server.shutdown()
    server.server_close()


@pytest.mark.slow
def test_a_recipe_from_elsewhere_is_trained_kept_and_trained_again(tmp_path: Path, address: str, cli: Cli) -> None:
    sha256 = hashlib.sha256(RECIPE.encode()).hexdigest()
    first, second = tmp_path / "first", tmp_path / "second"
    done = cli("train", "--lang", "prolog", "--recipe", f"{address}#sha256={sha256}", "--out", first)
    assert done.returncode == 0, done.stderr
    assert f"Recipe from {address}#sha256={sha256}:" in done.stderr
    assert (first / "recipes" / f"{sha256}.toml").read_text() == RECIPE
    kept = json.loads((first / "env.json").read_text())["recipe"]
    assert kept[0] == {"name": address, "sha256": sha256} and kept[1]["name"] == "quickstart"
    outcomes = json.loads((first / "expected.json").read_text())
    assert [outcome["says"] for outcome in outcomes] == ["as expected", "lower than expected"]
    assert "lower than expected: " in done.stdout

    done = cli("train", "--lang", "prolog", "--recipe", first / "recipe.toml", "--out", second)
    assert done.returncode == 0, done.stderr
    assert (second / "recipe.toml").read_text() == (first / "recipe.toml").read_text()
    assert verdicts(second) == verdicts(first)


def verdicts(run: Path) -> list[tuple[str, str]]:
    return [(sample["problem"], sample["verdict"]) for sample in read_json_lines(run / "samples.jsonl")]
