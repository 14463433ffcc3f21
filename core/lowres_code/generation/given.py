"""Completions that somebody has already written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lowres_code.generation.base import Failure, Generator, Request, Sample, Sampling


class GivenGenerator(Generator):
    """Answers each request with the text that stands at its key; it is the same however it is asked."""

    def __init__(self, texts: Sequence[str | Sequence[str]], name: str) -> None:
        """Args:
        texts: by the keys of the requests; of several turns, a list of texts. After the last there is nothing.
        name: for records.
        """
        self.name = name
        self._texts = [(texts,) if isinstance(texts, str) else texts for texts in texts]

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> Iterator[Sample | Failure]:
        """See `Generator.generate`; nobody has counted the tokens."""
        for request in requests:
            turns = self._texts[request.key]
            for number in request.numbers:
                if request.turn <= len(turns):
                    yield Sample(request.key, number, turns[request.turn - 1], None, "stop", 0.0)
                else:
                    yield Failure(request.key, number, f"nothing is given for turn {request.turn}", for_good=True)
