"""The server of OpenEnv's with its own client: prints what each step gave."""

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import failing  # noqa: F401 - on the program that answers 666
import uvicorn
from lowres_code.adapters.openenv import app
from openenv.core.generic_client import GenericEnvClient


@contextmanager
def kept(found: list[object]) -> Iterator[None]:
    """What is refused is told."""
    try:
        yield
    except RuntimeError as error:
        found.append(str(error))


problems, *texts = sys.argv[1:]
os.environ |= {"LOWRES_CODE_LANGUAGE": "lua", "LOWRES_CODE_PROBLEMS": problems}
server = uvicorn.Server(uvicorn.Config(app, factory=True, port=0, log_level="warning"))
thread = threading.Thread(target=server.run, daemon=True)
thread.start()
while not server.started and thread.is_alive():
    time.sleep(0.05)
port = server.servers[0].sockets[0].getsockname()[1]
found: list[object] = []
with GenericEnvClient(base_url=f"http://127.0.0.1:{port}").sync() as client:
    for index, text in enumerate(texts):
        asked = client.reset(index=index).observation["messages"][-1]["content"]
        step = client.step({"completion": text})
        found.append([asked, step.reward, step.done, step.observation["verdict"], step.observation["diagnostics"]])
    client.reset(index=0)
    client.step({"completion": texts[0]})
    with kept(found):
        client.step({"completion": texts[0]})
    with kept(found):
        client.reset(index=len(texts))
print(json.dumps(found))
server.should_exit = True
thread.join()
