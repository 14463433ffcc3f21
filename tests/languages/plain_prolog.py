"""One program under a plain, fresh ``swipl FILE``: the reference that the judge is compared with.

Nothing here is shared with the judge's own Prolog code. The program is loaded by ``swipl`` itself, from its command
line; one goal given with ``-g`` then asks the query and writes what came out to a descriptor of its own, where nothing
that the program prints can get mixed in.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

SCRATCH = "/scratch/program"
PROGRAM = f"{SCRATCH}/program.pl"
DEFAULT_QUERY = "solve(X)"

_SYSTEM = ("/usr", "/lib", "/lib64", "/lib32", "/bin", "/sbin", "/etc/ld.so.cache", "/etc/alternatives")
_ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": SCRATCH,
    "TMPDIR": SCRATCH,
    "TEMP": SCRATCH,
    "TMP": SCRATCH,
}
_LOADED = "--- loaded ---"
_SYNTAX_ERROR = re.compile(r"^ERROR: \S+:\d+:\d+: Syntax error: ", re.MULTILINE)

# Everything is called in module system, so that a program that redefines a built-in changes nothing here. The query
# comes in by the environment. A mark on standard error ends what loading has reported. The first line that is written
# says what came of it; the answer follows, to the end.
_ASK = r"""
system:(
    open('/dev/fd/2', append, Err), write(Err, 'LOADED'), close(Err),
    open('/dev/fd/ANSWER', write, Out, [encoding(utf8)]),
    getenv('QUERY', Text),
    (   catch(atom_to_term(Text, Goal, Names), _, fail)
    ->  true
    ;   write(Out, syntax_error), nl(Out), close(Out), halt(0)
    ),
    (   Names = [_ = Answer | _] -> true ; Answer = true ),
    (   catch(user:Goal, Error, true)
    ->  (   nonvar(Error)
        ->  (   subsumes_term(error(resource_error(_), _), Error)
            ->  Status = memory_limit
            ;   Status = runtime_error
            )
        ;   \+ acyclic_term(Answer) -> Status = no_answer
        ;   \+ ground(Answer) -> Status = no_answer
        ;   compound(Answer), \+ is_list(Answer), \+ Answer = [_|_],
            catch((_ is Answer, Evaluable = yes), error(What, _),
                  ( subsumes_term(type_error(_, _), What) -> Evaluable = no ; Evaluable = yes )),
            Evaluable == yes
        ->  Status = no_answer
        ;   Status = ok
        )
    ;   Status = no_answer
    ),
    write(Out, Status), nl(Out),
    (   Status \== ok -> true
    ;   atomic(Answer) -> write(Out, Answer)
    ;   writeq(Out, Answer)
    ),
    close(Out),
    halt(0)
)
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came out of a program: the status, by the name that the judge gives it, and the answer if it is ``ok``."""

    status: str
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """An outcome, and what the program printed on the way."""

    outcome: Outcome
    stdout: str
    stderr: str


def run_plain(program: str, query: str | None = None, timeout_s: float = 30.0, stack_mb: int = 256) -> Run:
    """Run one program under ``swipl FILE`` in a sandbox and an empty folder, and ask the query once.

    Args:
        program: the text of the file; a byte that is not UTF-8 is a lone surrogate, as Python has it.
        query: the goal; the answer is what its first variable is bound to. By default ``solve(X)``.
        timeout_s: by the clock; a program that takes longer has the status ``timeout``.
        stack_mb: the limit of Prolog's stacks, which must be the judge's for the two to agree.
    """
    with _memory_file(_bytes(program)) as source, _memory_file(b"") as answer:
        command = _sandboxed(source, _text_of_query(query), _swipl(answer, stack_mb))
        try:
            ended = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                pass_fds=(source, answer),
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Run(Outcome("timeout"), "", "")
        written = os.pread(answer, 1 << 24, 0).decode("utf-8", "replace")
    stdout, stderr = ended.stdout.decode("utf-8", "replace"), ended.stderr.decode("utf-8", "replace")
    return Run(_outcome(written, stderr, ended.returncode), stdout, stderr)


def _bytes(program: str) -> bytes:
    try:
        return program.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return program.encode("utf-8", "surrogatepass")


def _outcome(written: str, stderr: str, code: int) -> Outcome:
    status, newline, answer = written.partition("\n")
    if not newline:  # it has ended before it was asked, or while
        status = "no_answer" if code == 0 else "runtime_error"
    if status in ("no_answer", "runtime_error") and _SYNTAX_ERROR.search(stderr.partition(_LOADED)[0]):
        status = "syntax_error"
    return Outcome(status, answer if status == "ok" else None)


def _text_of_query(query: str | None) -> str:
    return (query or DEFAULT_QUERY).strip().removesuffix(".")


def _swipl(answer: int, stack_mb: int) -> list[str]:
    goal = _ASK.replace("ANSWER", str(answer)).replace("LOADED", _LOADED)
    return ["swipl", f"--stack-limit={stack_mb}m", "-g", goal, PROGRAM]


def _sandboxed(source: int, query: str, command: list[str]) -> list[str]:
    isolated = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--clearenv"]
    for key, value in {**_ENVIRONMENT, "QUERY": query}.items():
        isolated += ["--setenv", key, value]
    for folder in _SYSTEM:
        isolated += ["--ro-bind-try", folder, folder]
    isolated += ["--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--dir", SCRATCH]
    return [*isolated, "--file", str(source), PROGRAM, "--chdir", SCRATCH, *command]


@contextlib.contextmanager
def _memory_file(data: bytes) -> Iterator[int]:
    """A descriptor of an unnamed file that holds ``data``, ready to be read from its beginning."""
    descriptor = os.memfd_create("plain")
    try:
        os.write(descriptor, data)
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)
