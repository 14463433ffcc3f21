"""The application: what can be asked of a served judge, and how it is answered."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import ClientDisconnect

from lowres_code import __version__
from lowres_code.async_judge import AsyncJudge
from lowres_code.errors import JudgeError, LowresCodeError, UsageError
from lowres_code.evaluation.record import judged_fields
from lowres_code.judgement import Judgement
from lowres_code.language.base import Execution, Status
from lowres_code.problem import Test
from lowres_code.remote.wire import NDJSON, Job, NoteLine, Served, execution_fields, line_of, read_line
from lowres_code.serve.exchange import Exchange, Last, Work, while_there
from lowres_code.serve.host import Host, TooBusyError
from lowres_code.serve.parsed import Parsed, parse

_STREAM = {"requestBody": {"content": {NDJSON: {"schema": {"type": "string"}}}, "required": True}}

_GONE = 499  # to nobody, and in no log

log = logging.getLogger("lowres_code.serve")


class Asked(BaseModel):
    """One program or completion, and what is right: ``answer``, ``tests`` or ``append``, as in a row to be scored."""

    model_config = ConfigDict(extra="forbid")

    lang: str
    program: str | None = Field(default=None, description="to be run as it is")
    completion: str | None = Field(default=None, description="or what a model wrote, with a program in it")
    answer: str | int | float | None = None
    tests: list[dict[str, Any]] | None = None
    append: str | None = None
    prefix: str | None = None
    query: str | None = None
    form: str | None = None
    checker: str | None = Field(default=None, description="how answers are compared, as tokens or float(rel=1e-4)")
    limits: dict[str, float] = Field(default={})


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

    model_config = ConfigDict(extra="forbid")

    lang: str
    program: str


class Syntax(BaseModel):
    """What the language's reader says."""

    ok: bool
    status: str
    diagnostics: list[NoteLine]


def make_app(host: Host, stopping: asyncio.Event) -> FastAPI:
    """The application, without its guard.

    Args:
        host: the judges.
        stopping: set when the server is to end.
    """
    app = FastAPI(title="lowres-code judge", version=__version__, redoc_url=None)
    app.add_exception_handler(UsageError, lambda _, error: _error(422, error))
    app.add_exception_handler(JudgeError, lambda _, error: _error(503, error))
    app.add_exception_handler(TooBusyError, lambda _, error: _error(429, error, {"Retry-After": "1"}))
    app.add_exception_handler(ClientDisconnect, lambda _, gone: Response(status_code=_GONE))
    app.add_exception_handler(RequestValidationError, lambda _, error: _error(422, _first(error)))
    app.state.host, app.state.stopping = host, stopping
    app.get("/health", summary="Whether the server is there")(health)
    app.get("/metrics", summary="Counters in Prometheus' form")(metrics)
    app.get("/v1/languages", summary="Languages, their isolation and highest limits")(languages)
    app.post("/v1/judge", summary="The verdict on one program or completion")(judge)
    app.post("/v1/check", summary="Only the syntax of one program")(check)
    app.post("/v1/judge/stream", summary="A verdict for each line, in their order", openapi_extra=_STREAM)(judge_stream)
    app.post("/v1/execute", summary="Run a program for each line; no verdicts", openapi_extra=_STREAM)(execute)
    return app


def _host(request: Request) -> Host:
    host: Host = request.app.state.host
    return host


async def health(request: Request) -> dict[str, str]:
    """``ok``, or ``stopping``: new requests should go elsewhere."""
    return {"status": "stopping" if request.app.state.stopping.is_set() else "ok", "version": __version__}


async def metrics(request: Request) -> Response:
    """See `lowres_code.serve.metrics.Metrics`."""
    return Response(_host(request).metrics.text(), media_type="text/plain; version=0.0.4")


async def languages(request: Request) -> Served:
    """See `lowres_code.remote.wire.Served`."""
    return _host(request).served()


async def judge(asked: Asked, request: Request) -> Verdict:
    """The verdict; status 429 and ``Retry-After`` if too much waits already."""
    host = _host(request)
    with host.admitted("programs"):
        return await while_there(request, _verdict_on(host, asked))


async def check(asked: Checked, request: Request) -> Syntax:
    """Syntax errors with their places."""
    host = _host(request)
    with host.admitted("programs"):
        found = await while_there(request, host.judge(asked.lang).check_syntax(asked.program))
    host.metrics.ran(asked.lang, found.status.value, found.wall_s)
    notes = execution_fields(found)["diagnostics"]
    return Syntax(ok=found.status is Status.OK, status=found.status.value, diagnostics=notes)


async def judge_stream(request: Request, lang: str) -> Response:
    """Lines as for `lowres-code score`, each perhaps with ``limits``; the answers have their numbers as ``row``.

    A line that cannot be judged is answered with ``error``, and costs the others nothing.
    """
    host = _host(request)
    host.judge(lang)  # or it is refused now

    async def work(number: int, line: bytes) -> bytes:
        try:
            return await _answer(host, lang, number, line)
        except LowresCodeError as error:
            return line_of({"row": number, "error": str(error)})
        except Exception as error:
            log.exception("a line of a stream")
            return line_of({"row": number, "error": f"the judge fails: {type(error).__name__}"})

    def last(number: int) -> bytes:
        return line_of({"row": number + 1, "error": "the server ends: this line and those behind it are not judged"})

    return _exchange(request, lang, work, last, in_order=True)


async def execute(request: Request, lang: str) -> Response:
    """Lines as `lowres_code.remote.wire.Job`, each answered with a `lowres_code.remote.wire.Done` when it is done."""
    host = _host(request)
    host.judge(lang)

    async def work(number: int, line: bytes) -> bytes:
        try:
            job: Job = read_line(Job, line, f"line {number}")
        except UsageError as error:
            return line_of({"n": -1, "refused": str(error)})
        try:
            found = await _executed(host, lang, job)
        except LowresCodeError as error:
            return line_of({"n": job.n, "refused": str(error)})
        return line_of({"n": job.n, **execution_fields(found)})

    return _exchange(request, lang, work, lambda _: b"", in_order=False)


def _exchange(request: Request, lang: str, work: Work, last: Last, in_order: bool) -> Response:
    host: Host = request.app.state.host
    if request.headers.get("content-type", "").partition(";")[0].strip() != NDJSON:
        raise UsageError(f"the request must be of type {NDJSON}: a JSON object in each line")
    stopping = request.app.state.stopping
    return _Admitted(host, Exchange(work, host.workers(lang), host.bounds, stopping, in_order, last, host.memory))


class _Admitted(Response):
    """A response that counts as a stream while it lasts."""

    def __init__(self, host: Host, inner: Exchange) -> None:
        super().__init__()
        self._inner, self._host = inner, host
        with host.admitted("streams"):  # or it is refused before it begins
            pass

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        with self._host.admitted("streams"):
            await self._inner(scope, receive, send)


async def _verdict_on(host: Host, asked: Asked) -> Verdict:
    judge = host.judge(asked.lang, asked.limits)
    record = asked.model_dump(exclude={"lang", "limits"}, exclude_none=True)
    async with host.parsing:
        parsed = await asyncio.to_thread(parse, record, 1, judge.sync.language)
    async with host.memory.to_work_on(0):  # the guard has counted what was asked
        judgement = await _judged(host, judge, parsed, 0)
        return Verdict(lang=asked.lang, **_verdict(judgement))


async def _answer(host: Host, lang: str, number: int, line: bytes) -> bytes:
    """The lines that answer one line: one for each of its samples."""
    async with host.parsing:
        parsed = await asyncio.to_thread(parse, line, number, host.judge(lang).sync.language)
    judge, many = host.judge(lang, parsed.limits), len(parsed.samples) > 1
    answer = bytearray()
    for place in range(len(parsed.samples)):  # one after another: others have their turn
        told = {**parsed.name, "row": number, **({"sample": place} if many else {})}
        if len(answer) > host.memory.answer:
            answer += line_of({**told, "error": "what the samples before it have printed is too long"})
        else:
            answer += line_of({**told, **_verdict(await _judged(host, judge, parsed, place))})
    return bytes(answer)


async def _judged(host: Host, judge: AsyncJudge, parsed: Parsed, place: int) -> Judgement:
    found = await judge.judge_parsed(parsed.samples[place], parsed.tests)
    host.metrics.ran(judge.sync.language.name, found.verdict, found.execution.wall_s if found.execution else 0.0)
    return found


async def _executed(host: Host, lang: str, job: Job) -> Execution:
    judge = host.judge(lang, job.limits)
    found = await judge.ask(job.ask, job.program, Test(stdin=job.stdin, query=job.query))
    host.metrics.ran(lang, found.status.value, found.wall_s)
    return found


def _verdict(judgement: Judgement) -> dict[str, Any]:
    execution = judgement.execution
    told = {"stdout": execution.stdout if execution else "", "isolation": execution.isolation if execution else None}
    notes = {"diagnostics": execution_fields(execution)["diagnostics"]} if execution else {}
    return {"correct": judgement.correct, **judged_fields(judgement), **notes, **told}


def _error(status: int, error: Exception, headers: Mapping[str, str] | None = None) -> Response:
    said = json.dumps({"error": str(error)})  # in ASCII: it may quote half a surrogate pair
    return Response(said, status, headers, media_type="application/json")


def _first(error: RequestValidationError) -> UsageError:
    first = error.errors()[0]
    return UsageError(f"{'.'.join(map(str, first['loc'][1:]))}: {first['msg']}")
