"""The application: what can be asked of a served judge, and how it is answered."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import Response

from lowres_code import __version__
from lowres_code.async_judge import AsyncJudge
from lowres_code.errors import LowresCodeError, UsageError
from lowres_code.evaluation.record import judged_fields
from lowres_code.judgement import Judgement
from lowres_code.language.base import Execution, Status
from lowres_code.problem import Test
from lowres_code.remote.wire import JUDGE, NDJSON, Job, Served, execution_fields, line_of, read_line
from lowres_code.serve.exchange import Exchange, Last, Work, while_there
from lowres_code.serve.host import Host
from lowres_code.serve.messages import REFUSALS, Asked, Checked, Syntax, Verdict, body_of, lines_of
from lowres_code.serve.parsed import Parsed, name_in, parse, parse_asked
from lowres_code.serve.refusals import answer_refusals
from lowres_code.serve.requests import asked_in, language_of, must_have_type

_ABOUT = "What is refused is answered with another status than 200 and an object with the key `error`, whatever it was."
_VERDICTS = "a line for each sample: `row`, and what `/v1/judge` answers, or `error`"
_DONE = "a line for each program: `n`, and what came of it, or `refused`"

_LONG = 65_536  # bytes of a line that is not read where requests are answered

log = logging.getLogger("lowres_code.serve")


def make_app(host: Host, stopping: asyncio.Event) -> FastAPI:
    """The application, without its guard.

    Args:
        host: the judges.
        stopping: set when the server is to end.
    """
    app = FastAPI(
        title="lowres-code judge",
        version=__version__,
        description=_ABOUT,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
        redirect_slashes=False,
        responses=REFUSALS,
    )
    app.state.host, app.state.stopping = host, stopping
    answer_refusals(app)
    reads = {
        "/health": (health, "Whether the server is there"),
        "/metrics": (metrics, "Counters in Prometheus' form"),
        "/v1/languages": (languages, "Languages, their isolation and highest limits"),
    }
    for path, (told, summary) in reads.items():
        app.get(path, summary=summary)(told)
        app.head(path, include_in_schema=False)(told)
    one, check_one, verdicts, done = body_of(Asked), body_of(Checked), lines_of(_VERDICTS), lines_of(_DONE)
    app.post("/v1/judge", summary="The verdict on one program or completion", openapi_extra=one)(judge)
    app.post("/v1/check", summary="Only the syntax of one program", openapi_extra=check_one)(check)
    app.post("/v1/judge/stream", summary="A verdict for each line, in their order", openapi_extra=verdicts)(
        judge_stream
    )
    app.post("/v1/execute", summary="Run a program for each line; no verdicts", openapi_extra=done)(execute)
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


async def judge(request: Request) -> Verdict:
    """The verdict; status 429 and ``Retry-After`` if too much waits already."""
    host = _host(request)
    async with host.parsing:  # until its JSON is gone
        judge, parsed = await _asked(host, request)
    with host.admitted("programs"):
        return await while_there(request, _verdict_on(host, judge, parsed))


async def check(request: Request) -> Syntax:
    """Syntax errors with their places."""
    host = _host(request)
    async with host.parsing:
        asked = await asked_in(request, Checked)
    with host.admitted("programs"):
        found = await while_there(request, host.judge(asked.lang).check_syntax(asked.program))
    host.metrics.ran(asked.lang, found.status.value, found.wall_s)
    notes = execution_fields(found)["diagnostics"]
    return Syntax(ok=found.status is Status.OK, status=found.status.value, diagnostics=notes)


async def judge_stream(request: Request) -> Response:
    """Lines as for `lowres-code score`, each perhaps with ``limits``; the answers have their numbers as ``row``.

    A line that cannot be judged is answered with ``error``, and costs the others nothing.
    """
    host, lang = _host(request), language_of(request)
    host.judge(lang)  # or it is refused now

    async def work(number: int, line: bytes) -> bytes:
        try:
            return await _answer(host, lang, number, line)
        except LowresCodeError as error:
            return await _error(host, number, line, str(error))
        except Exception as error:
            log.exception("a line of a stream")
            return await _error(host, number, line, f"the judge fails: {type(error).__name__}")

    def last(number: int, why: str) -> bytes:
        return line_of({"row": number + 1, "error": f"{why}: this line and those behind it are not judged"})

    return _exchange(request, lang, work, last, in_order=True)


async def execute(request: Request) -> Response:
    """Lines as `lowres_code.remote.wire.Job`, each answered with a `lowres_code.remote.wire.Done` when it is done."""
    host, lang = _host(request), language_of(request)
    host.judge(lang)

    async def work(number: int, line: bytes) -> bytes:
        try:
            job = await _job(host, number, line)
        except UsageError as error:
            return line_of({"n": -1, "refused": str(error)})
        try:
            found = await _executed(host, lang, job)
        except LowresCodeError as error:
            return line_of({"n": job.n, "refused": str(error)})
        return line_of({"n": job.n, **execution_fields(found)})

    return _exchange(request, lang, work, lambda *_: b"", in_order=False)


async def _job(host: Host, number: int, line: bytes) -> Job:
    if len(line) < _LONG:
        job: Job = read_line(Job, line, f"line {number}")
        return job
    async with host.parsing:
        return await asyncio.to_thread(read_line, Job, line, f"line {number}")


def _exchange(request: Request, lang: str, work: Work, last: Last, in_order: bool) -> Response:
    host: Host = request.app.state.host
    must_have_type(request, NDJSON, "a JSON object in each line")
    stopping = request.app.state.stopping
    answers = Exchange(work, host.workers(lang), host.bounds, stopping, in_order, last, host.memory)
    answers.headers[JUDGE] = host.identity(lang)
    return _Admitted(host, answers)


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


async def _asked(host: Host, request: Request) -> tuple[AsyncJudge, Parsed]:
    asked = await asked_in(request, Asked)
    judge = host.judge(asked.lang, asked.limits)
    return judge, await asyncio.to_thread(parse_asked, asked, judge.sync.language)


async def _verdict_on(host: Host, judge: AsyncJudge, parsed: Parsed) -> Verdict:
    async with host.memory.to_work_on(0):  # the guard has counted what was asked
        judgement = await _judged(host, judge, parsed, 0)
        return Verdict(lang=judge.sync.language.name, **_verdict(judgement))


async def _answer(host: Host, lang: str, number: int, line: bytes) -> bytes:
    """The lines that answer one line: one for each of its samples."""
    async with host.parsing:
        parsed = await asyncio.to_thread(parse, line, f"line {number}", host.judge(lang).sync.language)
    judge, many = host.judge(lang, parsed.limits), len(parsed.samples) > 1
    answer = bytearray()
    for place in range(len(parsed.samples)):  # one after another: others have their turn
        told = {**parsed.name, "row": number, **({"sample": place} if many else {})}
        if len(answer) > host.memory.answer:
            answer += line_of({**told, "error": "what the samples before it have printed is too long"})
        else:
            answer += line_of({**told, **_verdict(await _judged(host, judge, parsed, place))})
    return bytes(answer)


async def _error(host: Host, number: int, line: bytes, said: str) -> bytes:
    async with host.parsing:
        name = await asyncio.to_thread(name_in, line)
    return line_of({**name, "row": number, "error": said})


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
