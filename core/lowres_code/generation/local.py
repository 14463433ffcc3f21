"""Completions by a model in this process, through transformers; see `lowres_code.generation.decode` for how."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from lowres_code.errors import UsageError
from lowres_code.generation.base import Failure, Generator, Request, Sample, Sampling
from lowres_code.generation.decode import Decoder
from lowres_code.generation.live import Draft
from lowres_code.generation.models import prompt_text

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_Prompt = tuple[list[int], Request]  # its tokens, and what is wanted of it
LARGEST_BATCH = {"cpu": 64, "cuda": 256}  # samples at a time to begin with, where a recipe says nothing


class LocalGenerator(Generator):
    """A model and its tokenizer."""

    def __init__(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, name: str, batch_size: int | None = None
    ) -> None:
        """Args:
        model: in any mode; it is left as it was.
        tokenizer: pads on the left and has a chat template.
        name: for people and records.
        batch_size: samples at a time, at most; by default as many as fit, found by trying.
        """
        self.name = name
        self._model, self._tokenizer = model, tokenizer
        self._batch_size = batch_size or LARGEST_BATCH.get(model.device.type, LARGEST_BATCH["cuda"])

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> Iterator[Sample | Failure]:
        """See `Generator.generate`; longest prompts come first, so that what does not fit into memory fails at once."""
        fitting, failures = self._fitting([(self._tokens(request), request) for request in requests], sampling)
        yield from failures
        drafts = self._drafts(fitting, sampling)
        was_training = self._model.training
        self._model.eval()
        try:
            while drafts:
                try:
                    for draft in self._decoder(sampling).write(drafts, self.tell):
                        drafts.remove(draft)
                        yield self._sample(draft)
                except (RuntimeError, MemoryError) as error:  # noqa: PERF203 - each try may halve the batch
                    self._halve(error)
        finally:
            self._model.train(was_training)

    def _drafts(self, prompts: Sequence[_Prompt], sampling: Sampling) -> list[Draft[tuple[int, int]]]:
        """The samples that are wanted, those with the longest prompts first."""
        return [
            Draft(tokens, request.seed(sampling, number), (request.key, number))
            for tokens, request in sorted(prompts, key=lambda prompt: -len(prompt[0]))
            for number in request.numbers
        ]

    def _tokens(self, request: Request) -> list[int]:
        text = prompt_text(self._tokenizer, request.messages)
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def _fitting(self, prompts: Sequence[_Prompt], sampling: Sampling) -> tuple[list[_Prompt], list[Failure]]:
        """The prompts that fit into the model's context, and the samples of chats that have grown too long.

        Raises:
            UsageError: a first prompt does not fit.
        """
        context = getattr(self._model.config.get_text_config(), "max_position_embeddings", None)
        room = context - sampling.max_new_tokens if context else math.inf
        fitting = [prompt for prompt in prompts if len(prompt[0]) <= room]
        failures = []
        for tokens, request in sorted(prompts, key=lambda prompt: -len(prompt[0])):
            if len(tokens) <= room:
                break
            reason = (
                f"a prompt of {len(tokens)} tokens and {sampling.max_new_tokens} new ones do not fit into the "
                f"{context} tokens of {self.name!r}"
            )
            if request.turn == 1:
                raise UsageError(f"{reason}: --set eval.max_new_tokens={max(1, (context or 0) - len(tokens))}")
            failures += [Failure(request.key, number, reason, for_good=True) for number in request.numbers]
        return fitting, failures

    def _decoder(self, sampling: Sampling) -> Decoder:
        return Decoder(
            self._model,
            end_tokens(self._model, self._tokenizer),
            sampling.max_new_tokens,
            self._batch_size,
            sampling.temperature,
            sampling.top_p,
        )

    def _sample(self, draft: Draft[tuple[int, int]]) -> Sample:
        key, number = draft.key
        text = str(self._tokenizer.decode(draft.tokens, skip_special_tokens=True))
        seconds = round(time.monotonic() - draft.began, 3)
        return Sample(key, number, text, len(draft.tokens), draft.stop or "length", seconds)

    def _halve(self, error: Exception) -> None:
        """A smaller batch, if it was memory that was missing."""
        import torch

        if not _is_out_of_memory(error):
            raise error
        if self._batch_size == 1:
            raise UsageError(f"one completion of {self.name!r} does not fit into memory ({error})") from error
        self._batch_size //= 2
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def end_tokens(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """The tokens that end a completion: the model's own and the tokenizer's."""
    own = model.generation_config.eos_token_id
    listed = own if isinstance(own, list) else [own]
    return sorted({int(token) for token in (*listed, tokenizer.eos_token_id) if token is not None})


def _is_out_of_memory(error: Exception) -> bool:
    import torch

    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error)
