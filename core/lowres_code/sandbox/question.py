"""One question about one program, until it is answered: how it is put to a worker, and what comes of the reply."""

from __future__ import annotations

import dataclasses
import functools
import json

from lowres_code.language.base import LIMIT_BOUNDS, Diagnostic, Execution, Language, Limits, Status
from lowres_code.language.messages import failure_said
from lowres_code.problem import Test
from lowres_code.sandbox import frames
from lowres_code.sandbox.isolation import Isolation
from lowres_code.sandbox.results import result_of
from lowres_code.sandbox.runner import Answer, Ask, Job

LONGEST_PROGRAM = 32 * 2**20  # bytes; half of the scratch directory
_TRIES = 2  # workers that may fail under a question
_STATUSES = tuple(Status)


class Question:
    """Asked of one worker after another until one of them has answered.

    Attributes:
        future: gets the execution; ``infra_error`` if two workers have failed.
        limits: of the program.
    """

    def __init__(
        self, language: Language, isolation: Isolation, ask: Ask, job: Job, limits: Limits, asker: object = None
    ) -> None:
        """Arguments as `lowres_code.sandbox.runner.Runner.submit` has them; the asker lives until it is answered."""
        self.future = Answer()
        self.limits = limits
        self._language, self._isolation = language, isolation
        self._ask, (self._program, self._test) = ask, job
        self._asker = asker
        self._failures = 0
        self._failed: Execution | None = None  # an execution, whose program's syntax is looked at
        # Not cached properties: before Python 3.12 those of all objects have one lock, which a fork may find taken.
        self._warm_up: str | None = None
        self._is_wanted: bool | None = None

    @property
    def warm_up(self) -> str:
        """What its worker should have loaded; what the language raises comes out by the future."""
        if self._warm_up is None:
            self._warm_up = ""
            try:
                self._warm_up = self._language.warm_up_of(self._program)
            except Exception as error:
                self.raised(error)
        return self._warm_up

    @property
    def _wanted(self) -> bool:
        """Whether nobody has cancelled it until this was first asked, and so nobody ever can."""
        if self._is_wanted is None:
            self._is_wanted = self.future.set_running_or_notify_cancel()
        return self._is_wanted

    def begin(self) -> bool:
        """Whether it is still to be asked; from now on nobody can cancel it."""
        if not self._wanted or self.future.done():
            return False
        if len(self._program.encode("utf-8", "surrogatepass")) > LONGEST_PROGRAM:
            long = Diagnostic(f"the program is longer than {LONGEST_PROGRAM >> 20} MB")
            self._end(Execution(Status.MEMORY_LIMIT, diagnostics=(long,), isolation=self._isolation))
        return not self.future.done()

    def request(self, stamp: frames.Stamp) -> bytes:
        """The message that puts it to a worker."""
        test = self._test
        texts = (self._program, test.stdin) if test.query is None else (self._program, test.stdin, test.query)
        blobs = (text.encode("utf-8", "surrogatepass") for text in texts)  # no program is ever near the answer
        return frames.pack(_head(self._ask, self.limits), frames.pack_stamp(stamp), *blobs)

    def answered(self, reply: frames.ReplyHead, blobs: list[bytes]) -> bool:
        """Take a worker's answer; `False` if it tells of a failure of the worker's own."""
        try:
            execution = self._execution(reply, blobs)
            checks = self._ask == "execute" and self._language.checks_failures
        except Exception as error:  # a backend's or our own: it costs this program its verdict
            self.raised(error)
            return True
        if execution.status is Status.INFRA_ERROR:
            self.failed("; ".join(diagnostic.message for diagnostic in execution.diagnostics))
            return False
        if self._failed is not None:
            told = self._failed
            if execution.status is Status.SYNTAX_ERROR:
                told = dataclasses.replace(told, status=Status.SYNTAX_ERROR, diagnostics=execution.diagnostics)
            self._end(told)
        elif execution.status is Status.OK or not checks:
            self._end(execution)
        else:  # whatever it did before it failed: in a new process, where nothing of it is left
            self._failed, self._failures = execution, 0
            self._ask, self._test = "check_syntax", Test()
        return True

    def raised(self, error: Exception) -> None:
        """Asking has raised this, which comes out by the future."""
        if self._wanted and not self.future.done():
            self.future.set_exception(error)

    def drop(self, problem: str) -> None:
        """Ask no more: a failure if it has begun; else it is cancelled."""
        self.future.cancel()
        if self._wanted and not self.future.done():
            self.failed(problem, last=True)

    def failed(self, problem: str, last: bool = False) -> None:
        """A worker has failed under it.

        Args:
            problem: how.
            last: whether no other will be asked.
        """
        self._failures += 1
        if last or self._failures == _TRIES:
            said = (Diagnostic(problem),)
            self._end(Execution(Status.INFRA_ERROR, diagnostics=said, isolation=self._isolation))

    def _end(self, execution: Execution) -> None:
        self.future.set_result(execution)

    def _execution(self, reply: frames.ReplyHead, blobs: list[bytes]) -> Execution:
        data, out, err = blobs
        language, execute = self._language, self._ask == "execute"
        stdout, stderr = (text.decode("utf-8", "replace") for text in (out, err))
        result = result_of(data, language, self.limits) if data else Execution(Status.RUNTIME_ERROR)
        status, answer, exit_code = result.status, result.answer, result.exit_code
        if reply.status >= 0:
            status, answer, exit_code = _STATUSES[reply.status], None, reply.exit_code if reply.has_code else None
        if execute and status is Status.NO_ANSWER and not data and language.prints:
            status = Status.OK  # it has ended by itself, with exit code 0
        if execute and status is Status.OK and answer is None:
            status, answer = (Status.OK, stdout) if stdout else (Status.NO_ANSWER, None)
        failed = bool(data and exit_code)  # a command; what is in an interpreter that dies depends on the moment
        said = failure_said(stderr, f"{language.stem}{language.suffix}") if failed else ()
        return Execution(
            status=status,
            answer=answer,
            stdout=stdout,
            stderr=stderr,
            diagnostics=(*said, *result.diagnostics),
            cpu_s=reply.cpu_s,
            wall_s=reply.wall_s,
            peak_mb=reply.peak_mb,
            isolation=self._isolation,
            exit_code=exit_code,
        )


@functools.lru_cache(64)
def _head(ask: Ask, limits: Limits) -> bytes:
    return json.dumps([ask, {name: getattr(limits, name) for name in LIMIT_BOUNDS}]).encode()
