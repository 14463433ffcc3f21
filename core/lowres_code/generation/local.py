"""Completions by a model in this process, through transformers.

The samples of one prompt share its prefill: the prompt is read once and its cache copied for each of them. Longest
prompts come first, so that what does not fit into memory fails at once; the batch is halved then. Completions that
have ended leave the batch every `SEGMENT` tokens, so that one that rambles on does not make the others' places cost.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lowres_code.errors import UsageError
from lowres_code.generation.base import Failure, Generator, Request, Sample, Sampling, Stop, seed_of

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

SEGMENT = 32  # tokens; fewer cost more calls, more keep ended completions longer
LARGEST_BATCH = {"cpu": 32, "cuda": 256}  # samples at a time to begin with, where a recipe says nothing


@dataclass(frozen=True, slots=True)
class _Prompt:
    """A request as tokens."""

    request: Request
    tokens: list[int]


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
        """See `Generator.generate`; those of a batch come together.

        A batch that did not end is no sample of anything: the short ones of it would be kept, and the long ones drawn
        again.
        """
        prompts = sorted(map(self._prompt, requests), key=lambda prompt: len(prompt.tokens), reverse=True)
        if prompts:
            self._must_fit(prompts[0], sampling)
        was_training = self._model.training
        self._model.eval()
        try:
            while prompts:
                try:
                    made = list(self._batch(_first_samples(prompts, self._batch_size), sampling))
                except (RuntimeError, MemoryError) as error:
                    self._halve(error)
                    continue
                yield from made
                prompts = _without(prompts, {(sample.key, sample.number) for sample in made})
        finally:
            self._model.train(was_training)

    def _prompt(self, request: Request) -> _Prompt:
        text = self._tokenizer.apply_chat_template(list(request.messages), add_generation_prompt=True, tokenize=False)
        return _Prompt(request, list(self._tokenizer(str(text), add_special_tokens=False)["input_ids"]))

    def _must_fit(self, longest: _Prompt, sampling: Sampling) -> None:
        context = getattr(self._model.config.get_text_config(), "max_position_embeddings", None)
        if context and len(longest.tokens) + sampling.max_new_tokens > context:
            raise UsageError(
                f"a prompt of {len(longest.tokens)} tokens and {sampling.max_new_tokens} new ones do not fit into the "
                f"{context} tokens of {self.name!r}: --set eval.max_new_tokens={max(1, context - len(longest.tokens))}"
            )

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

    def _batch(self, prompts: Sequence[_Prompt], sampling: Sampling) -> Iterator[Sample]:
        began = time.monotonic()
        places = [(prompt.request.key, number) for prompt in prompts for number in prompt.request.numbers]
        batch = Batch(self._model, self._options(sampling), sampling.max_new_tokens)
        batch.prefill(self._padded(prompts), [len(prompt.request.numbers) for prompt in prompts])
        while batch.rows:
            ended = batch.decode(seed_of(sampling.seed, *places[batch.rows[0]], batch.made))
            seconds = round(time.monotonic() - began, 3)
            for row, tokens, stop in ended:
                text = str(self._tokenizer.decode(tokens, skip_special_tokens=True))
                yield Sample(*places[row], text, len(tokens), stop, seconds)

    def _padded(self, prompts: Sequence[_Prompt]) -> Any:
        padded = self._tokenizer.pad({"input_ids": [prompt.tokens for prompt in prompts]}, return_tensors="pt")
        return padded.to(self._model.device)

    def _end_tokens(self) -> list[int]:
        """The model's own and the tokenizer's."""
        own = self._model.generation_config.eos_token_id
        listed = own if isinstance(own, list) else [own]
        return sorted({int(token) for token in (*listed, self._tokenizer.eos_token_id) if token is not None})

    def _options(self, sampling: Sampling) -> dict[str, Any]:
        """As TRL samples: no penalty and no cut of the distribution that a model's own configuration brings."""
        drawn = {"do_sample": True, "temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": 0}
        return {
            **(drawn if sampling.temperature > 0 else {"do_sample": False, "temperature": 1.0, "top_p": 1.0}),
            "repetition_penalty": 1.0,
            "min_p": None,
            "eos_token_id": self._end_tokens(),
            "pad_token_id": self._tokenizer.pad_token_id,
        }


class Batch:
    """Completions that are made together, a row each.

    Attributes:
        rows: of those that have not ended.
        made: tokens that each of these has so far.
    """

    def __init__(self, model: PreTrainedModel, options: dict[str, Any], most: int) -> None:
        """Args:
        model: in any mode.
        options: of its ``generate``, ``eos_token_id`` (a list) among them.
        most: tokens of a completion.
        """
        self._model, self._options, self._most = model, options, most
        self._ends = options["eos_token_id"]
        self.rows: list[int] = []
        self.made = 0

    def prefill(self, padded: Any, samples: Sequence[int]) -> None:
        """Read each prompt once, but for its last token, and copy its cache for each of its samples."""
        import torch
        from transformers import DynamicCache

        ids, mask = padded["input_ids"], padded["attention_mask"]
        self._cache: Any = DynamicCache(config=self._model.config)
        with torch.inference_mode():
            if ids.shape[1] > 1:
                positions = (mask.cumsum(-1) - 1).clamp(min=0)
                self._model(
                    input_ids=ids[:, :-1],
                    attention_mask=mask[:, :-1],
                    position_ids=positions[:, :-1],
                    cache=self._cache,
                    use_cache=True,
                    logits_to_keep=1,
                )
            each = torch.tensor(samples, device=ids.device)
            self._start = ids.shape[1]
            self._keep(torch.arange(len(samples), device=ids.device).repeat_interleave(each), ids, mask)
        self.rows = list(range(sum(samples)))

    def decode(self, seed: int) -> list[tuple[int, list[int], Stop]]:
        """Write at most `SEGMENT` tokens more; the row, the tokens and the end of each completion that has ended."""
        import torch

        with torch.inference_mode(), torch.random.fork_rng():
            torch.manual_seed(seed)
            output = self._model.generate(
                input_ids=self._ids,
                attention_mask=self._mask,
                cache=self._cache,
                max_new_tokens=min(SEGMENT, self._most - self.made),
                use_cache=True,
                return_dict_in_generate=True,
                **self._options,
            )
            ids, self._cache = output.sequences, output.cache
            self.made = ids.shape[1] - self._start
            new = ids[:, self._start :].tolist()
            ended = [(row, *_until_end(tokens, self._ends)) for row, tokens in zip(self.rows, new, strict=True)]
            over = self.made >= self._most
            going = [] if over else [place for place, (_, _, stop) in enumerate(ended) if stop == "length"]
            self.rows = [self.rows[place] for place in going]
            if going:
                mask = torch.nn.functional.pad(self._mask, (0, ids.shape[1] - self._mask.shape[1]), value=1)
                self._keep(torch.tensor(going, device=ids.device), ids, mask)
        return [end for end in ended if over or end[2] == "stop"]

    def _keep(self, places: torch.Tensor, ids: torch.Tensor, mask: torch.Tensor) -> None:
        self._cache.batch_select_indices(places)
        self._ids, self._mask = ids[places], mask[places]


def _first_samples(prompts: Sequence[_Prompt], most: int) -> list[_Prompt]:
    """The first ``most`` samples of the prompts; the last prompt's may be a part of what it wants."""
    chosen: list[_Prompt] = []
    for prompt in prompts:
        numbers = prompt.request.numbers[:most]
        if not numbers:
            break
        request = prompt.request
        chosen.append(_Prompt(Request(request.key, request.messages, numbers), prompt.tokens))
        most -= len(numbers)
    return chosen


def _without(prompts: Sequence[_Prompt], done: Collection[tuple[int, int]]) -> list[_Prompt]:
    """What is left when some samples, by key and number, are done."""
    left = []
    for prompt in prompts:
        request = prompt.request
        numbers = tuple(number for number in request.numbers if (request.key, number) not in done)
        if numbers:
            left.append(_Prompt(Request(request.key, request.messages, numbers), prompt.tokens))
    return left


def _until_end(tokens: list[int], ends: Collection[int]) -> tuple[list[int], Stop]:
    """The tokens up to the first end token, which is kept; ``"length"`` if there is none."""
    place = next((place for place, token in enumerate(tokens) if token in ends), None)
    return (tokens, "length") if place is None else (tokens[: place + 1], "stop")


def _is_out_of_memory(error: Exception) -> bool:
    import torch

    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error)
