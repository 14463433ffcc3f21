"""An export goes to the hub: here to a server that answers as the hub does, as far as an upload asks."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

TOKEN = "hf_a-token-of-nobody"
PUSH = """
import sys
from pathlib import Path
from lowres_code.runs.export import push
print(push(Path(sys.argv[1]), "o/n"))
"""


class Hub(ThreadingHTTPServer):
    """A hub with one user.

    Attributes:
        repositories: what was made, as it was asked for.
        files: what was committed, by path.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.repositories: list[dict[str, Any]] = []
        self.files: dict[str, bytes] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            self._answer(401, {"error": "Invalid username or password."})
        elif self.path == "/api/repos/create":
            self.server.repositories.append(json.loads(body))
            self._answer(200, {"url": f"{self.server.url}/o/n"})
        elif "/preupload/" in self.path:
            names = [file["path"] for file in json.loads(body)["files"]]
            kinds = [{"path": name, "uploadMode": "regular", "shouldIgnore": False} for name in names]
            self._answer(200, {"files": kinds})
        elif "/commit/" in self.path:
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    self.server.files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            commit = {"commitUrl": f"{self.server.url}/o/n/commit/1", "commitOid": "1", "pullRequestUrl": None}
            self._answer(200, {"success": True, **commit})
        else:
            self._answer(200, {})

    def do_GET(self) -> None:
        known = {"_id": "1", "id": "o/n", "modelId": "o/n", "sha": "0", "private": True, "siblings": [], "tags": []}
        self._answer(200, {**known, "downloads": 0, "likes": 0, "xetEnabled": False})

    def _answer(self, status: int, what: object) -> None:
        text = json.dumps(what).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[Hub]:
    server = Hub()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def pushed(folder: Path, hub: Hub, token: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own: huggingface_hub reads its variables when it is imported."""
    own = {"HF_ENDPOINT": hub.url, "HF_TOKEN": token, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}
    command = [sys.executable, "-c", PUSH, str(folder)]
    return subprocess.run(command, env={**os.environ, **own}, capture_output=True, text=True, timeout=120, check=False)


def test_a_folder_is_uploaded_whole_as_a_private_model(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("a card")
    (tmp_path / "model.safetensors").write_bytes(bytes(range(256)))
    done = pushed(tmp_path, hub, TOKEN)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(hub.url)
    assert [(one["name"], one["organization"], one["visibility"]) for one in hub.repositories] == [
        ("n", "o", "private")
    ]
    assert hub.files == {"README.md": b"a card", "model.safetensors": bytes(range(256))}


def test_who_may_not_is_told_how_to_log_in(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("a card")
    done = pushed(tmp_path, hub, "hf_another")
    assert done.returncode == 1 and hub.files == {}
    said = done.stderr.splitlines()[-1]
    assert "cannot push to 'o/n': " in said and "log in: hf auth login" in said and str(tmp_path) in said
