"""Recipes that are elsewhere: a small text over HTTPS or from the Hugging Face hub, and nothing more than that.

What comes is hostile until it has been looked at: it may not be long, may not take long, must be a text that a terminal
shows as it is, and comes from where it was asked for. `lowres_code.recipe.foreign` says what it may not contain.
"""

from __future__ import annotations

import dataclasses
import hashlib
import http.client
import posixpath
import re
import threading
import unicodedata
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar
from urllib.parse import urljoin, urlsplit, urlunsplit

from lowres_code._util.hub import look_for_hub
from lowres_code.errors import UsageError

MOST_BYTES = 64 * 1024
MOST_SECONDS = 30.0

_KINDS = "https://, hf://owner/repo/path.toml[@revision], or http:// on this machine"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_HUB = re.compile(r"hf://(datasets/)?([\w.-]+/[\w.-]+)/([\w./-]+\.toml)(?:@([\w./-]+))?", re.ASCII)
_PIN = re.compile(r"sha256=([0-9a-fA-F]{64})")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a recipe is.

    Attributes:
        url: without the hash.
        sha256: what its bytes must hash to, if anybody has said so.
    """

    url: str
    sha256: str | None = None

    @classmethod
    def parse(cls, text: str) -> Address:
        """An address as people write it, perhaps with ``#sha256=HEX``.

        Raises:
            UsageError: it is of no kind that can be used.
        """
        url, pinned, fragment = text.partition("#")
        pin = _PIN.fullmatch(fragment)
        if pinned and not pin:
            raise UsageError(f"recipe {text!r}: after # stands sha256= and 64 hexadecimal digits, or nothing")
        address = cls(url, pin[1].lower() if pin else None)
        if address.kind == "hf" and not (_HUB.fullmatch(url) and ".." not in url):
            raise UsageError(f"recipe {url!r}: on the hub it is hf://owner/repo/path.toml, perhaps with @revision")
        if address.kind != "hf" and not urlsplit(url).path.endswith(".toml"):
            raise UsageError(f"recipe {address.shown!r}: the path of an address must end in .toml")
        return address

    @property
    def kind(self) -> str:
        """``https``, ``hf`` or ``loopback``.

        Raises:
            UsageError: another, or there is a password in it.
        """
        try:
            parts = urlsplit(self.url)
            host, secret = parts.hostname, "@" in parts.netloc
        except ValueError as error:
            raise UsageError(f"recipe {self.url!r}: not an address: {error}") from error
        if parts.scheme == "hf":
            return "hf"
        if secret:
            raise UsageError("the address of a recipe may hold no name and password: both would be kept in records")
        if parts.scheme == "http" and host in _LOOPBACK:
            return "loopback"
        if parts.scheme != "https" or not host:
            raise UsageError(f"recipe {self.url!r} cannot be had: addresses are {_KINDS}")
        return "https"

    @property
    def shown(self) -> str:
        """For people and records: without a query, where secrets are."""
        return self.url if self.url.startswith("hf:") else urlunsplit((*urlsplit(self.url)[:3], "", ""))

    def beside(self, name: str) -> Address:
        """The address that a recipe from here means by a name: of the same kind, and pinned if this one is.

        Raises:
            UsageError: it is of another kind, outside of the repository, or not pinned.
        """
        path, mark, fragment = name.partition("#")
        url = path if is_address(path) else self._joined(path)
        address = Address.parse(url + mark + fragment)
        if address.kind != self.kind:
            raise UsageError(f"recipe {self.shown!r} extends {name!r}, which is not of its own kind: {self.kind}")
        if self.sha256 and not address.sha256:
            raise UsageError(
                f"recipe {self.shown!r} is pinned, and what it extends is not: {name!r}; it must say {name}#sha256=..."
            )
        return address

    def _joined(self, path: str) -> str:
        match = _HUB.fullmatch(self.url)
        if match is None:
            return urljoin(self.url, path)
        kind, repository, file, revision = match.groups("")
        beside = posixpath.normpath(posixpath.join(posixpath.dirname(file), path))
        return f"hf://{kind}{repository}/{beside}" + (f"@{revision}" if revision else "")


@dataclass(frozen=True, slots=True)
class Fetched:
    """A text, and where just this text is: on the hub, with the commit."""

    address: Address
    text: str


def is_address(name: str) -> bool:
    """Whether a name is an address; of which kind, and whether it can be used, is another question."""
    return "://" in name


def fetch(address: Address) -> Fetched:
    """What is at an address.

    Raises:
        UsageError: it cannot be had, is too long, takes too long, is not the text that its hash stands for, or holds
            characters that a terminal does not show.
    """
    url, data = _in_time(lambda: _from_hub(address) if address.kind == "hf" else _from_web(address), address)
    if len(data) > MOST_BYTES:
        raise UsageError(f"recipe {address.shown!r} is too long: over {MOST_BYTES} bytes")
    found = hashlib.sha256(data).hexdigest()
    if address.sha256 not in (None, found):
        raise UsageError(f"recipe {address.shown!r} is not the one that was asked for: its SHA-256 is {found}")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"recipe {address.shown!r} is not UTF-8 text") from error
    if hidden := next((letter for letter in text if is_hidden(letter)), None):
        raise UsageError(f"recipe {address.shown!r} holds a character that is not shown: {hidden!a}")
    return Fetched(dataclasses.replace(address, url=url), text)


def is_hidden(letter: str) -> bool:
    """Whether a terminal or an editor acts on a character instead of showing it: escapes, changes of direction."""
    return unicodedata.category(letter).startswith("C") and letter not in "\n\r\t"


def _in_time(work: Callable[[], T], address: Address) -> T:
    """Do it in a thread that nobody waits for longer than that: a server can send a byte now and then for ever."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # for whoever waits
            future.set_exception(error)

    threading.Thread(target=run, daemon=True, name="recipe").start()
    try:
        return future.result(MOST_SECONDS)
    except TimeoutError as error:  # the work's own, or there is no result yet
        raise UsageError(f"recipe {address.shown!r} does not come within {MOST_SECONDS:g} s") from error


class _SameKind(urllib.request.HTTPRedirectHandler):
    """Follows a redirection only to an address of the same kind."""

    max_redirections = 5

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if Address(newurl).kind != Address(req.full_url).kind:
            fp.close()
            raise UsageError(f"recipe {Address(req.full_url).shown!r} is redirected to an address of another kind")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _from_web(address: Address) -> tuple[str, bytes]:
    proxies = urllib.request.ProxyHandler({} if address.kind == "loopback" else None)
    opener = urllib.request.build_opener(_SameKind, proxies)
    request = urllib.request.Request(address.url, headers={"User-Agent": "lowres-code"})
    try:
        with opener.open(request, timeout=MOST_SECONDS) as answer:
            return address.url, answer.read(MOST_BYTES + 1)
    except UsageError:  # of a redirection
        raise
    except urllib.error.HTTPError as error:
        error.close()
        raise UsageError(f"recipe {address.shown!r} cannot be had: HTTP status {error.code}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or type(error).__name__
        raise UsageError(f"recipe {address.shown!r} cannot be had: {reason!s:.200}") from error


def _from_hub(address: Address) -> tuple[str, bytes]:
    from huggingface_hub import DryRunFileInfo, hf_hub_download

    match = _HUB.fullmatch(address.url)
    assert match is not None  # `Address.parse` has looked
    kind, repository, file, revision = match.groups()
    look_for_hub()
    where: dict[str, Any] = {"repo_id": repository, "filename": file, "repo_type": "dataset" if kind else "model"}
    try:
        told = hf_hub_download(**where, revision=revision, dry_run=True)
        assert isinstance(told, DryRunFileInfo)
        if told.file_size is None or told.file_size > MOST_BYTES:
            return address.url, b"." * (MOST_BYTES + 1)
        path = hf_hub_download(**where, revision=told.commit_hash)
        with Path(str(path)).open("rb") as stream:
            return f"hf://{kind or ''}{repository}/{file}@{told.commit_hash}", stream.read(MOST_BYTES + 1)
    except Exception as error:  # the library raises dozens of kinds
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise UsageError(f"recipe {address.shown!r} cannot be had: {reason!a:.300}") from error
