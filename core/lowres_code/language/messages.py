"""What the tools of a language say: places and messages, and limits that stopped them."""

from __future__ import annotations

import re
from itertools import islice

from lowres_code.language.base import LONGEST_MESSAGE, MOST_DIAGNOSTICS, Diagnostic, Status

_LINE = (
    r"""["']?[:,(]?\s*(?:line\s+)?(?P<line>\d{1,9})"""
    r"""(?:(?::|\.|,?\s+(?:(?P<from_0>characters?)|column)\s+)(?P<column>\d{1,9}))?"""
)
_SAID = re.compile(r"(?i)^.*?\b(?:\w*error|fatal)\b[^:\n]*:\s*(?P<said>\S.*)$")


def diagnostics(output: str, file: str) -> tuple[Diagnostic, ...]:
    """What a tool has said about a file: a message for each line number behind the file's name.

    A message is what follows on the line, or else the first line behind it that speaks of an error; there are fifty
    messages at most. If no line number is there, all that the tool has said is one message.
    """
    places = list(islice(re.finditer(rf"{re.escape(file)}{_LINE}", output), MOST_DIAGNOSTICS + 1))
    if not places:
        return (Diagnostic(output.strip() or "the check failed and said nothing"),)
    ends = [*(place.start() for place in places[1:]), len(output)]
    return tuple(
        Diagnostic(_message(output[place.end() : end]), line=int(place["line"]), column=_column(place))
        for place, end in zip(places[:MOST_DIAGNOSTICS], ends, strict=False)
    )


def _message(behind: str) -> str:
    first, *others = behind.splitlines() or [""]
    said = next((match["said"].strip() for line in others if (match := _SAID.match(line))), "")
    return said or _bare(first) or _bare(" ".join(behind.split()))


def _bare(text: str) -> str:
    """Without what stands between a place and its message."""
    return re.sub(r"^[\s:,)\-0-9]*(?i:error:)?\s*", "", text).strip()


def _column(place: re.Match[str]) -> int | None:
    """Counted from 1; a tool that speaks of characters counts those before it."""
    return int(place["column"]) + bool(place["from_0"]) if place["column"] else None


def failure_said(stderr: str, file: str) -> tuple[Diagnostic, ...]:
    """The end of what a program that failed has printed on standard error, with the line that it speaks of.

    Most traces begin with the innermost place; those that do not, say "most recent call last".
    """
    said = stderr[-LONGEST_MESSAGE:]
    if len(stderr) > LONGEST_MESSAGE:
        said = said.partition("\n")[2] or said
    places = re.findall(rf"{re.escape(file)}{_LINE}", said)
    line = int(places["most recent call last" in said and -1][0]) if places else None
    return (Diagnostic(said.strip(), line=line),) if said.strip() else ()


# Drivers of compilers (gcc, gnatmake, cobc, ghc) end with an exit code of their own where a limit has stopped a part of
# theirs, and pass on what that said, or name the signal.
_LIMITS_SAID = {
    Status.OUTPUT_LIMIT: ("file size limit exceeded", "file too large", "no space left on device", "disk full"),
    Status.TIMEOUT: ("cpu time limit exceeded",),
    Status.MEMORY_LIMIT: (
        *("memory exhausted", "heap exhausted", "out of memory", "cannot allocate memory"),
        *("failed to map segment", "unable to commit"),
    ),
    # Too many processes, for which no status is; and any other signal.
    Status.RUNTIME_ERROR: ("resource temporarily unavailable", "cannot fork", "signal terminated program"),
}


def limit_said(output: str, file: str, program: str) -> tuple[Status, Diagnostic] | None:
    """Whether a tool that failed says that a limit has stopped it: as which status that counts, and what it says.

    A line about a place in the program's file does not count, nor words that are in the program: it could have put
    them there.
    """
    own, about = program.lower(), re.compile(rf"{re.escape(file)}:\d")
    words = [(status, each) for status, several in _LIMITS_SAID.items() for each in several if each not in own]
    for line in output.splitlines():
        lower = line.lower()
        for status, each in words:
            if each in lower and not about.search(line):
                return status, Diagnostic(line.strip())
    return None
