"""Reads a request: the type of its body, the object that it is, the language that its address names."""

from __future__ import annotations

import asyncio
from typing import TypeVar

from pydantic import BaseModel
from starlette.requests import Request

from lowres_code._util.records import shown
from lowres_code.errors import UsageError
from lowres_code.remote.wire import read_line
from lowres_code.serve.messages import JSON

M = TypeVar("M", bound=BaseModel)


class WrongTypeError(Exception):
    """The body is said to be of another type than is taken."""


def must_have_type(request: Request, kind: str, what: str) -> None:
    """See that a body is of the type that is taken; what ends in ``+json`` is JSON.

    Raises:
        WrongTypeError: it is of another one.
    """
    given = request.headers.get("content-type", "")
    is_of = given.partition(";")[0].strip().lower()
    if is_of != kind and not (kind == JSON and is_of.endswith("+json")):
        has = f"is {shown(given)}" if given else "is missing"
        raise WrongTypeError(f"the header Content-Type {has}; it must be {kind}, for {what}")


async def asked_in(request: Request, model: type[M]) -> M:
    """The object that a request consists of.

    Raises:
        WrongTypeError: it is of another type.
        UsageError: it is no such object.
    """
    must_have_type(request, JSON, "a JSON object")
    if not (body := await request.body()):
        needed = ", ".join(repr(name) for name, field in model.model_fields.items() if field.is_required())
        raise UsageError(f"the request has no body; it must be a JSON object with {needed}")
    asked: M = await asyncio.to_thread(read_line, model, body, "the request")
    return asked


def language_of(request: Request) -> str:
    """The language that an address names.

    Raises:
        UsageError: it names none, or several.
    """
    names = request.query_params.getlist("lang")
    if len(names) != 1 or not names[0]:
        has = "names several languages" if len(names) > 1 else "names no language"
        raise UsageError(f"the address {has}; it must end as {request.url.path}?lang=prolog")
    return names[0]
