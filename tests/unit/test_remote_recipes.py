"""Recipes from elsewhere, from a real server on this machine: what comes is hostile until it has been looked at."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from click.testing import Result
from lowres_code.errors import UsageError
from lowres_code.plugins.hookspecs import Registry, hookimpl
from lowres_code.plugins.manager import PluginManager
from lowres_code.recipe import find_recipe, load_recipe, open_recipe, remote
from lowres_code.recipe.remote import Address

from tests.recipe_server import COMMIT, SMALL, Server, pin, refused

Invoke = Callable[..., Result]


class Plugin:
    """Somebody's package with recipes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @hookimpl
    def register_recipes(self, register: Registry[Path]) -> None:
        register(self._folder)


def test_the_same_recipe_by_name_path_address_and_plugin(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = find_recipe("quickstart").read_bytes()
    (tmp_path / "brought" / "theirs").mkdir(parents=True)
    (tmp_path / "brought" / "theirs" / "quickstart.toml").write_bytes(text)
    manager = PluginManager()
    manager._load("theirs", "theirs", lambda: Plugin(tmp_path / "brought"))
    monkeypatch.setattr("lowres_code.recipe.locate.plugin_manager", lambda: manager)
    assert load_recipe(open_recipe("theirs/quickstart")) == load_recipe(open_recipe("quickstart"))
    server.answers["/quickstart.toml"] = text
    (tmp_path / "quickstart.toml").write_bytes(text)
    by_name = load_recipe(open_recipe("quickstart"))
    assert load_recipe(open_recipe(str(tmp_path / "quickstart.toml"))) == by_name
    assert load_recipe(open_recipe(f"{server.url}/quickstart.toml")) == by_name
    assert load_recipe(open_recipe(f"{server.url}/quickstart.toml{pin(text)}")) == by_name


def test_what_it_extends_has_a_name_here_or_stands_beside_it(server: Server) -> None:
    server.answers["/a/base.toml"] = SMALL
    server.answers["/a/b/top.toml"] = b'extends = "../base.toml"\n[train]\nbeta = 0.1\n'
    file = open_recipe(f"{server.url}/a/b/top.toml")
    assert [one.called for one in file.chain()][:2] == [f"{server.url}/a/b/top.toml", f"{server.url}/a/base.toml"]
    assert [one.called for one in file.chain()][2:] == ["quickstart"]
    recipe = load_recipe(file)
    assert (recipe.train["max_steps"], recipe.train["beta"], recipe.model.name) == (7, 0.1, "pocket")
    assert recipe.recipe.name == "top"


def test_a_file_of_ones_own_extends_one_from_elsewhere(server: Server, tmp_path: Path) -> None:
    server.answers["/base.toml"] = SMALL
    (tmp_path / "own.toml").write_text(f'extends = "{server.url}/base.toml{pin(SMALL)}"\n')
    file = open_recipe(str(tmp_path / "own.toml"))
    assert load_recipe(file).train["max_steps"] == 7
    assert [one.name for one in file.foreign()] == [f"{server.url}/base.toml"]


def test_a_text_that_is_not_the_one_asked_for(server: Server) -> None:
    server.answers["/r.toml"] = SMALL + b"\n"
    said = refused(f"{server.url}/r.toml{pin(SMALL)}")
    assert "is not the one that was asked for: its SHA-256 is " + pin(SMALL + b"\n")[8:] in said


def test_what_a_pinned_recipe_extends_must_be_pinned(server: Server) -> None:
    server.answers["/base.toml"] = SMALL
    loose = b'extends = "base.toml"\n'
    server.answers["/loose.toml"] = loose
    assert "'base.toml'; it must say base.toml#sha256=..." in refused(f"{server.url}/loose.toml{pin(loose)}")
    assert "/base.toml" not in server.asked
    tight = f'extends = "base.toml{pin(SMALL)}"\n'.encode()
    server.answers["/tight.toml"] = tight
    assert load_recipe(open_recipe(f"{server.url}/tight.toml{pin(tight)}")).train["max_steps"] == 7


def redirect(to: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", to)
        handler.end_headers()

    return answer


def test_redirections_stay_within_a_kind(server: Server) -> None:
    server.answers |= {"/a.toml": redirect("/b.toml"), "/b.toml": SMALL}
    assert load_recipe(open_recipe(f"{server.url}/a.toml")).train["max_steps"] == 7
    server.answers |= {"/c.toml": redirect("https://example.org/r.toml"), "/d.toml": redirect("file:///etc/passwd")}
    assert "redirected to an address of another kind" in refused(f"{server.url}/c.toml")
    assert "cannot be had" in refused(f"{server.url}/d.toml")
    server.answers["/e.toml"] = redirect("/e.toml")
    assert "HTTP status 302" in refused(f"{server.url}/e.toml")
    assert server.asked.count("/e.toml") <= 10


def test_a_server_that_sends_a_byte_now_and_then(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        with contextlib.suppress(OSError):
            while not ended.wait(0.05):
                handler.wfile.write(b"#")
                handler.wfile.flush()

    server.answers["/r.toml"] = drip
    monkeypatch.setattr(remote, "MOST_SECONDS", 0.5)
    try:
        assert "does not come within 0.5 s" in refused(f"{server.url}/r.toml")
    finally:
        ended.set()


def test_a_server_that_never_stops_sending(server: Server) -> None:
    sent = []

    def flood(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        with contextlib.suppress(OSError):  # whoever asked has gone
            for _ in range(10_000):
                handler.wfile.write(b"#" * 65536)
                sent.append(1)

    server.answers["/r.toml"] = flood
    assert "is too long" in refused(f"{server.url}/r.toml")
    assert len(sent) < 10_000


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("htps://example.org/r.toml", "addresses are https://"),
        ("http://example.org/r.toml", "addresses are https://"),
        ("https://user:word@example.org/r.toml", "may hold no name and password"),
        ("https:///r.toml", "addresses are https://"),
        ("https://[::1/r.toml", "not an address"),
        ("https://example.org/r", "must end in .toml"),
        ("https://example.org/r.toml#sha256=12", "64 hexadecimal digits"),
        ("https://example.org/r.toml#x", "64 hexadecimal digits"),
        ("hf://owner/r.toml", "hf://owner/repo/path.toml"),
        ("hf://owner/repo/../r.toml", "hf://owner/repo/path.toml"),
    ],
)
def test_addresses_that_cannot_be_used(name: str, said: str) -> None:
    message = refused(name)
    assert said in message
    assert "word" not in message.replace("password", "")


def test_a_query_is_asked_for_and_never_shown(server: Server) -> None:
    server.answers["/r.toml?token=s3cret"] = SMALL
    file = open_recipe(f"{server.url}/r.toml?token=s3cret")
    assert "s3cret" not in str(file.provenance())


def test_neighbours_in_a_repository() -> None:
    here = Address.parse("hf://datasets/owner/repo/a/b/top.toml@main")
    assert here.beside("../base.toml").url == "hf://datasets/owner/repo/a/base.toml@main"
    assert here.beside("hf://other/repo/x.toml").url == "hf://other/repo/x.toml"
    with pytest.raises(UsageError, match="hf://owner/repo"):
        here.beside("../../../other/x.toml")
    with pytest.raises(UsageError, match="not of its own kind"):
        here.beside("https://example.org/x.toml")


def hub(name: str, server: Server, folder: Path, offline: str) -> subprocess.CompletedProcess[str]:
    """A recipe from a hub that is this server; its client reads these variables when it is imported."""
    script = (
        "import sys; from lowres_code.recipe import load_recipe, open_recipe\n"
        "from lowres_code.errors import UsageError\n"
        "try: file = open_recipe(sys.argv[1])\n"
        "except UsageError as error: sys.exit(str(error))\n"
        "recipe = load_recipe(file)\n"
        "print(recipe.train['max_steps'], *[one.name for one in file.foreign()], recipe.recipe.name)\n"
    )
    own = {"HF_HOME": str(folder), "HF_ENDPOINT": server.url, "HF_HUB_OFFLINE": offline, "HF_HUB_DISABLE_XET": "1"}
    return subprocess.run(
        [sys.executable, "-c", script, name], env={**os.environ, **own}, capture_output=True, text=True, check=False
    )


def test_a_recipe_of_the_hub(server: Server, tmp_path: Path) -> None:
    for revision in ("main", COMMIT):
        server.answers[f"/owner/repo/resolve/{revision}/r/top.toml"] = b'extends = "base.toml"\n'
        server.answers[f"/owner/repo/resolve/{revision}/r/base.toml"] = SMALL
        server.answers[f"/owner/repo/resolve/{revision}/long.toml"] = b"#" * 70_000
    done = hub("hf://owner/repo/r/top.toml", server, tmp_path, "0")
    places = [f"hf://owner/repo/r/{name}.toml@{COMMIT}" for name in ("top", "base")]
    assert done.stdout == f"7 {' '.join(places)} top\n", done.stderr
    assert f"/owner/repo/resolve/{COMMIT}/r/base.toml" in server.asked  # of the same commit, whatever main is by now
    asked = len(server.asked)
    assert hub(places[0], server, tmp_path, "1").stdout == done.stdout  # from the cache, without a network
    assert len(server.asked) == asked
    assert hub(f"hf://owner/repo/r/base.toml@main{pin(SMALL)}", server, tmp_path, "0").returncode == 0
    said = hub(f"hf://owner/repo/r/base.toml{pin(b'x')}", server, tmp_path, "0").stderr
    assert "is not the one that was asked for" in said
    assert "is too long" in hub("hf://owner/repo/long.toml", server, tmp_path, "0").stderr
    assert not any(file.stat().st_size > 65_536 for file in tmp_path.rglob("*") if file.is_file())
    said = hub("hf://owner/repo/none.toml", server, tmp_path, "0").stderr
    assert "cannot be had" in said and len(said.splitlines()) == 1


def test_nothing_listens_there(tmp_path: Path) -> None:
    assert "cannot be had: " in refused("http://127.0.0.1:9/r.toml")


def test_what_comes_from_elsewhere_is_shown(server: Server, invoke: Invoke) -> None:
    server.answers["/r.toml"] = SMALL
    done = invoke("recipe", "show", f"{server.url}/r.toml")
    assert done.exit_code == 0
    assert f'Recipe from {server.url}/r.toml{pin(SMALL)}:\n    extends = "quickstart"\n' in done.stderr
