"""What goes between a served judge and its clients: JSON, one object in each line where there are many.

Whatever comes over the wire is checked: a server may be somebody else's, and so may a client.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lowres_code.errors import UsageError
from lowres_code.language.base import LONGEST_MESSAGE, MOST_DIAGNOSTICS, Diagnostic, Execution, Language, Status
from lowres_code.language.fingerprint import language_data
from lowres_code.remote.mistakes import mistakes, unknown_keys, unreadable, written
from lowres_code.sandbox.runner import Ask

PROTOCOL = 2
TOKEN = "LOWRES_CODE_TOKEN"  # the environment variable that holds a client's token
EXECUTE = "/v1/execute"
LANGUAGES = "/v1/languages"
JUDGE = "Lowres-Code-Judge"  # the header that says who has answered; see `identity_of`
NDJSON = "application/x-ndjson"


class Wire(BaseModel):
    """What all messages have in common: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ServedLanguage(Wire):
    """One language of a server.

    Attributes:
        name, title: of the language.
        data: what it says and does, in a hash; a client whose own differs would not get its own verdicts.
        isolation: in which its programs run.
        workers: programs at a time.
        most: the highest limits that a request may ask for, by name.
    """

    name: str
    title: str
    data: str
    isolation: str
    workers: int = Field(ge=1, le=1_000)
    most: dict[str, float]


class Served(Wire):
    """What a server says of itself; ``longest_line``: bytes that it takes in a line, or in a whole request of one."""

    protocol: int
    version: str
    longest_line: int = Field(ge=1_000)
    languages: list[ServedLanguage]


class Job(Wire):
    """One program to be run, or asked about.

    Attributes:
        n: the client's own number for it.
        ask: what is asked.
        limits: those that differ from the server's default, by name.
    """

    n: int
    program: str
    ask: Ask = "execute"
    stdin: str = ""
    query: str | None = None
    limits: dict[str, Any] = Field(default={})


_WHOLE: Any = Field(default=None, ge=-(2**31), lt=2**31)
_AMOUNT: Any = Field(default=0.0, ge=0, le=1e9, allow_inf_nan=False)


class NoteLine(Wire):
    """One message about a program."""

    message: str = Field(max_length=LONGEST_MESSAGE)
    severity: str = Field(default="error", max_length=9)
    line: int | None = _WHOLE
    column: int | None = _WHOLE


class Done(Wire):
    """What came of one job; see `lowres_code.language.base.Execution`. ``refused``: why it was not run at all."""

    n: int
    refused: str = ""
    status: Status = Status.INFRA_ERROR
    answer: str | None = None
    stdout: str = ""
    stderr: str = ""
    diagnostics: list[NoteLine] = Field(default=[], max_length=MOST_DIAGNOSTICS)
    cpu_s: float = _AMOUNT
    wall_s: float = _AMOUNT
    peak_mb: float = _AMOUNT
    isolation: str = Field(default="", max_length=99, pattern="^[a-z, ]*$")
    exit_code: int | None = _WHOLE

    def execution(self) -> Execution:
        """The execution that it tells."""
        notes = tuple(Diagnostic(**note.model_dump()) for note in self.diagnostics)
        return Execution(**{**self.model_dump(exclude={"n", "refused", "diagnostics"}), "diagnostics": notes})


def data_of(language: Language) -> str:
    """A hash of what a language says and does."""
    return hashlib.sha256(json.dumps(language_data(language), sort_keys=True).encode()).hexdigest()[:16]


def identity_of(language: ServedLanguage) -> str:
    """What a server says with each stream of executions: a client sees whether it is still the one that it met."""
    return f"{language.data} {language.isolation}"


def execution_fields(execution: Execution) -> dict[str, Any]:
    """An execution as `Done` has it, ready for JSON."""
    names = ("answer", "stdout", "stderr", "cpu_s", "wall_s", "peak_mb", "isolation", "exit_code")
    notes = [
        {"message": n.message[:LONGEST_MESSAGE], "severity": n.severity[:9], "line": n.line, "column": n.column}
        for n in execution.diagnostics[:MOST_DIAGNOSTICS]
    ]
    told = {name: getattr(execution, name) for name in names}
    return {"status": execution.status.value, **told, "diagnostics": notes}


def line_of(fields: Mapping[str, Any]) -> bytes:
    """One line of a stream; in ASCII, so that half a surrogate pair survives."""
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def read_line(kind: type[BaseModel], line: bytes, where: str) -> Any:
    """The message in a line.

    Raises:
        UsageError: it is no JSON object, or not of this kind.
    """
    record = read_object(line, where)
    if strange := unknown_keys(record, kind):
        raise UsageError(f"{where}: {strange}")
    try:
        return kind.model_validate(record)
    except ValidationError as error:
        raise UsageError(f"{where}: {mistakes(error, record)}") from error


def read_object(line: bytes, where: str) -> dict[str, Any]:
    """The JSON object in a line.

    Raises:
        UsageError: it is none.
    """
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where}: not a JSON object: {unreadable(error)}") from error
    if not isinstance(record, dict):
        raise UsageError(f"{where}: not a JSON object: {written(record)}")
    return record
