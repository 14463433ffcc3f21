"""What is asked in a request of one program, and what is answered; the fields of ``/docs``."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from lowres_code.remote.wire import NDJSON, NoteLine

JSON = "application/json"

# Looked into where they are read, which ends at the first mistake; pydantic would list two million of them.
_TEXT = {"type": "string"}
_TEST = {"type": "object", "properties": {"stdin": _TEXT, "stdout": _TEXT}, "required": ["stdout"]}
_Tests = Annotated[list[Any], WithJsonSchema({"type": "array", "items": _TEST})]
_Limits = Annotated[dict[str, Any], WithJsonSchema({"type": "object", "additionalProperties": {"type": "number"}})]


class Asked(BaseModel):
    """One program or completion, and what is right: ``answer``, ``tests`` or ``append``, as in a row to be scored."""

    model_config = ConfigDict(extra="forbid", strict=True)

    lang: str
    program: str | None = Field(default=None, description="to be run as it is")
    completion: str | None = Field(default=None, description="or what a model wrote, with a program in it")
    answer: str | int | float | None = None
    tests: _Tests | None = None
    append: str | None = None
    prefix: str | None = None
    query: str | None = None
    form: str | None = None
    checker: str | None = Field(default=None, description="how answers are compared, as tokens or float(rel=1e-4)")
    limits: _Limits = Field(default={}, description="of each execution, as cpu_s; `/v1/languages` has the highest")


class Verdict(BaseModel):
    """What the judge says."""

    lang: str
    verdict: str = Field(description="correct, wrong_answer, no_code, or how the execution ended")
    correct: bool
    answer: str | None
    failed_test: int | None = Field(description="the first test that was not answered rightly, from 0")
    tests: int
    passed: int | None = Field(description="how many; null if not all were run, since one had failed")
    extraction: str = Field(description="how the program was found in a completion")
    stdout: str
    stderr: str
    diagnostics: list[NoteLine]
    exit_code: int | None
    cpu_s: float
    wall_s: float
    isolation: str | None


class Checked(BaseModel):
    """A program of which only the syntax is asked."""

    model_config = ConfigDict(extra="forbid", strict=True)

    lang: str
    program: str


class Syntax(BaseModel):
    """What the language's reader says."""

    ok: bool
    status: str
    diagnostics: list[NoteLine]


class Refused(BaseModel):
    """What is said, with any status but 200."""

    error: str = Field(description="what was wrong, the value, and what is nearest to it and right; for people to read")


_WHEN = {
    400: "what came is no HTTP request",
    401: "the token is missing, or another one",
    403: "without a token, the request addresses another machine or comes from another one's page",
    404: "nothing is at this address",
    405: "the method is another one; the header Allow has those that are right",
    408: "the request did not come within a minute",
    413: "the request is too long",
    415: "the header Content-Type says something else than what is taken",
    422: "what is asked cannot be judged: the body, an unknown language, a limit",
    429: "too much is on its way; the header Retry-After has the seconds after which to ask again",
    500: "the server fails",
    503: "the judge fails",
}
REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": Refused, "description": when} for status, when in _WHEN.items()
}


def body_of(model: type[BaseModel]) -> dict[str, Any]:
    """For OpenAPI: a body that is such an object."""
    return {"requestBody": {"content": {JSON: {"schema": model.model_json_schema()}}, "required": True}}


def lines_of(said: str) -> dict[str, Any]:
    """For OpenAPI: a body with a JSON object in each line; ``said`` of what each is answered with."""
    lang = {"name": "lang", "in": "query", "required": True, "schema": {"type": "string"}}
    text = {NDJSON: {"schema": {"type": "string"}}}
    answered = {"200": {"description": said, "content": text}}
    return {"parameters": [lang], "requestBody": {"content": text, "required": True}, "responses": answered}
