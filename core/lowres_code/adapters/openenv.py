"""OpenEnv: an environment that asks for a program and judges it, as a server.

``LOWRES_CODE_LANGUAGE=prolog LOWRES_CODE_PROBLEMS=problems.jsonl uvicorn --factory lowres_code.adapters.openenv:app``
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import uuid4

from fastapi import FastAPI
from openenv.core.env_server.http_server import create_app
from openenv.core.env_server.interfaces import Environment
from openenv.core.env_server.types import Action, Observation, State
from pydantic import Field

from lowres_code.adapters.judging import Row, judged, language_of, messages_of, value_of
from lowres_code.adapters.tasks import asked, read_rows
from lowres_code.errors import UsageError

MOST_SESSIONS = 256  # each is a row and a number; programs run as many at a time as the judge has workers


class ProgramAction(Action):
    """What a model wrote, with a program somewhere in it."""

    completion: str


class ProgramObservation(Observation):
    """A question; after the step, what the judge says.

    Attributes:
        messages: the chat messages to ask a model with; empty after the step.
        verdict: ``correct``, ``wrong_answer``, ``syntax_error``, ...; empty before the step.
        diagnostics: what was said of the program, a line for each message.
    """

    messages: list[dict[str, str]] = Field(default_factory=list)
    verdict: str = ""
    diagnostics: str = ""


class ProgramsEnvironment(Environment[ProgramAction, ProgramObservation, State]):
    """Each episode is one problem and one program."""

    SUPPORTS_CONCURRENT_SESSIONS = True

    def __init__(self, language: str, rows: Sequence[Row], shots: int = 0) -> None:
        """Args:
        language: its name, or its file.
        rows: the problems.
        shots: so many of the language's worked examples are shown first.
        """
        super().__init__()
        self._language, self._rows, self._shots = language, rows, shots
        self._row: Row | None = None
        self._state = State()

    def reset(
        self, seed: int | None = None, episode_id: str | None = None, index: int | None = None, **_: Any
    ) -> ProgramObservation:
        """Begin an episode with the problem of that index, else with one that the seed chooses."""
        place = random.Random(seed).randrange(len(self._rows)) if index is None else index
        if not 0 <= place < len(self._rows):
            raise UsageError(f"there is no problem {place}: there are {len(self._rows)}, counted from 0")
        self._row = self._rows[place]
        self._state = State(episode_id=episode_id or str(uuid4()))
        messages = asked(language_of(self._language), str(self._row["question"]), self._shots)
        return ProgramObservation(messages=messages)

    def step(self, action: ProgramAction, timeout_s: float | None = None, **_: Any) -> ProgramObservation:
        """Judge the completion.

        The reward is 1 or 0. If the judge itself has failed it is ``None`` and the episode goes on: step again.

        Raises:
            UsageError: no episode has begun, or it has ended.
        """
        if self._row is None:
            raise UsageError("no episode has begun, or it has ended: call reset first, in the same session")
        judgement = judged(self._language, [action.completion], [self._row])[0]
        self._state.step_count += 1
        reward = value_of(judgement)
        if reward is not None:
            self._row = None
        return ProgramObservation(
            done=reward is not None, reward=reward, verdict=judgement.verdict, diagnostics=messages_of(judgement)
        )

    @property
    def state(self) -> State:
        """The episode's name and the number of its steps."""
        return self._state


def app() -> FastAPI:
    """The server, set up by ``LOWRES_CODE_LANGUAGE`` and ``LOWRES_CODE_PROBLEMS``.

    Raises:
        UsageError: one of these is not set, or there is no such language or file.
    """
    language = _setting("LOWRES_CODE_LANGUAGE")
    rows = read_rows(_setting("LOWRES_CODE_PROBLEMS"), language_of(language))
    made = partial(ProgramsEnvironment, language, rows)
    server: FastAPI = create_app(
        made, ProgramAction, ProgramObservation, env_name="lowres_code", max_concurrent_envs=MOST_SESSIONS
    )
    return server


def _setting(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise UsageError(f"the environment variable {name} must be set, for instance {name}={_EXAMPLES[name]}")
    return value


_EXAMPLES = {"LOWRES_CODE_LANGUAGE": "prolog", "LOWRES_CODE_PROBLEMS": "problems.jsonl"}
