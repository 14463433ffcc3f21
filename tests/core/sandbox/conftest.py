"""A worker, and what is asked of it."""

from __future__ import annotations

from collections.abc import Iterator

import psutil
import pytest
from lowres_code.language.base import Execution, Limits
from lowres_code.problem import Test
from lowres_code.sandbox.client import WorkerClient

from tests.conftest import PROLOG

RIGHT = "solve(X) :- X is 6 * 7."


@pytest.fixture
def client() -> Iterator[WorkerClient]:
    client = WorkerClient(PROLOG, "namespaces")
    yield client
    client.release()


def run(
    client: WorkerClient,
    program: str,
    limits: Limits | None = None,
    stdin: str = "",
    expected: str | None = None,
) -> Execution:
    return client.ask("execute", program, Test(expected, stdin), limits or Limits())


def worker_processes(client: WorkerClient) -> list[psutil.Process]:
    process = client._process
    return [] if process is None else psutil.Process(process.pid).children(recursive=True)
