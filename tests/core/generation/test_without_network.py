"""The hub where there is no network: what it has given before is used at once, and nobody waits for the rest."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from lowres_code.generation.models import POCKET_FOLDER

SCRIPT = """
import socket
inner, asked = socket.getaddrinfo, []

def getaddrinfo(host, *more, **named):
    asked.append(host)
    return inner(host, *more, **named)

socket.getaddrinfo = getaddrinfo
import datasets
from lowres_code.errors import UsageError
from lowres_code.generation.models import load_config, load_model, load_tokenizer
from lowres_code.recipe.schema import ModelTable
from lowres_code.sources.data_sets import Dataset

load_model(ModelTable(name="pocket"))
print(asked)
table = ModelTable(name="somebody/tiny")
print(load_config(table).model_type, len(load_tokenizer(table)), load_model(table).num_parameters())
for what in (
    lambda: load_config(ModelTable(name="somebody/other")),
    lambda: Dataset().load({"path": "somebody/questions"}, "train", 9, 0),
):
    try:
        what()
    except UsageError as error:
        print(error)
print(asked)
"""


def test_what_the_hub_has_given_before_is_used_and_the_rest_is_not_waited_for(tmp_path: Path) -> None:
    cached = tmp_path / "hub" / "models--somebody--tiny"
    commit = "0123456789abcdef0123456789abcdef01234567"
    shutil.copytree(POCKET_FOLDER, cached / "snapshots" / commit)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(commit)
    nowhere = {"HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path), "HF_ENDPOINT": "https://hub.invalid"}
    without = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=without | nowhere, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr
    before, shape, model, data, after = done.stdout.splitlines()
    assert before == "[]"  # the embedded model is nobody else's
    assert shape.split()[0] == "qwen2" and int(shape.split()[2]) > 900_000
    assert model.startswith("model 'somebody/other' cannot be loaded: We couldn't connect to 'https://hub.invalid'")
    assert data.startswith("data set 'somebody/questions' cannot be loaded: ")
    assert after == str(["hub.invalid"] * 3)  # tries, and then it is known
    assert done.stderr.count("https://hub.invalid cannot be reached (") == 1
