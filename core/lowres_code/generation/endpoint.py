"""Completions from any OpenAI-compatible endpoint: vLLM, Ollama, llama.cpp, SGLang, commercial ones.

The key comes from the environment and is written nowhere. What an endpoint answers is not trusted: its size and its
time are bounded, and an answer that cannot be read counts like none.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import random
import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from lowres_code.errors import UsageError
from lowres_code.generation.answers import BrokenAnswerError, completion_of, sample_of
from lowres_code.generation.base import Failure, Generator, Request, Sample, Sampling

if TYPE_CHECKING:
    from openai import APIStatusError
    from openai.types.chat import ChatCompletion

KEY_VARIABLE = "OPENAI_API_KEY"
LARGEST_ANSWER = 8 * 2**20  # bytes
_RETRIED = (408, 409, 425, 429)  # and all from 500 on
_NO_ACCESS = (401, 403)  # whatever is asked
_TOO_LARGE = 413
_TOO_LONG = re.compile(  # as OpenAI, vLLM, SGLang, llama.cpp and Ollama say it, and then text-generation-inference
    r"context_length_exceeded|exceed_context_size|context (length|size|window)|maximum (context|model length)"
    r"|(prompt|input|string|messages?|conversation|chat) (is |are )?too long"
    r"|`inputs` tokens \+ `max_new_tokens` must be",
    re.IGNORECASE,
)
_REFUSALS = 8  # so many prompts that are refused before any sample has come: not the prompts are what is wrong

log = logging.getLogger("lowres_code.generation")


@dataclass(frozen=True, slots=True)
class Patience:
    """How an endpoint is asked.

    Attributes:
        concurrency: requests at a time.
        attempts: for each sample, the first included.
        timeout_s: for one attempt, from the request to the last byte.
        backoff_s: before the second attempt; doubled for each further one, with jitter, to a minute at most. An
            endpoint that says how long to wait (``Retry-After``) is believed, up to five minutes.
    """

    concurrency: int = 8
    attempts: int = 6
    timeout_s: float = 600.0
    backoff_s: float = 1.0


class EndpointGenerator(Generator):
    """One model behind one endpoint."""

    def __init__(self, url: str, model: str, patience: Patience | None = None) -> None:
        """Args:
            url: up to and with ``/v1``, as endpoints document it.
            model: as the endpoint names it.
            patience: by default `Patience()`.

        Raises:
            UsageError: the package ``openai`` is not installed.
        """
        if importlib.util.find_spec("openai") is None:
            raise UsageError('asking an endpoint needs a package: pip install "lowres-code[openai]"')
        import openai

        self.name = f"{model} at {without_credentials(url)}"
        self._model = model
        self._patience = patience or Patience()
        self._key = os.environ.get(KEY_VARIABLE) or "none"
        wait_s = openai.Timeout(self._patience.timeout_s, connect=min(30.0, self._patience.timeout_s))
        self._client = openai.OpenAI(base_url=url, api_key=self._key, max_retries=0, timeout=wait_s)
        self._limit_name = "max_tokens"
        self._stopped = threading.Event()
        self._lock, self._has_said = threading.Lock(), False

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> Iterator[Sample | Failure]:
        """See `Generator.generate`; as many at a time as `Patience.concurrency` says."""
        self._stopped.clear()
        wanted = ((request, number) for request in requests for number in request.numbers)
        threads = ThreadPoolExecutor(self._patience.concurrency, thread_name_prefix="endpoint")
        going: set[Future[Sample | Failure]] = set()
        refusals = _Refusals()
        try:
            while True:
                for request, number in islice(wanted, 2 * self._patience.concurrency - len(going)):
                    going.add(threads.submit(self._sample, request, number, sampling))
                if not going:
                    return
                done, going = wait(going, return_when=FIRST_COMPLETED)
                for future in sorted(done, key=_rank):
                    made = future.result()
                    yield made
                    refusals.add(made)
        finally:
            self._stopped.set()
            threads.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """Close the connections."""
        self._stopped.set()
        self._client.close()

    def _sample(self, request: Request, number: int, sampling: Sampling) -> Sample | Failure:
        """One sample, tried until it is there or patience ends."""
        reason = ""
        for attempt in range(1, self._patience.attempts + 1):
            began = time.monotonic()
            try:
                answer = self._ask(request, number, sampling)
            except _RefusedError as error:
                return _Refusal(request.key, number, str(error), request.turn > 1 and error.too_long)
            except _RetryError as error:
                reason = self._told(error)
                last = attempt == self._patience.attempts
                if not last:
                    self._say_once(reason)
                if last or self._stopped.wait(_pause(self._patience.backoff_s, attempt, error.after_s)):
                    break
                continue
            return sample_of(answer, request.key, number, round(time.monotonic() - began, 3))
        return Failure(request.key, number, reason)

    def _ask(self, request: Request, number: int, sampling: Sampling) -> ChatCompletion:
        """One attempt.

        Raises:
            _RetryError: another attempt may help.
            _RefusedError: no attempt will, for this prompt.
            UsageError: nor for any other.
        """
        import openai

        deadline, limit_name = time.monotonic() + self._patience.timeout_s, self._limit_name
        try:
            return self._read(request, number, sampling, deadline, limit_name)
        except openai.APIStatusError as error:
            if self._takes_the_other_limit(error, limit_name):
                return self._ask(request, number, sampling)
            if error.status_code in _RETRIED or error.status_code >= 500:
                raise _RetryError(f"{error.status_code}: {error}", _retry_after(error.response.headers)) from error
            reason = self._told(error, f"{self.name} refuses ({error.status_code})")
            if error.status_code in _NO_ACCESS:
                raise UsageError(reason) from error
            raise _RefusedError(reason, _is_too_long(error)) from error
        except (openai.APIError, BrokenAnswerError, OSError) as error:
            raise _RetryError(f"{type(error).__name__}: {error}") from error
        except Exception as error:  # of the client's own transport, whose module changes with its versions
            if type(error).__module__.partition(".")[0] not in ("httpx", "httpx2", "httpcore", "httpcore2"):
                raise
            raise _RetryError(f"{type(error).__name__}: {error}") from error

    def _read(
        self, request: Request, number: int, sampling: Sampling, deadline: float, limit_name: str
    ) -> ChatCompletion:
        body = bytearray()
        with self._client.chat.completions.with_streaming_response.create(
            model=self._model,
            messages=list(request.messages),  # type: ignore[arg-type]
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            seed=request.seed(sampling, number),
            extra_body={limit_name: sampling.max_new_tokens},
        ) as response:
            for part in response.iter_bytes():
                body += part
                if len(body) > LARGEST_ANSWER:
                    raise BrokenAnswerError(f"an answer of over {LARGEST_ANSWER >> 20} MB")
                if time.monotonic() > deadline:
                    raise BrokenAnswerError(f"no whole answer in {self._patience.timeout_s:g} s")
        return completion_of(bytes(body))

    def _takes_the_other_limit(self, error: Exception, asked: str) -> bool:
        """Whether the endpoint says of a request that it calls the limit by its newer name."""
        if asked == "max_tokens" and "max_completion_tokens" in str(error):
            self._limit_name = "max_completion_tokens"
            return True
        return False

    def _say_once(self, reason: str) -> None:
        """Say once that it is asked again: trying may take long, and nothing else is seen of it."""
        with self._lock:
            first, self._has_said = not self._has_said, True
        if first:
            log.warning("%s does not answer as it should (%s); it is asked again", self.name, reason)

    def _told(self, error: Exception, before: str = "") -> str:
        """A short reason without the key in it."""
        text = " ".join(str(error).split())[:300]
        text = text.replace(self._key, "***") if len(self._key) > 4 else text
        return f"{before}: {text}" if before else text


def _is_too_long(error: APIStatusError) -> bool:
    said = f"{error} {error.code} {error.type}"
    return error.status_code == _TOO_LARGE or _TOO_LONG.search(said) is not None


class _RetryError(Exception):
    """An attempt has failed, and another may not; ``after_s``: not sooner."""

    def __init__(self, reason: str, after_s: float = 0.0) -> None:
        super().__init__(reason)
        self.after_s = after_s


class _RefusedError(Exception):
    """The endpoint does not take this request; it may take others. ``too_long``: it says that this one is too long."""

    def __init__(self, reason: str, too_long: bool) -> None:
        super().__init__(reason)
        self.too_long = too_long


@dataclass(frozen=True, slots=True)
class _Refusal(Failure):
    """A sample whose request was refused."""


class _Refusals:
    """Notices an endpoint that refuses whatever it is asked, as for a model that it does not have."""

    def __init__(self) -> None:
        self._prompts: set[int] = set()
        self._answers = False

    def add(self, made: Sample | Failure) -> None:
        """Take note of what has come.

        Raises:
            UsageError: nothing but refusals, of too many prompts.
        """
        self._answers |= isinstance(made, Sample)
        if isinstance(made, _Refusal) and not (self._answers or made.for_good):
            self._prompts.add(made.key)
            if len(self._prompts) >= _REFUSALS:
                raise UsageError(f"{made.reason} (so it was with each of the first {_REFUSALS} prompts)")


def _rank(future: Future[Sample | Failure]) -> int:
    """What has come is given out before what may end it all."""
    if future.exception():
        return 2
    return int(isinstance(future.result(), Failure))


def without_credentials(url: str) -> str:
    """The address without a user's name and password, and without a query."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _pause(backoff_s: float, attempt: int, after_s: float) -> float:
    grown = min(60.0, backoff_s * float(2 ** (attempt - 1)))
    return max(grown * random.uniform(0.5, 1.0), min(after_s, 300.0))


def _retry_after(headers: Mapping[str, str]) -> float:
    """Seconds; 0 where nothing is said, or a date."""
    value = headers.get("retry-after", "")
    return float(value) if re.fullmatch(r"\d{1,6}(\.\d{1,6})?", value) else 0.0
