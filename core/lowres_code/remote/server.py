"""One served judge, as a client sees it: what it says of itself, and batches of jobs sent to it."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from lowres_code._util.lines import Lines
from lowres_code.errors import JudgeError, UsageError, near_match
from lowres_code.language.base import Language
from lowres_code.remote.wire import (
    EXECUTE,
    JUDGE,
    LANGUAGES,
    NDJSON,
    PROTOCOL,
    TOKEN,
    Done,
    Served,
    ServedLanguage,
    data_of,
    identity_of,
    read_line,
)

if TYPE_CHECKING:
    import httpx2

_LONGEST_ANSWER = 64 * 2**20  # bytes of a line
_LONGEST_DESCRIPTION = 2**20
_LONGEST_REFUSAL = 4_000  # bytes
_REFUSAL_S = 10.0
_CONNECT_S = 5.0
_SILENT_S = 60.0  # a server that works says so every few seconds, if only by an empty line
_NOTHING_DONE_S = 1_800.0  # and something comes of it some time, however much it has to do for others


class UnavailableError(Exception):
    """The server cannot be reached, has broken off, or answers what cannot be read: another one may do better."""


class BusyError(Exception):
    """The server has enough to do; ``after_s``: when it wants to be asked again."""

    def __init__(self, after_s: float) -> None:
        super().__init__(f"it is busy; it wants to be asked again in {after_s:g} s")
        self.after_s = after_s


class Server:
    """One address, with connections that are kept. Safe to use from several threads."""

    def __init__(self, url: str) -> None:
        """Raises `UsageError` if it is not the address of a server."""
        import httpx2

        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise UsageError(f"--judge {url!r} is not the address of a served judge, as in http://127.0.0.1:8000")
        if parts.username or parts.password:
            raise UsageError(f"an address of a judge holds no password: set the environment variable {TOKEN}")
        self.url = urlunsplit(parts).rstrip("/")
        self._identity = ""
        token = os.environ.get(TOKEN, "").strip()
        if not (token.isascii() and token.isprintable()):
            raise UsageError(f"the token in the environment variable {TOKEN} must be one word in ASCII")
        self._client = httpx2.Client(
            base_url=self.url,
            headers={"Accept-Encoding": "identity", **({"Authorization": f"Bearer {token}"} if token else {})},
            timeout=httpx2.Timeout(_SILENT_S, connect=_CONNECT_S),
            limits=httpx2.Limits(max_connections=None),
        )

    def language(self, language: Language) -> tuple[ServedLanguage, int]:
        """What it says of a language, and how many bytes it takes in a line.

        Raises:
            JudgeError: it does not answer, or refuses the token.
            UsageError: it does not serve this language, or another version of it.
        """
        served = self._described()
        known = {one.name: one for one in served.languages}
        if language.name not in known:
            raise UsageError(
                f"the judge at {self.url} does not serve {language.name!r}; {near_match(language.name, known)}"
            )
        if known[language.name].data != data_of(language):
            raise UsageError(
                f"the judge at {self.url} has another version of {language.title} than this machine (lowres-code "
                f"{served.version} there): its verdicts would not be yours; install the same version on both"
            )
        return known[language.name], served.longest_line

    def trust(self, language: ServedLanguage) -> None:
        """What it has said of a language is fine: from now on answers of no other server are taken for its own."""
        self._identity = identity_of(language)

    def _described(self) -> Served:
        import httpx2

        try:
            with self._client.stream("GET", LANGUAGES) as response:
                _must_be_fine(response, self.url)
                served: Served = read_line(
                    Served, next(_lines(response, self.url, _LONGEST_DESCRIPTION), b""), self.url
                )
        except UnavailableError as error:
            raise JudgeError(str(error)) from error
        except (httpx2.HTTPError, BusyError) as error:
            raise JudgeError(f"the judge at {self.url} does not answer: {_said(error)}") from error
        except UsageError as error:
            raise JudgeError(f"what answers at {self.url} is no judge of this version: {error}") from error
        if served.protocol != PROTOCOL:
            raise JudgeError(f"the judge at {self.url} speaks protocol {served.protocol}, and this version {PROTOCOL}")
        return served

    def run(self, language: str, body: bytes) -> Iterator[Done]:
        """Send lines of jobs; what came of each, in the order in which they are done.

        Raises:
            BusyError: the server takes nothing now.
            UnavailableError: it breaks off, or is not who was met; what has not come until then, does not come.
            UsageError: it refuses the request for what it asks.
        """
        import httpx2

        try:
            with self._client.stream(
                "POST", EXECUTE, params={"lang": language}, content=body, headers={"Content-Type": NDJSON}
            ) as response:
                _must_be_fine(response, self.url)
                if response.headers.get(JUDGE) != self._identity:
                    raise UnavailableError(f"the judge at {self.url} is another one than it was")
                for line in _lines(response, self.url):
                    yield _done(line, self.url)
        except httpx2.HTTPError as error:
            raise UnavailableError(f"the judge at {self.url} has broken off: {_said(error)}") from error

    def close(self) -> None:
        """Close all connections."""
        self._client.close()


def _done(line: bytes, url: str) -> Done:
    try:
        done: Done = read_line(Done, line, url)
    except UsageError as error:
        raise UnavailableError(f"the judge at {url} says what cannot be read: {error}") from error
    return done


def _must_be_fine(response: httpx2.Response, url: str) -> None:
    if response.status_code == 200:
        return
    raw = _refusal(response)
    own = _own(raw)
    said = _in_a_line(raw if own is None else own)
    if response.status_code == 401:
        raise JudgeError(f"the judge at {url} wants a token: set the environment variable {TOKEN} ({said})")
    if response.status_code == 429:
        raise BusyError(_seconds(response.headers))
    if response.status_code in (400, 404, 413, 415, 422) and own is not None:
        raise UsageError(f"the judge at {url} refuses this: {said}")
    raise UnavailableError(f"the judge at {url} answers with status {response.status_code}: {said}")


def _refusal(response: httpx2.Response) -> str:
    """What a refusal says."""
    raw, until = b"", time.monotonic() + _REFUSAL_S
    for part in response.iter_raw():
        raw += part
        if len(raw) > _LONGEST_REFUSAL or time.monotonic() > until:
            break
    return raw[:_LONGEST_REFUSAL].decode("utf-8", "replace")


def _own(said: str) -> str | None:
    """What a served judge says, whose errors are JSON objects; ``None`` if something in between says it."""
    try:
        told = json.loads(said)
    except (ValueError, RecursionError):
        return None
    return str(told["error"]) if isinstance(told, dict) and "error" in told else None


def _in_a_line(said: str) -> str:
    shown = "".join(one if one.isprintable() else " " for one in said)
    return " ".join(shown.split()) or "no reason was given"


def _seconds(headers: Mapping[str, Any]) -> float:
    try:
        seconds = float(headers.get("retry-after", 1))
    except ValueError:
        return 1.0
    return min(max(seconds, 0.1), 60.0) if math.isfinite(seconds) else 1.0


def _lines(response: httpx2.Response, url: str, longest: int = _LONGEST_ANSWER) -> Iterator[bytes]:
    """Lines that say something.

    Raises:
        UnavailableError: one is too long, or for too long there is none.
    """
    lines, last_at = Lines(), time.monotonic()
    for part in response.iter_raw():  # never unpacked: it could be a million times as long then
        for line in filter(bytes.strip, lines.feed(part)):
            yield line
            last_at = time.monotonic()
        if time.monotonic() - last_at > _NOTHING_DONE_S:
            raise UnavailableError(f"the judge at {url} has not been done with any program for {_NOTHING_DONE_S:g} s")
        if lines.size > longest:
            raise UnavailableError(f"the judge at {url} answers with a line of over {longest >> 20} MB")
    if lines.rest().strip():
        yield lines.rest()


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
