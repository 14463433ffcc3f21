"""The judge for programs that come one by one from many tasks of an event loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from types import TracebackType

from lowres_code._util.given import must_be
from lowres_code.asked import check_solution
from lowres_code.case import given, tests_asked
from lowres_code.completion import Completion, parse_completion
from lowres_code.judge import Judge
from lowres_code.judgement import Judgement
from lowres_code.language.base import Execution
from lowres_code.problem import Problem, Test
from lowres_code.sandbox.runner import Ask, outcome


class AsyncJudge:
    """A judge whose answers are awaited; as many tasks as you like may wait at a time.

    Example: ``async with AsyncJudge(Judge("prolog")) as judge: await judge.check(program, answer="42")``. A task that
    is cancelled takes its program back, if that has not begun.
    """

    def __init__(self, judge: Judge) -> None:
        """Judge: gives the verdicts; closed with this one."""
        must_be(judge, Judge, 'AsyncJudge takes a judge, as AsyncJudge(Judge("prolog"))')
        self.sync = judge

    async def check(
        self,
        program: str,
        answer: str | float | None = None,
        tests: Iterable[Mapping[str, object]] = (),
        **more: object,
    ) -> Judgement:
        """The verdict on one program; see `Judge.check`."""
        return await self.judge_parsed(given(program), tests_asked(answer, tests, more))

    async def judge(self, completion: str, problem: Problem) -> Judgement:
        """The verdict on one completion; see `Judge.judge`."""
        check_solution(completion, problem)
        return await self.judge_parsed(parse_completion(completion, self.sync.language.fences), problem.tests)

    async def judge_parsed(self, completion: Completion, tests: Sequence[Test]) -> Judgement:
        """The verdict on one completion that is taken apart."""
        case = self.sync.case(completion, tests)
        for place, job in enumerate(case.jobs):
            execution = await self.ask("execute", *job)
            if not await asyncio.to_thread(case.passes, place, execution):  # comparing may take its time
                break
        return case.judgement_of_told()

    async def execute(self, program: str, test: Test | None = None) -> Execution:
        """Run one program; see `Judge.execute`."""
        must_be(program, str, "execute: the program must be text, one at a time here")
        must_be(test, Test | None, 'execute: the test must be a Test, as Test(stdin="2")')
        asked = test or Test()
        self.sync.must_allow([asked])
        return await self.ask("execute", program, asked)

    async def check_syntax(self, program: str) -> Execution:
        """Ask the language's reader about one program."""
        must_be(program, str, "check_syntax: the program must be text, one at a time here")
        return await self.ask("check_syntax", program, Test())

    async def ask(self, ask: Ask, program: str, test: Test) -> Execution:
        """One question about one program."""
        return await finished(self.sync.runner.submit((program, test.without_answer()), self.sync.limits, ask))

    async def close(self) -> None:
        """End the workers, without holding the loop up."""
        await asyncio.to_thread(self.sync.close)

    async def __aenter__(self) -> AsyncJudge:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


async def finished(future: Future[Execution]) -> Execution:
    """Wait for a job; see `lowres_code.sandbox.runner.outcome`. Whoever is cancelled here takes it back."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def tell(_: object) -> None:
        with contextlib.suppress(RuntimeError):  # nobody waits: the loop is closed
            loop.call_soon_threadsafe(done.set)

    future.add_done_callback(tell)
    try:
        await done.wait()
    finally:
        future.cancel()
    return outcome(future)
