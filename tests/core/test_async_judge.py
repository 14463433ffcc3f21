"""What the awaited judge refuses and tells, as the other does."""

from __future__ import annotations

import asyncio
import logging

import pytest
from lowres_code import AsyncJudge, Judge, Limits, Test
from lowres_code.errors import UsageError


def test_a_query_that_a_language_would_ignore_is_refused() -> None:
    async def execute() -> None:
        async with AsyncJudge(Judge("lua")) as judge:
            await judge.execute("print(42)", Test(query="father(X)"))

    with pytest.raises(UsageError, match=r"a test asks the query 'father\(X\)', but Lua has no queries"):
        asyncio.run(execute())


def test_limits_that_are_not_to_be_had_are_told_once(caplog: pytest.LogCaptureFixture) -> None:
    async def execute() -> list[str | None]:
        async with AsyncJudge(Judge("lua", Limits(cpu_s=2))) as judge:
            test = Test(limits={"cpu_s": 50})
            return [(await judge.execute(f"print({n})", test)).answer for n in range(2)]

    with caplog.at_level(logging.WARNING, "lowres_code.judge"):
        assert asyncio.run(execute()) == ["0\n", "1\n"]
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 1
    assert "asks for limits.cpu_s = 50; programs have 2 here at most" in told[0]
