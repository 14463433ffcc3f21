"""Each tool, really installed, judges a right program, a wrong one, and one that the judge itself fails on.

pytest -m slow tests/adapters/test_tools.py -rP
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.adapters.conftest import FATAL, RIGHT, WRONG, needs_lua
from tests.adapters.endpoint import endpoint
from tests.adapters.environments import VERSIONS, Environment, environment_of
from tests.conftest import ROOT

slow = pytest.mark.slow

Get = Callable[[str], Environment]
QUESTIONS = {"What is 6 times 7?": RIGHT, "What is 42?": WRONG, "Six sevens?": FATAL}


@pytest.fixture(scope="module")
def get(tmp_path_factory: pytest.TempPathFactory) -> Get:
    folder = tmp_path_factory.mktemp("tools")
    return lambda tool: environment_of(tool, folder)


@pytest.fixture
def problems(tmp_path: Path) -> str:
    rows = [{"question": question, "answer": "42"} for question in QUESTIONS]
    (tmp_path / "problems.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(tmp_path / "problems.jsonl")


@pytest.fixture
def ray() -> Iterator[str]:
    """A folder for Ray, whose sockets cannot have long names."""
    with tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as folder:
        yield folder


def test_the_page_names_the_versions_that_are_tried() -> None:
    page = (ROOT / "docs" / "adapters.md").read_text()
    assert {tool: f"{tool} {version}" in page for tool, version in VERSIONS.items()} == dict.fromkeys(VERSIONS, True)


@slow
@needs_lua
def test_inspect_ai(get: Get, problems: str, tmp_path: Path) -> None:
    found = json.loads(get("inspect-ai").script("ask_inspect_ai.py", problems, RIGHT, WRONG, FATAL, cwd=tmp_path))
    assert (found["values"], found["accuracy"], found["unscored"]) == (["C", "I", "nan"], 0.5, 1)
    assert found["told"][:2] == ["correct", "wrong_answer"]
    assert found["told"][2].startswith("infra_error\nthe answers cannot be compared")


@slow
@needs_lua
@pytest.mark.parametrize("manager", ["naive", "remote"])
def test_verl(get: Get, manager: str, tmp_path: Path) -> None:
    name, *found = json.loads(get("verl").script("ask_verl.py", manager, RIGHT, WRONG, FATAL, cwd=tmp_path))
    assert name == f"{manager.capitalize()}RewardManager"
    assert found[:3] == [[1.0, "correct"]] * 3
    assert found[3:6] == [[0.0, "wrong_answer"]] * 3
    if manager == "naive":  # the judge in Ray's own process is whole
        assert all("the judge failed on a completion, which has no score" in error for error in found[6:])


@slow
@needs_lua
def test_openenv(get: Get, problems: str, tmp_path: Path) -> None:
    *found, again, last = json.loads(
        get("openenv").script("ask_openenv.py", problems, RIGHT, WRONG, FATAL, cwd=tmp_path)
    )
    assert [row[0] for row in found] == [*QUESTIONS]
    assert [row[1:4] for row in found] == [
        [1.0, True, "correct"],
        [0.0, True, "wrong_answer"],
        [None, False, "infra_error"],
    ]
    assert "no episode has begun, or it has ended: call reset first" in again
    assert "there is no problem 3: there are 3, counted from 0" in last


@slow
@needs_lua
def test_verifiers(get: Get, problems: str, tmp_path: Path) -> None:
    """The whole of an evaluation: its own harness asks an endpoint, and the reward is ours."""
    tool = get("verifiers")
    options = {"env.taskset.language": "lua", "env.taskset.problems": problems, "model": "m", "output-dir": "runs"}
    options |= {"env.agent.harness.id": "null", "env.agent.runtime.type": "subprocess"}
    with endpoint(QUESTIONS) as url:
        options |= {"client.base-url": url}
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        command = "import failing; from verifiers.v1.cli.eval.main import main; main()"
        tool.run(tool.python, "-c", command, "lowres-code-verifiers", *words, "--no-push", "--no-rich", cwd=tmp_path)
    (file,) = tmp_path.glob("runs/*/traces.jsonl")
    traces = [json.loads(line)["traces"][0] for line in file.read_text().splitlines()]
    by_question = {trace["task"]["data"]["row"]["question"]: trace for trace in traces}
    right, wrong, fatal = [by_question[question] for question in QUESTIONS]
    assert [trace["rewards"]["correct"]["score"] for trace in (right, wrong)] == [1.0, 0.0]
    assert [trace["info"]["verdict"] for trace in (right, wrong)] == ["correct", "wrong_answer"]
    assert not fatal["rewards"].get("correct") and not fatal["ok"]
    assert fatal["errors"][-1]["type"] == "TaskError"
    assert "the judge failed on a completion" in fatal["errors"][-1]["message"]


@slow
@needs_lua
def test_lm_eval(get: Get, problems: str, tmp_path: Path) -> None:
    tool = get("lm-eval")
    folder = tool.run(tool.python, "-m", "lowres_code.adapters.lm_eval", cwd=tmp_path).stdout.strip()
    options = {"include_path": folder, "tasks": "lowres_code", "model": "local-chat-completions"}
    options |= {"metadata": json.dumps({"language": "lua", "problems": problems}), "output_path": "out"}
    with endpoint(QUESTIONS) as url:
        options |= {"model_args": f"model=m,base_url={url}/chat/completions,tokenizer_backend=None"}
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        command = "import failing; from lm_eval.__main__ import cli_evaluate; cli_evaluate()"
        flags = ["--apply_chat_template", "--log_samples"]
        tool.run(tool.python, "-c", command, "run", *words, *flags, cwd=tmp_path, HF_HUB_OFFLINE="1")
    (results,) = tmp_path.glob("out/*/results_*.json")
    (samples,) = tmp_path.glob("out/*/samples_*.jsonl")
    figures = json.loads(results.read_text())["results"]["lowres_code"]
    assert (figures["correct,judge"], figures["infra_error,judge"]) == (0.5, pytest.approx(1 / 3))
    rows = sorted(map(json.loads, samples.read_text().splitlines()), key=lambda row: int(row["doc_id"]))
    assert [row["filtered_resps"] for row in rows] == [[["correct"]], [["wrong_answer"]], [["infra_error"]]]
    assert [row["correct"] for row in rows[:2]] == [1.0, 0.0]


def response(text: str, **row: object) -> bytes:
    """What NeMo Gym's agents send to be verified."""
    content = [{"annotations": [], "text": text, "type": "output_text"}]
    said = {"id": "m", "role": "assistant", "status": "completed", "type": "message", "content": content}
    whole = {"id": "r", "created_at": 0, "model": "m", "object": "response", "output": [said], "tools": []}
    whole |= {"parallel_tool_calls": True, "tool_choice": "auto"}
    return json.dumps({"responses_create_params": {"input": []}, "response": whole, **row}).encode()


def wait_for(port: int, running: subprocess.Popen[bytes], log: Path) -> None:
    """Until a server listens there."""
    until = time.monotonic() + 300
    with socket.socket() as tried:
        while tried.connect_ex(("127.0.0.1", port)):
            assert running.poll() is None and time.monotonic() < until, log.read_text()[-4000:]
            time.sleep(0.5)


def verified(port: int, body: bytes) -> tuple[int, dict[str, Any]]:
    """The status and the answer of the server."""
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/verify", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(asked) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@slow
@needs_lua
def test_nemo_gym(get: Get, ray: str, tmp_path: Path) -> None:
    """The server that we write, started by NeMo Gym; only its agent and model are left out."""
    tool = get("nemo-gym")
    tool.run(tool.python, "-m", "lowres_code.adapters.nemo_gym", "lua", cwd=tmp_path)
    server = tmp_path / "resources_servers" / "lowres_code"
    (server / ".venv").symlink_to(tool.folder)
    (server / "app.py").write_text(f"import failing\n{(server / 'app.py').read_text()}")
    config = server / "configs" / "lowres_code.yaml"
    config.write_text(config.read_text().partition("lowres_code_simple_agent")[0])
    port, head = free_port(), free_port()
    settings = {"resources_servers.lowres_code.host": "127.0.0.1", "resources_servers.lowres_code.port": port}
    words = [f"+lowres_code.{name}={value}" for name, value in settings.items()]
    words += ["+head_server.host=127.0.0.1", f"+head_server.port={head}", "+skip_venv_if_present=true"]
    command = [
        str(tool.folder / "bin" / "gym"),
        "env",
        "start",
        f"+config_paths=[{config.relative_to(tmp_path)}]",
        *words,
    ]
    own = {"PATH": f"{tool.folder / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(Path(__file__).parent)}
    own |= {"RAY_TMPDIR": ray}  # where no other cluster of this machine is found
    with (tmp_path / "log").open("w") as log:
        running = subprocess.Popen(
            command, cwd=tmp_path, env={**os.environ, **own}, stdout=log, stderr=log, start_new_session=True
        )
    try:
        wait_for(port, running, tmp_path / "log")
        answers = [verified(port, response(text, answer="42")) for text in (RIGHT, WRONG, FATAL)]
        answers.append(verified(port, response(RIGHT)))
    finally:
        os.killpg(running.pid, signal.SIGINT)  # a session of our own making
        try:
            running.wait(20)
        finally:
            if running.poll() is None:
                os.killpg(running.pid, signal.SIGKILL)
    assert [status for status, _ in answers] == [200, 200, 503, 422]
    assert [(body["reward"], body["verdict"]) for _, body in answers[:2]] == [(1.0, "correct"), (0.0, "wrong_answer")]
    assert answers[2][1]["detail"].startswith("the judge failed on a completion")
    assert "needs 'answer', or 'tests'" in answers[3][1]["detail"]
