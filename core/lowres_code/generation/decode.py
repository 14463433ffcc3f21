"""From prompts to completions, as tokens: a model in this process that is kept busy.

Four things make it faster than ``model.generate`` on the same prompts. What all prompts begin with, as the system's
message and the worked examples, is read once. The samples of one prompt share its prefill: the prompt is read once, and
its cache copied for each of them. A completion that has ended leaves the batch, and a waiting one takes its place
(continuous batching, as in Orca, Yu et al., OSDI 2022), so that one that rambles on does not make the others wait. And
a token is drawn by one random number through the cumulated distribution, not by one for each word of the vocabulary. On
a CPU, the cache has room and wide products are oneDNN's.

Each completion has random numbers of its own. So what it will be does not depend on what is written beside it, but for
rounding; one that is begun again becomes what it would have been.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, TypeVar

from lowres_code.generation.live import Draft, Live

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

K = TypeVar("K")

SHORTEST = 16  # tokens that prompts begin with alike, for it to be worth while to read them by themselves
EVERY = 16  # tokens after which ended completions leave the batch and waiting ones join; both cost a copy of the cache


class Decoder:
    """Writes drafts with a model, some at a time."""

    def __init__(
        self,
        model: PreTrainedModel,
        ends: Collection[int],
        most: int,
        rows: int,
        temperature: float = 1.0,
        top_p: float = 1.0,
        top_k: int = 0,
        timed: Callable[[str], AbstractContextManager[None]] = lambda _: nullcontext(),
    ) -> None:
        """Args:
        model: in evaluation mode.
        ends: tokens that end a completion.
        most: tokens of a completion; one that reaches it is cut.
        rows: drafts that are written side by side, at most.
        temperature: 0 takes the likeliest token each time.
        top_p: nucleus sampling (arXiv 1904.09751); 1 keeps every token.
        top_k: only so many of the likeliest tokens can be drawn; 0 keeps every token.
        timed: what happens in ``with timed("prefill")`` and ``with timed("decode")`` is the work of that part.
        """
        self._model, self._ends, self._most, self._rows = model, frozenset(ends), most, rows
        self._temperature, self._top_p, self._top_k = temperature, top_p, top_k
        self._timed = timed

    def write(self, drafts: Sequence[Draft[K]], tell: Callable[[str], None] = lambda _: None) -> Iterator[Draft[K]]:
        """The drafts, each when it has ended.

        Args:
            drafts: in the order in which they are begun; with the longest prompts first there is the least padding.
            tell: called now and then with how far it is, for people.
        """
        from lowres_code.generation.onednn import WideProducts

        alike = _alike([draft.prompt for draft in drafts]) if _sees_all(self._model) else []
        waiting, live, products = list(drafts)[::-1], Live[K](self._model, alike), WideProducts(self._model)
        while waiting or live.drafts:
            joining = _next(waiting, self._rows - len(live.drafts), alone=not live.drafts)
            with self._timed("prefill" if joining else "decode"):
                if joining:
                    self._join(live, joining)
                else:
                    with products:
                        self._steps(live)
                ended = live.leave()
            yield from ended
            longest = max((len(draft.tokens) for draft in live.drafts), default=0)
            tell(f"{len(live.drafts)} being written, up to {longest} tokens so far, {len(waiting)} waiting")

    def _join(self, live: Live[K], drafts: list[Draft[K]]) -> None:
        """Read the prompts of drafts, and write the first token of each."""
        for draft in drafts:
            draft.begin()
        self._draw(live.join(drafts), drafts)

    def _steps(self, live: Live[K]) -> None:
        """Write some tokens more."""
        for _ in range(EVERY):
            self._draw(live.step(), live.drafts)
            if all(draft.stop for draft in live.drafts):
                return

    def _draw(self, logits: torch.Tensor, drafts: Sequence[Draft[K]]) -> None:
        """One token more for each draft that has not ended; ``logits`` has a row for each draft."""
        if self._temperature == 0:
            chosen = logits.argmax(-1)
        else:
            numbers = [0.0 if draft.stop else draft.draw() for draft in drafts]
            chosen = sample(logits / self._temperature, numbers, self._top_p, self._top_k)
        for draft, token in zip(drafts, chosen.tolist(), strict=True):
            if not draft.stop:
                draft.add(token, self._ends, self._most)


def sample(logits: torch.Tensor, numbers: Sequence[float], top_p: float = 1.0, top_k: int = 0) -> torch.Tensor:
    """The token of each row at which the cumulated distribution passes that row's random number.

    Args:
        logits: rows by vocabulary.
        numbers: a number in [0, 1) for each row.
        top_p: the likeliest tokens that have this share together are kept, and the others cannot be drawn.
        top_k: before that, so many of the likeliest are kept; 0 keeps all.
    """
    import torch

    with torch.inference_mode():
        order = None
        if top_k or top_p < 1:
            logits, order = logits.topk(min(top_k, logits.shape[-1]) if top_k else logits.shape[-1])
        shares = torch.softmax(logits.float(), dim=-1).double()  # float32 is too short for a sum over 150,000 words
        if top_p < 1:
            shares = shares.masked_fill(shares.cumsum(-1) - shares >= top_p, 0)
        sums = shares.cumsum(-1)
        wanted = torch.tensor(numbers, dtype=sums.dtype, device=sums.device)[:, None] * sums[:, -1:]
        places = torch.searchsorted(sums, wanted, right=True).clamp(max=sums.shape[-1] - 1)
        return (places if order is None else order.gather(-1, places)).squeeze(-1)


def _next(waiting: list[Draft[K]], room: int, alone: bool) -> list[Draft[K]]:
    """The next drafts, taken from the end of ``waiting``; samples of one prompt together, unless they can never fit."""
    taken: list[Draft[K]] = []
    while waiting:
        same = sum(1 for _ in itertools.takewhile(lambda draft: draft.prompt is waiting[-1].prompt, reversed(waiting)))
        if same > room - len(taken):
            if taken or not alone:
                break
            same = room
        taken += [waiting.pop() for _ in range(same)]
    return taken


def _alike(prompts: Sequence[Sequence[int]]) -> list[int]:
    """What all prompts begin with; of each something is left. Nothing where that is short, or there is one prompt."""
    distinct = {id(prompt): list(prompt) for prompt in prompts}
    together = zip(*(prompt[:-1] for prompt in distinct.values()), strict=False)
    alike = [tokens[0] for tokens in itertools.takewhile(lambda tokens: len(set(tokens)) == 1, together)]
    return alike if len(distinct) > 1 and len(alike) >= SHORTEST else []


def _sees_all(model: PreTrainedModel) -> bool:
    """Whether each layer looks back at all tokens: padding between two of them is nothing then but a column more."""
    config = model.config.get_text_config()
    layers = getattr(config, "layer_types", None)
    return all(kind == "full_attention" for kind in layers) if layers else not getattr(config, "sliding_window", None)
