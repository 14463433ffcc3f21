"""How a result gets out of a child: as blobs of bytes, which a program with native code could have damaged."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace

from lowres_code.language.base import (
    LIMIT_BOUNDS,
    LONGEST_MESSAGE,
    MOST_DIAGNOSTICS,
    Diagnostic,
    EmbeddedLanguage,
    Execution,
    Language,
    Limits,
    Status,
)
from lowres_code.sandbox import frames

TOLD = b"\0"  # before what the calls of `EmbeddedLanguage.ready` tell; no result that is encoded begins so
_NONE = b"-"  # before a text stands a +
_DAMAGED = Execution(Status.RUNTIME_ERROR, diagnostics=(Diagnostic("the program has damaged its own result"),))


def longest_result(output_kb: float) -> int:
    """Bytes that a result may have: a character takes up to four."""
    return 4 * (int(output_kb) * 1024 + MOST_DIAGNOSTICS * (LONGEST_MESSAGE + 100)) + 100


LONGEST_RESULT = longest_result(LIMIT_BOUNDS["output_kb"][1])  # of all


def encode(execution: Execution, limits: Limits) -> bytes:
    """What only the child knows of an execution; of its diagnostics no more than anybody reads.

    One whose answer is too long is an ``output_limit`` without it.
    """
    answer = execution.answer
    if answer is not None and len(answer) > limits.output_kb * 1024:
        execution, answer = replace(execution, status=Status.OUTPUT_LIMIT, answer=None), None
    given = _NONE if answer is None else b"+" + answer.encode("utf-8", "surrogatepass")
    notes = _encoded(execution.diagnostics[:MOST_DIAGNOSTICS]) if execution.diagnostics else ()
    return frames.pack(execution.status.encode(), given, b"%r" % execution.exit_code, *notes)


def _encoded(notes: tuple[Diagnostic, ...]) -> Iterator[bytes]:
    for note in notes:
        place = f"{note.line} {note.column}".encode()
        yield from (note.message[:LONGEST_MESSAGE].encode("utf-8", "surrogatepass"), note.severity.encode(), place)


def result_of(data: bytes, language: Language, limits: Limits) -> Execution:
    """What a child has told or encoded; a ``runtime_error`` if it has been damaged."""
    if not data.startswith(TOLD) or not isinstance(language, EmbeddedLanguage):
        return decode(data)
    try:
        return decode(encode(language.understood(data[len(TOLD) :], limits), limits))
    except ValueError:  # the program has forged it
        return _DAMAGED


def decode(data: bytes) -> Execution:
    """The execution that a child has encoded; a ``runtime_error`` if it has been damaged."""
    stream = io.BytesIO(data)
    try:
        status, given, exit_code, *notes = frames.unpack(lambda size: _exactly(stream, size))
        answer = None if given == _NONE else given[1:].decode()
        return Execution(
            Status(status.decode()), answer, diagnostics=tuple(_decoded(notes)), exit_code=_number(exit_code)
        )
    except (ValueError, EOFError, OverflowError):
        return _DAMAGED


def _decoded(notes: list[bytes]) -> Iterator[Diagnostic]:
    for first in range(0, min(len(notes), 3 * MOST_DIAGNOSTICS), 3):
        message, severity, place = notes[first : first + 3]
        line, column = place.split()
        yield Diagnostic(message.decode()[:LONGEST_MESSAGE], severity.decode()[:9], _number(line), _number(column))


def _exactly(stream: io.BytesIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data


def _number(text: bytes) -> int | None:
    value = None if text == b"None" else int(text)
    return value if value is not None and abs(value) < 2**31 else None
