"""How a result gets out of a child: as JSON, which a program with native code could have damaged."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from lowres_code.language.base import (
    LIMIT_BOUNDS,
    LONGEST_MESSAGE,
    MOST_DIAGNOSTICS,
    Diagnostic,
    Execution,
    Limits,
    Status,
)


def longest_result(output_kb: float) -> int:
    """Bytes of JSON that a result may have: a character takes up to twelve."""
    return 12 * (int(output_kb) * 1024 + MOST_DIAGNOSTICS * (LONGEST_MESSAGE + 100))


LONGEST_RESULT = longest_result(LIMIT_BOUNDS["output_kb"][1])  # of all


def encode(execution: Execution, limits: Limits) -> bytes:
    """What only the child knows of an execution, as JSON; of its diagnostics no more than anybody reads.

    One whose answer is too long is an ``output_limit`` without it.
    """
    if len(execution.answer or "") > limits.output_kb * 1024:
        execution = replace(execution, status=Status.OUTPUT_LIMIT, answer=None)
    kept = execution.diagnostics[:MOST_DIAGNOSTICS]
    result = {
        "status": execution.status.value,
        "answer": execution.answer,
        "diagnostics": [(note.message[:LONGEST_MESSAGE], note.severity, note.line, note.column) for note in kept],
        "exit_code": execution.exit_code,
    }
    return json.dumps(result).encode()


def decode(data: bytes) -> Execution:
    """The execution that a child has encoded; a ``runtime_error`` if it has been damaged."""
    try:
        result: dict[str, Any] = json.loads(data)
        answer, exit_code = result["answer"], result["exit_code"]
        notes = tuple(
            Diagnostic(_text(m)[:LONGEST_MESSAGE], _text(s)[:9], _number(line), _number(column))
            for m, s, line, column in result["diagnostics"][:MOST_DIAGNOSTICS]
        )
        return Execution(
            Status(result["status"]),
            None if answer is None else _text(answer),
            diagnostics=notes,
            exit_code=_number(exit_code),
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        damaged = Diagnostic("the program has damaged its own result")
        return Execution(Status.RUNTIME_ERROR, diagnostics=(damaged,))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"no text: {value!r}")
    value.encode()  # half a surrogate pair cannot be written down
    return value


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and abs(value) < 2**31 else None
