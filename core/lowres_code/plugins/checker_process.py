"""The process that asks the checkers of plugins; `lowres_code.plugins.checking` starts it and talks to it.

Runs as ``python -m lowres_code.plugins.checker_process``: a line of JSON for each request, and one for each answer.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Mapping
from typing import Any, NoReturn

from lowres_code.checkers import Checker
from lowres_code.plugins.checking import CHECKER_S
from lowres_code.plugins.manager import plugin_manager


def _answer(checker: Checker | None, request: Mapping[str, Any]) -> dict[str, object]:
    """What the process answers to one request."""
    if checker is None:
        return {"failed": "no plugin brings it to the process of the checkers"}
    try:
        said = checker.accepts(*request["texts"], **request["options"])
    except ValueError as error:
        return {"refused": str(error)}
    except BaseException as error:  # of any kind: a checker is somebody else's code
        place = traceback.extract_tb(error.__traceback__)[-1]
        return {"failed": f"{type(error).__name__}: {error} ({place.filename}:{place.lineno})"}
    return {"said": bool(said)} if said in (True, False) else {"failed": f"it says {said!r}, neither True nor False"}


def main() -> NoReturn:
    """Answer requests until they end; what a checker prints goes to standard error."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    known = {name: found.thing for name, found in plugin_manager().checkers.items()}
    replies.write(b"ready\n")
    replies.flush()
    for line in sys.stdin.buffer:
        request = json.loads(line)
        signal.alarm(int(2 * CHECKER_S))  # nobody may be there any more to end this
        reply = {**_answer(known.get(request["name"]), request), "id": request["id"]}
        signal.alarm(0)
        replies.write(json.dumps(reply).encode() + b"\n")
        replies.flush()
    sys.exit()


if __name__ == "__main__":
    main()
