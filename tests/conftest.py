"""What many tests share: a judge, a tiny model, the command line as a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from lowres_code.cli import main
from lowres_code.judge import Judge
from lowres_code.language.base import EmbeddedLanguage
from lowres_code.plugins.manager import plugin_manager
from lowres_code.problem import Test

signal.signal(
    signal.SIGINT, signal.default_int_handler
)  # a shell's job in the background ignores it, and so its children
os.environ["HF_HUB_OFFLINE"] = "1"  # before anything imports the hub's client: no test needs it

ROOT = Path(__file__).parent.parent


def _prolog() -> EmbeddedLanguage:
    language = plugin_manager().languages["prolog"].thing
    assert isinstance(language, EmbeddedLanguage)
    return language


PROLOG = _prolog()
SHARED = ROOT.parent / "shared" / "data"

# The files that take longest, longest first: with these at the beginning no process is alone at the end.
LONGEST = (
    "tests/core/train/test_session.py",
    "tests/languages/test_backends.py",
    "tests/languages/test_agreement.py",
    "tests/test_docs.py",
    "tests/core/conformance/test_conformance.py",
    "tests/core/pocket/test_pocket.py",
    "tests/core/cli/test_cli.py",
    "tests/languages/test_hostile.py",
    "tests/plugins/test_packages.py",
    "tests/core/train/test_arguments.py",
    "tests/core/evaluation/test_run.py",
)

Cli = Callable[..., "subprocess.CompletedProcess[str]"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with `LONGEST`; the order is otherwise as it was. What is slow may take an hour."""
    places = {ROOT / name: place for place, name in enumerate(LONGEST)}
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.timeout(3600))
    items.sort(key=lambda item: places.get(item.path, len(places)))


@pytest.fixture(scope="session")
def judge() -> Iterator[Judge]:
    with Judge(PROLOG, isolation="namespaces") as judge:
        judge.start()
        yield judge


@pytest.fixture(scope="session")
def isolated(judge: Judge) -> None:
    """Stop here unless a harmless program sees a process namespace of its own and the limits in force."""
    program = (
        ":- use_module(library(readutil)).\n"
        "solve(P-L) :- current_prolog_flag(pid, P), read_file_to_string('/proc/self/limits', L, [])."
    )
    seen = judge.execute([program], [Test()])[0]
    assert seen.isolation == "namespaces"
    assert seen.answer is not None
    pid, _, limits = seen.answer.partition("-")
    assert int(pid) < 100, "no process namespace: hostile programs must not run"
    assert "Max processes             16" in limits


@pytest.fixture(scope="session")
def cli() -> Cli:
    def run(
        *arguments: object, stdin: str = "", cwd: Path | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "lowres_code", *map(str, arguments)],
            input=stdin,
            cwd=cwd,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """The command line in this process: the same commands, without the seconds that importing torch takes."""

    def run(*arguments: object, stdin: str = "", cwd: Path | None = None) -> Result:
        if cwd is not None:
            monkeypatch.chdir(cwd)
        return CliRunner().invoke(main, [str(argument) for argument in arguments], input=stdin)

    return run


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Qwen2 with random weights that nobody has taught anything, and the pocket model's tokenizer."""
    import torch
    from lowres_code.generation.models import POCKET_FOLDER
    from transformers import AutoTokenizer, Qwen2Config, Qwen2ForCausalLM

    folder = tmp_path_factory.mktemp("tiny")
    tokenizer = AutoTokenizer.from_pretrained(str(POCKET_FOLDER))
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=4096,
        tie_word_embeddings=True,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    Qwen2ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
