"""Whatever is refused is answered in one form, ``{"error": ...}``, in words that say what would be right."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from difflib import get_close_matches

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from lowres_code._util.records import shown
from lowres_code.errors import JudgeError, UsageError
from lowres_code.serve.host import TooBusyError
from lowres_code.serve.messages import JSON
from lowres_code.serve.requests import WrongTypeError

_GONE = 499  # to nobody, and in no log
_LONGEST = 60  # characters of an address that are compared with those that are known


def answer_refusals(app: FastAPI) -> None:
    """Have an application answer so whatever goes wrong."""
    app.add_exception_handler(UsageError, lambda _, error: _refused(422, str(error)))
    app.add_exception_handler(WrongTypeError, lambda _, error: _refused(415, str(error)))
    app.add_exception_handler(JudgeError, lambda _, error: _refused(503, str(error)))
    app.add_exception_handler(TooBusyError, lambda _, error: _refused(429, str(error), {"Retry-After": "1"}))
    app.add_exception_handler(ClientDisconnect, lambda _, gone: Response(status_code=_GONE))
    app.add_exception_handler(HTTPException, _not_there)
    app.add_exception_handler(Exception, lambda _, error: _refused(500, f"the judge fails: {type(error).__name__}"))


def refusal(said: str) -> bytes:
    """The body of an answer that refuses; in ASCII, for it may quote half a surrogate pair."""
    return json.dumps({"error": said}).encode()


def wrong_method(path: str, method: str, allowed: Collection[str]) -> str:
    """What is said to a method that is not taken at an address."""
    return f"{path} takes {' or '.join(sorted(allowed))}, not {shown(method)}"


def _not_there(request: Request, error: Exception) -> Response:
    """Nothing is at an address, or it takes other methods."""
    assert isinstance(error, HTTPException)
    routes = [route for route in request.app.routes if isinstance(route, Route)]
    path, status, headers = request.url.path, error.status_code, {}
    if status == 405:
        allowed = {method for route in routes if route.path == path for method in route.methods or ()}
        said, headers = wrong_method(path, request.method, allowed), {"Allow": ", ".join(sorted(allowed))}
    elif status == 404:
        said = f"there is nothing at {shown(path)}; {_instead(path, {route.path for route in routes})}"
    else:
        said = error.detail
    return _refused(status, said, headers)


def _instead(path: str, known: Collection[str]) -> str:
    """The address that is meant, or all that there are."""
    near = get_close_matches(path[:_LONGEST], known, 1)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known))}"


def _refused(status: int, said: str, headers: Mapping[str, str] | None = None) -> Response:
    return Response(refusal(said), status, headers, media_type=JSON)
