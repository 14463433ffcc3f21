"""Recipes from elsewhere, from a real server on this machine: what comes is hostile until it has been looked at."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import Result
from lowres_code.errors import UsageError
from lowres_code.plugins.hookspecs import Registry, hookimpl
from lowres_code.plugins.manager import PluginManager
from lowres_code.recipe import find_recipe, load_recipe, open_recipe, remote
from lowres_code.recipe.remote import Address

Invoke = Callable[..., Result]
Answer = bytes | Callable[[BaseHTTPRequestHandler], None]

SMALL = b'extends = "quickstart"\n[train]\nmax_steps = 7\n'


COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Server:
    """Answers from a table; ``url`` is where it is."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                answer = outer.answers.get(self.path)
                if callable(answer):
                    answer(self)
                    return
                self.send_response(200 if answer is not None else 404)
                self.end_headers()
                self.wfile.write(answer or b"")

            def do_HEAD(self) -> None:
                """As the hub does: the size, a hash of the text, and the commit."""
                outer.asked.append(self.path)
                text = outer.answers.get(self.path)
                self.send_response(404 if text is None else 200)
                if isinstance(text, bytes):
                    self.send_header("Content-Length", str(len(text)))
                    self.send_header("ETag", f'"{hashlib.sha1(text).hexdigest()}"')
                    self.send_header("X-Repo-Commit", COMMIT)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


def pin(text: bytes) -> str:
    return f"#sha256={hashlib.sha256(text).hexdigest()}"


def refused(name: str) -> str:
    with pytest.raises(UsageError) as error:
        load_recipe(open_recipe(name))
    return str(error.value)


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
    done = invoke("recipe", "check", f"{server.url}/r.toml", "--json")
    assert done.exit_code == 0
    assert f'Recipe from {server.url}/r.toml{pin(SMALL)}:\n    extends = "quickstart"\n' in done.stderr
    assert pin(SMALL)[8:] in done.stdout
