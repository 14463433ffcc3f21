"""One question to a model, from the command line."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest
from click.testing import CliRunner
from lowres_code.cli.main import main

from tests.core.generation.conftest import Server


@pytest.fixture
def endpoint() -> Iterator[Server]:
    """A small OpenAI-compatible server."""
    server = Server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("text", "code", "status", "answer"),
    [
        ("<code>\nsolve(X) :- X is 6 * 7.\n</code>", 0, "ok", "42"),
        ("<code>\nsolve(X) :- X is 6 *.\n</code>", 1, "syntax_error", None),
        ("I do not know.", 1, "no_code", None),
    ],
)
def test_a_question_is_asked_and_what_comes_is_run(
    endpoint: Server, text: str, code: int, status: str, answer: str | None
) -> None:
    endpoint.behave = lambda handler, before: handler.say(text)
    words = ["ask", endpoint.url, "What is 6 * 7?", "--model", "m", "--lang", "prolog", "--json"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == code, done.output
    told = json.loads(done.stdout)
    assert (told["status"], told.get("answer"), told["completion"]) == (status, answer, text)


def test_people_see_the_completion_and_the_answer() -> None:
    words = ["ask", "pocket", "What is 6 * 7?", "--lang", "prolog", "--set", "eval.temperature=0"]
    done = CliRunner().invoke(main, words)
    assert "<code>" in done.stdout
    assert done.exit_code in (0, 1)
    last = done.stdout.strip().splitlines()[-1]
    assert last.startswith("ok: ") == (done.exit_code == 0)
    assert done.stderr.startswith("asking pocket ...\n")  # a model takes a while to load, and one that is far even more
