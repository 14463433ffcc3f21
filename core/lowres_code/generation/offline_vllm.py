"""Completions by vLLM in this process: the fastest way on a GPU that it supports. Imported only when asked for."""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Iterator, Sequence
from typing import Any

from lowres_code.errors import UsageError
from lowres_code.generation.base import Failure, Generator, Request, Sample, Sampling, Stop

_INSTALL = 'pip install "lowres-code[vllm]"'
CHUNK = 256  # requests that are handed over together, so that samples come while others are made


class VllmGenerator(Generator):
    """A model that vLLM loads."""

    def __init__(self, folder: str, name: str, revision: str | None = None, dtype: str = "auto") -> None:
        """Args:
            folder: of the model, or its name on the hub.
            name: for people and records.
            revision: on the hub.
            dtype: as vLLM names it.

        Raises:
            UsageError: vLLM is not installed, or cannot load the model.
        """
        if importlib.util.find_spec("vllm") is None:
            raise UsageError(f'model.engine = "vllm" needs a package: {_INSTALL}')
        os.environ.setdefault("VLLM_LOGGING_LEVEL", "WARNING")
        os.environ.setdefault("VLLM_LOGGING_STREAM", "ext://sys.stderr")  # standard output is for figures
        try:
            import vllm
            from vllm.exceptions import VLLMClientError, VLLMServerError
        except ImportError as error:
            raise UsageError(f"this version of vLLM cannot be used ({error}): {_INSTALL}") from error
        self._refusals, self._failure = (ValueError, VLLMClientError), VLLMServerError
        self.name = name
        try:
            self._engine: Any = vllm.LLM(model=folder, revision=revision, dtype=dtype)
        except (OSError, ValueError, RuntimeError) as error:
            raise UsageError(f"vLLM cannot load {name!r}: {error}") from error

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> Iterator[Sample | Failure]:
        """See `Generator.generate`."""
        for start in range(0, len(requests), CHUNK):
            yield from self._together(requests[start : start + CHUNK], sampling)

    def _together(self, some: Sequence[Request], sampling: Sampling) -> Iterator[Sample | Failure]:
        """The samples of some requests; where chats are refused that have grown too long, each by itself."""
        began = time.monotonic()
        parameters = [self._parameters(request, sampling) for request in some]
        try:
            outputs = self._engine.chat([list(request.messages) for request in some], parameters, use_tqdm=False)
        except self._refusals as error:  # a prompt that does not fit, an option that it refuses
            yield from self._refused(some, sampling, error)
        except self._failure as error:  # its engine, a process of its own, has ended: its log says why
            yield from _failures(some, f"vLLM has failed: {error}")
        else:
            seconds = round(time.monotonic() - began, 3)
            for request, output in zip(some, outputs, strict=True):
                yield from _samples(request, output, sampling, seconds)

    def _refused(self, some: Sequence[Request], sampling: Sampling, error: Exception) -> Iterator[Sample | Failure]:
        reason = f"vLLM refuses what {self.name!r} is asked: {error}"
        if any(request.turn == 1 for request in some):
            raise UsageError(reason) from error
        if len(some) == 1:
            yield from _failures(some, reason, for_good=True)
            return
        for request in some:
            yield from self._together([request], sampling)

    def _parameters(self, request: Request, sampling: Sampling) -> Any:
        import vllm

        return vllm.SamplingParams(
            n=len(request.numbers) if sampling.temperature else 1,  # greedy ones are all the same
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            max_tokens=sampling.max_new_tokens,
            seed=request.seed(sampling, request.numbers[0]),
        )


def _samples(request: Request, output: Any, sampling: Sampling, seconds: float) -> Iterator[Sample]:
    every = output.outputs if sampling.temperature else output.outputs * len(request.numbers)
    for number, made in zip(request.numbers, every, strict=True):
        stop: Stop = "length" if made.finish_reason == "length" else "stop"
        yield Sample(request.key, number, made.text, len(made.token_ids), stop, seconds)


def _failures(some: Sequence[Request], reason: str, for_good: bool = False) -> Iterator[Failure]:
    for request in some:
        yield from (Failure(request.key, number, reason, for_good) for number in request.numbers)
