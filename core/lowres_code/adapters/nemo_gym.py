"""NeMo Gym: a resources server whose ``verify`` judges a program.

``python -m lowres_code.adapters.nemo_gym prolog`` writes it to ``resources_servers/lowres_code`` for ``gym env start``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from fastapi import HTTPException
from nemo_gym.base_resources_server import (
    BaseResourcesServerConfig,
    BaseVerifyRequest,
    BaseVerifyResponse,
    SimpleResourcesServer,
)
from pydantic import ConfigDict
from starlette.concurrency import run_in_threadpool

from lowres_code.adapters.judging import must_work, surely_judged
from lowres_code.api import find_language
from lowres_code.errors import JudgeError, LowresCodeError, UsageError


class ProgramsConfig(BaseResourcesServerConfig):
    """Options of the server.

    Attributes:
        language: its name, or its file.
    """

    language: str


class ProgramVerifyRequest(BaseVerifyRequest):
    """A model's response, and the row of the data set with what is right under the keys of a problem."""

    model_config = ConfigDict(extra="allow")


class ProgramVerifyResponse(BaseVerifyResponse):
    """The reward, and the verdict that it stands for."""

    model_config = ConfigDict(extra="allow")

    verdict: str


class ProgramsServer(SimpleResourcesServer):
    """Judges programs of one language."""

    config: ProgramsConfig

    async def verify(self, body: ProgramVerifyRequest) -> ProgramVerifyResponse:
        """1 for a right program, 0 for another.

        Raises:
            HTTPException: 503 where the judge itself has failed or does not work, so that the rollout fails and is no
                wrong one; 422 where the row does not say what is right.
        """
        language, row = self.config.language, body.model_extra or {}
        try:
            await run_in_threadpool(must_work, language)
        except LowresCodeError as error:
            raise HTTPException(503, str(error)) from error
        try:
            judgement = await run_in_threadpool(surely_judged, language, body.response.output_text, row)
        except JudgeError as error:
            raise HTTPException(503, str(error)) from error
        except UsageError as error:
            raise HTTPException(422, str(error)) from error
        found = {"reward": float(judgement.correct), "verdict": judgement.verdict}
        judged: ProgramVerifyResponse = ProgramVerifyResponse.model_validate({**body.model_dump(), **found})
        return judged


_FILES = {
    "app.py": "from lowres_code.adapters.nemo_gym import ProgramsServer\n\nProgramsServer.run_webserver()\n",
    "requirements.txt": "nemo-gym\nlowres-code\n",
    "configs/lowres_code.yaml": """\
lowres_code:
  resources_servers:
    lowres_code:
      entrypoint: app.py
      domain: coding
      language: LANGUAGE
lowres_code_simple_agent:
  responses_api_agents:
    simple_agent:
      entrypoint: app.py
      resources_server:
        type: resources_servers
        name: lowres_code
      model_server:
        type: responses_api_models
        name: policy_model
""",
}


def write(language: str, folder: Path) -> Path:
    """Write the server of a language below ``folder``, where NeMo Gym looks for servers.

    Raises:
        UsageError: one of its files is there already.
    """
    server = folder / "resources_servers" / "lowres_code"
    there = next((server / name for name in _FILES if (server / name).exists()), None)
    if there is not None:
        raise UsageError(f"{str(there)!r} is there already; nothing was written")
    for name, text in _FILES.items():
        (server / name).parent.mkdir(parents=True, exist_ok=True)
        (server / name).write_text(text.replace("LANGUAGE", json.dumps(language)))
    return server


def main(words: list[str]) -> None:
    """Write the server of the language that is named, into the current folder."""
    if len(words) != 1:
        sys.exit("which language? python -m lowres_code.adapters.nemo_gym prolog")
    language = words[0]
    try:
        find_language(language)
        print(write(language, Path()))
    except UsageError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv[1:])
