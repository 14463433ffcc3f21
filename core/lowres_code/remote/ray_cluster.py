"""A Ray cluster as its driver sees it: connecting, nodes, and one judge at each."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import re
import secrets
import socket
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from lowres_code.errors import JudgeError, UsageError
from lowres_code.remote.ray_node import NodeJudge

LOCAL = "local"
_ADDRESS = re.compile(r"(?P<client>ray://)?(?P<host>[\w.-]+|\[[\da-fA-F:]+\]):(?P<port>\d{1,5})")
_CONNECT_S = _CLOSE_S = 5.0
_LOOK_S = 0.5  # so often somebody who waits looks whether to go on


class NodeLostError(Exception):
    """The judge at a node has gone, or does not answer."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node on which programs can be run.

    Attributes:
        id: Ray's.
        name: for people.
        cores: that it gives to Ray.
    """

    id: str
    name: str
    cores: int


def check_address(address: str) -> str:
    """The address, if it is one: ``local``, ``auto``, ``HOST:PORT`` or ``ray://HOST:PORT``.

    Raises:
        UsageError: it is none.
    """
    if address not in (LOCAL, "auto") and not _ADDRESS.fullmatch(address):
        raise UsageError(
            f"{address!r} is not the address of a Ray cluster: must be 'local' (start one here), 'auto' (that of this "
            "machine), HOST:PORT or ray://HOST:PORT"
        )
    return address


class Cluster:
    """A connection to a cluster. A process has one at a time: where Ray is connected already, that is taken."""

    def __init__(self, address: str) -> None:
        """Address: see `check_address`; ``local`` starts a Ray of one node, which ends with this.

        Raises:
            UsageError: it is no address, or Ray is not installed.
            JudgeError: nothing answers there, or it cannot be joined.
        """
        check_address(address)
        self._ray = _ray(address)
        self._own = not self._ray.is_initialized()
        if self._own:
            _connect(self._ray, address)

    def nodes(self) -> list[Node]:
        """Those that are alive and have cores for Ray; none while the cluster does not say."""
        try:
            known = self._ray.nodes()
        except Exception:  # its head is being replaced
            return []
        alive = [one for one in known if one["Alive"] and one["Resources"].get("CPU", 0) >= 1]
        return [Node(one["NodeID"], _name_of(one), int(one["Resources"]["CPU"])) for one in alive]

    def judge_at(self, node: Node, size: int, goes_on: Callable[[], bool]) -> PlacedJudge:
        """A judge with so many workers at a node; it comes up when that many of the node's cores are free."""
        return PlacedJudge(self._ray, node, size, goes_on)

    def close(self) -> None:
        """End the connection, if it was made here."""
        if self._own:
            self._ray.shutdown()


class PlacedJudge:
    """The judge at a node, as its driver sees it."""

    def __init__(self, ray: ModuleType, node: Node, size: int, goes_on: Callable[[], bool]) -> None:
        """goes_on: whether to wait any longer; who does looks now and then."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self._ray, self._node, self._goes_on = ray, node, goes_on
        where = NodeAffinitySchedulingStrategy(node_id=node.id, soft=False)
        self._actor = ray.remote(NodeJudge).options(num_cpus=size, scheduling_strategy=where).remote(size)

    def ask(self, method: str, *given: Any, within_s: float = math.inf) -> Any:
        """What a method of `NodeJudge` gives.

        Raises:
            NodeLostError: the judge or its node has gone, or it does not answer in time, or nobody wants to wait.
        """
        try:
            answer = getattr(self._actor, method).remote(*given)
            self._wait(answer, within_s)
            return self._ray.get(answer)
        except Exception as error:  # Ray has many, and those of its client differ
            raise NodeLostError(f"node {self._node.name}: {_said(error)}") from error

    def _wait(self, answer: Any, within_s: float) -> None:
        until = time.monotonic() + within_s
        while not self._ray.wait([answer], timeout=_LOOK_S)[0]:
            if time.monotonic() > until or not self._goes_on():
                raise TimeoutError("it does not answer")

    def end(self, gently: bool) -> None:
        """End it; gently: let it clean up, if it has come up."""
        with contextlib.suppress(Exception):  # it is gone, or the whole cluster
            if gently:
                self._ray.wait([self._actor.close.remote()], timeout=_CLOSE_S)
            self._ray.kill(self._actor)


def _ray(address: str) -> ModuleType:
    needed = ["ray", "grpc"] if address.startswith("ray://") else ["ray"]
    if any(find_spec(name) is None for name in needed):
        raise UsageError("judging by Ray needs a package: pip install 'lowres-code[ray]'")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # what Ray warns of at each start
    if address == LOCAL:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it tells nobody
        # Whoever reaches a Ray can run anything there, and it listens to all networks: this one wants a word.
        os.environ.setdefault("RAY_AUTH_MODE", "token")
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    else:
        os.environ.setdefault("RAY_gcs_server_port_wait_time_s", "1")  # tries; of 20, each takes most of a minute
    return import_module("ray")


def _connect(ray: ModuleType, address: str) -> None:
    if found := _ADDRESS.fullmatch(address):
        _must_listen(address, found["host"].strip("[]"), int(found["port"]))
    own = {"include_dashboard": False} if address == LOCAL else {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they say again what the error says
            ray.init(address, log_to_driver=False, logging_level=logging.ERROR, **own)
    except Exception as error:  # connection errors, mismatched versions, no space for its files
        if address == "auto" and isinstance(error, ConnectionError):
            raise JudgeError("no Ray runs on this machine: name an address, or start one: ray start --head") from error
        raise JudgeError(f"the Ray cluster {address!r} cannot be used: {_said(error)}") from error


def _must_listen(address: str, host: str, port: int) -> None:
    """Ray itself takes a minute to say so, or ends the process."""
    try:
        socket.create_connection((host, port), timeout=_CONNECT_S).close()
    except (OSError, OverflowError) as error:
        raise JudgeError(f"no Ray cluster answers at {address!r}: {error}") from error


def _name_of(known: dict[str, Any]) -> str:
    return " ".join(dict.fromkeys([known["NodeManagerHostname"], f"({known['NodeName']})"]))


def _said(error: Exception) -> str:
    """Ray's errors have traces in them, with the reason at their end."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines or [type(error).__name__])[-1][:500]
