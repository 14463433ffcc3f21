"""How a result gets out of a program's process: whole, bounded, or as the program's own failure."""

from __future__ import annotations

import pytest
from lowres_code.language.base import Diagnostic, Execution, Limits, Status
from lowres_code.sandbox import frames
from lowres_code.sandbox.child import ResultMemory
from lowres_code.sandbox.results import LONGEST_RESULT, decode, encode, result_of

from tests.conftest import PROLOG
from tests.core.sandbox.snake import Snake

DAMAGED = Execution(Status.RUNTIME_ERROR, diagnostics=(Diagnostic("the program has damaged its own result"),))


@pytest.mark.parametrize(
    "execution",
    [
        Execution(Status.OK, answer="42 \N{DUCK}"),
        Execution(Status.RUNTIME_ERROR, diagnostics=(Diagnostic("no", "warning", 3, 4),), exit_code=-11),
    ],
)
def test_a_result_comes_out_as_it_went_in(execution: Execution) -> None:
    assert decode(encode(execution, Limits())) == execution


def test_an_answer_that_is_too_long_is_an_output_limit() -> None:
    limits = Limits(output_kb=1)
    assert decode(encode(Execution(Status.OK, answer="x" * 1024), limits)).answer == "x" * 1024
    assert decode(encode(Execution(Status.OK, answer="x" * 1025), limits)) == Execution(Status.OUTPUT_LIMIT)


def test_the_longest_result_fits() -> None:
    limits = Limits(output_kb=4096)
    notes = (Diagnostic("\N{DUCK}" * 9000, line=10**9, column=10**9),) * 99
    data = encode(Execution(Status.OK, answer="\N{DUCK}" * 4096 * 1024, diagnostics=notes), limits)
    assert LONGEST_RESULT * 0.9 < len(data) <= LONGEST_RESULT
    memory = ResultMemory(LONGEST_RESULT)
    memory.write(data)
    assert memory.read() == data


def test_half_a_result_is_none() -> None:
    memory = ResultMemory(64)
    assert memory.read() == b""
    memory.write(b"x" * 64)
    assert memory.read() == b"x" * 64
    memory.clear()
    assert memory.read() == b""
    with pytest.raises(ValueError, match="65 bytes"):
        memory.write(b"x" * 65)


def test_nothing_stays_in_the_memory_for_results_also_where_none_was_whole() -> None:
    memory = ResultMemory(64)
    memory._memory[40:48] = b"for next"
    memory.clear()
    assert memory._memory[:] == bytes(64 + 9)


def test_of_forged_messages_no_more_is_kept_than_anybody_reads() -> None:
    note = (b"a" * 9000, b"error", b"1 1")
    execution = decode(frames.pack(b"ok", b"+1", b"100000000000000000000", *note * 900))
    assert (len(execution.diagnostics), len(execution.diagnostics[0].message)) == (50, 4000)
    assert (execution.answer, execution.exit_code) == ("1", None)


@pytest.mark.parametrize(
    "data",
    [
        *(b"[", b"1" * 100_000, b"\xff" * 100_000, frames.pack(), frames.pack(b"ok", b"+1")),
        frames.pack(b"ok", b"+1", b"None")[:-1],
        frames.pack(b"fine", b"+1", b"None"),
        frames.pack(b"\xff", b"+1", b"None"),
        frames.pack(b"ok", b"+1", b"one"),
        frames.pack(b"ok", b"+1", b"1" * 100_000),
        frames.pack(b"ok", b"+1", b"None", b"a message", b"error"),
        frames.pack(b"ok", b"+1", b"None", b"a message", b"error", b"1"),
        frames.pack(b"ok", "+\ud800".encode("utf-8", "surrogatepass"), b"None"),
    ],
    ids=range(13),
)
def test_a_result_that_a_program_has_damaged_is_its_own_failure(data: bytes) -> None:
    assert decode(data) == DAMAGED


def test_half_a_character_is_no_answer_and_no_failure_of_the_judge() -> None:
    assert decode(encode(Execution(Status.OK, answer="\ud800"), Limits())) == DAMAGED


def told(text: str) -> bytes:
    return b"\0" + text.encode("utf-8", "surrogatepass")


@pytest.mark.parametrize(
    ("text", "execution"),
    [
        ("2 2\nok42", Execution(Status.OK, answer="42")),
        ("2 3\nok\0\n\N{DUCK}", Execution(Status.OK, answer="\0\n\N{DUCK}")),
        ("2 1\nok\ud800", Execution(Status.OK, answer="\ufffd" * 3)),
        (
            "13 0 7 2 1 4\nruntime_errorwarning123four",
            Execution(Status.RUNTIME_ERROR, diagnostics=(Diagnostic("four", "warning", 12, 3),)),
        ),
        ("9 1\nno_answer1", Execution(Status.NO_ANSWER)),
    ],
)
def test_what_prolog_tells_is_understood_outside(text: str, execution: Execution) -> None:
    assert result_of(told(text), PROLOG, Limits()) == execution


@pytest.mark.parametrize(
    "text",
    [
        *("", "\n", "2\nok", "ok 42", "x y\nok42", "2 2 1\nok421", f"{'9' * 9999} 1\nok", "2 2\nok421"),
        *("2 4 -2\nok42", f"2 2 {' '.join(['1'] * 201)}\nok42{'x' * 201}"),
    ],
)
def test_what_prolog_does_not_tell_is_an_aborted_program(text: str) -> None:
    aborted = Execution(Status.RUNTIME_ERROR, diagnostics=(Diagnostic("the program aborted"),))
    assert result_of(told(text), PROLOG, Limits()) == aborted


def test_an_answer_that_is_told_and_too_long_is_an_output_limit() -> None:
    text = f"2 1025\nok{'x' * 1025}"
    assert result_of(told(text), PROLOG, Limits(output_kb=1)) == Execution(Status.OUTPUT_LIMIT)


def test_a_language_that_tells_nothing_so_has_been_forged() -> None:
    assert result_of(told("2 2\nok42"), Snake(), Limits()) == DAMAGED
