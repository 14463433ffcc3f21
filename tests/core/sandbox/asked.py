"""What comes to the workers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from lowres_code.problem import Test
from lowres_code.sandbox.client import WorkerClient
from lowres_code.sandbox.dispatch import Dispatcher
from lowres_code.sandbox.question import Question


@contextmanager
def begun() -> Iterator[list[Test]]:
    """The tests that are asked for from now on, as they first come to a worker; not what is still on its way."""
    run: list[Test] = []
    asked: set[Question] = set()
    take, send = Dispatcher.take, WorkerClient.send

    def taken(dispatcher: Dispatcher, question: Question) -> bool:
        asked.add(question)
        return take(dispatcher, question)

    def sent(client: WorkerClient, question: Question) -> list[Question]:
        if question in asked:  # and not for the second time: taken back, or for its syntax
            asked.discard(question)
            run.append(question._test)
        return send(client, question)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Dispatcher, "take", taken)
        patch.setattr(WorkerClient, "send", sent)
        yield run
