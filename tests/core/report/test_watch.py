"""A run that goes on, in a browser and in a terminal."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from lowres_code.errors import UsageError
from lowres_code.recipe import find_recipe, load_recipe
from lowres_code.report.watch import PageServer
from lowres_code.runs.directory import TRAINING, RunDirectory

from tests.core.report.browser import Browser, browser

__all__ = ["browser"]


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    """One that trains, at step 3 of 9."""
    run = RunDirectory.create(
        tmp_path / "run", load_recipe(find_recipe("quickstart")), {"seed": 0, "language": "prolog"}
    )
    for step in (1, 2, 3):
        step_made(run, step)
    return run


def step_made(run: RunDirectory, step: int) -> None:
    run.metrics().append({"step": step, "reward": step / 10, "share/correct": step / 100, "step_time": 1.5})
    run.samples().append(
        {"problem": f"p{step}", "step": step, "completion": f"text {step}", "program": None, "verdict": "no_code"}
    )
    run.set_status(TRAINING, step, 9)


@pytest.fixture
def server(run: RunDirectory) -> Iterator[PageServer]:
    with PageServer(run) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def asked(url: str, host: str | None = None) -> tuple[int, str]:
    request = urllib.request.Request(url, headers={"Host": host} if host else {})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_it_listens_to_this_machine_alone(server: PageServer) -> None:
    assert server.server_address[0] == "127.0.0.1"
    assert asked(f"{server.url}version") == (
        200,
        json.dumps({"version": "training 3 0", "state": "training", "step": 3}),
    )
    assert asked(server.url, "evil.example")[0] == 403
    assert asked(f"{server.url}../etc/passwd")[0] == 404


def test_a_port_that_is_taken(server: PageServer, run: RunDirectory) -> None:
    with pytest.raises(UsageError, match=rf"cannot listen on port {server.server_port}: .*choose another --port"):
        PageServer(run, server.server_port)


def test_the_page_follows_the_run(server: PageServer, run: RunDirectory, browser: Browser) -> None:
    browser.open_url(server.url)
    assert browser.text("#found") == "3 of 3 samples"
    assert browser.texts("#list .where") == ["step 3", "step 2", "step 1"]  # the newest first
    step_made(run, 4)
    browser.wait_for("return document.getElementById('found')?.textContent === '4 of 4 samples'")
    browser.run("document.querySelector('#list button').focus()")
    step_made(run, 5)
    browser.wait_for("return !document.getElementById('news').hidden")
    assert browser.text("#news") == "training, step 5: show it"
    assert browser.text("#found") == "4 of 4 samples"  # who reads is not disturbed
    browser.run("document.getElementById('news').click()")
    browser.wait_for("return document.getElementById('found')?.textContent === '5 of 5 samples'")
    assert {url.partition("/version")[0].rstrip("/") for url in browser.requested()} == {server.url.rstrip("/")}


def test_the_terminal_has_the_last_steps_and_ctrl_c_ends_it(run: RunDirectory) -> None:
    command = [sys.executable, "-m", "lowres_code", "watch", str(run.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            first = process.stdout.readline()
            assert first.startswith("page: http://127.0.0.1:")
            assert asked(first.split()[1])[0] == 200
            shown = ""
            while "0.03" not in shown and (line := process.stdout.readline()):
                shown += line
            assert "training, step 3 of 9" in shown
            process.send_signal(signal.SIGINT)
            _, complaints = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0, complaints
