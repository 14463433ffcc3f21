"""Programs that mean harm: each has the outcome that is expected, and nothing happens outside.

The programs are in ``hostile/``, by what they go for. In its ``.txt`` files a program begins after a line
``%%%% NAME STATUS`` or ``%%%% NAME ok, ANSWER`` (an ``ok`` alone: the answer is the empty text); alternatives, where
the outcome is open by nature, are parted by `` | `` and explained in the program. What comes before the first heading
is a title. Programs in which bytes or sizes matter are made here. ``@PORT@`` and the like stand for what `Outside` has
put where no program may reach it.

The expected statuses are those of a program under plain ``swipl FILE``, with limits: they are never adapted to the
judge; where it differs, `DIFFERS` says why. Before anything hostile runs, harmless programs must prove that the
isolation holds (`holes`).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
import pytest
from lowres_code.judge import Judge
from lowres_code.language.base import Execution, Limits, Status
from lowres_code.problem import Test

from tests.conftest import PROLOG, ROOT

CORPUS = Path(__file__).with_name("hostile")
PAIRS = "state"  # the file whose programs run in order, in one worker
MARK = "lowres-hostile"  # in the name of every file that a program tries to leave outside
SLEEP = "31536"  # the seconds that every process sleeps which a program leaves behind
GOLD = f"gold-{secrets.token_hex(8)}"
SECRET = f"secret-{secrets.token_hex(8)}"
LIMITS = Limits(inferences=2_000_000, cpu_s=2, memory_mb=128, output_kb=64, wall_s=8)
NEST = "nest(0, a) :- !.\nnest(N, f(T)) :- M is N - 1, nest(M, T).\n"
TRIED_PROCESSES = LIMITS.processes + 8

# Where the judge gives another outcome than plain Prolog would under limits, which one, and why nobody gains by it.
DIFFERS = {
    "bytes:answer_that_is_no_text": (
        "runtime_error",
        "format/3 refuses half a surrogate pair where a terminal would show something",
    ),
    "ending:at_halt_with_a_loop": ("no_answer", "the limit of inferences ends the loop, and then Prolog halts"),
    "ending:halt_in_thread": (
        "runtime_error",
        "Prolog aborts its main thread to halt, and that is all that can be seen",
    ),
    "forging:system_format_wrapped": ("ok, forged", "the answer is the program's own, written its own way"),
    "processes:foreign_abort": ("memory_limit", "abort() is also how allocators give up"),
    "resources:loop_in_exception_hook": ("ok, 1", "there is no debugger, and so no such hook"),
    "resources:loop_under_a_limit_of_its_own": (
        "ok, inference_limit_exceeded",
        "the inner limit takes the outer one's exception for its own",
    ),
    "resources:memory_without_garbage_collection": (
        "runtime_error",
        "Prolog maps the exception to an abort, which tells no reason",
    ),
}

_HEADING = re.compile(r"^%%%% (\S+) (.+)\n", re.MULTILINE)

pytestmark = pytest.mark.skipif(
    not (shutil.which("swipl") and shutil.which("bwrap")), reason="needs SWI-Prolog (swipl) and bubblewrap (bwrap)"
)

Outcome = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class Program:
    """A hostile program and the outcomes, a status and an answer, of which it must have one."""

    name: str
    text: str
    outcomes: tuple[Outcome, ...]


def read_outcomes(text: str) -> tuple[Outcome, ...]:
    """The outcomes of a heading: ``timeout | ok, 1`` are two."""
    outcomes: list[Outcome] = []
    for part in text.split(" | "):
        status, _, answer = part.partition(", ")
        outcomes.append((Status(status).value, answer if status == Status.OK.value else None))
    return tuple(outcomes)


def read_corpus() -> Iterator[Program]:
    """The programs in files, by the name ``FILE:NAME``."""
    for path in sorted(CORPUS.glob("*.txt")):
        pieces = iter(_HEADING.split(path.read_text(encoding="utf-8"))[1:])
        for name, outcomes, text in zip(pieces, pieces, pieces, strict=True):
            yield Program(f"{path.stem}:{name}", text.rstrip("\n") + "\n", read_outcomes(outcomes))


def nested(before: str, middle: str, after: str, depth: int) -> str:
    """A text within a text within a text."""
    return before * depth + middle + after * depth


def made_programs() -> Iterator[Program]:
    """Programs in which single bytes or sizes matter; a byte that is no UTF-8 is a lone surrogate, as Python has it."""
    megabyte = 2**20
    replaced = "\N{REPLACEMENT CHARACTER}" * 3  # what a reader makes of a surrogate's three bytes
    made = {
        "empty runtime_error": "",
        "only_newlines runtime_error": "\n" * 1000,
        "only_a_nul syntax_error": "\0",
        "nul_within_a_name syntax_error": "sol\0ve(1).\n",
        "nul_between_clauses syntax_error": "helper(1).\n\0\nsolve(X) :- X = = 1.\n",
        "nul_within_quotes ok, 4\0002": "solve('4\0002').\n",
        "no_utf8_within_quotes ok, \N{REPLACEMENT CHARACTER}": "solve('\udcff').\n",
        "no_utf8_within_a_comment ok, 1": "% \udcff\udc80\nsolve(1).\n",
        "no_utf8_at_the_end ok, 1": "solve(1).\n% \udce2\udc82",
        "utf16_with_a_mark ok, 1": "solve(1).\n".encode("utf-16").decode("utf-8", "surrogateescape"),
        "bytes_of_a_program_that_is_none syntax_error": bytes(range(256)).decode("utf-8", "surrogateescape"),
        "answer_that_is_no_text ok, " + replaced: "solve(X) :- atom_codes(X, [0xD800]).\n",
        "ten_megabytes_of_comment ok, 1": f"/* {'x' * 10 * megabyte} */\nsolve(1).\n",
        "ten_megabytes_of_emoji_in_a_comment ok, 1": f"% {'🦆' * (10 * megabyte // 4)}\nsolve(1).\n",
        "ten_megabytes_of_facts timeout": "fact(1).\n" * (10 * megabyte // 9) + "solve(1).\n",
        "ten_megabytes_of_brackets syntax_error": "(" * 10 * megabyte,
        "ten_megabytes_within_a_quote syntax_error": "solve('" + "x" * 10 * megabyte,
        "one_line_of_a_megabyte ok, 50000": f"solve(X) :- length([{(' ' * 20 + ',').join('1' * 50_000)}], X).\n",
        "one_line_of_many_clauses ok, 3": "f(1). " * 10_000 + "solve(3).",
        "very_long_atom ok, 1000000": f"solve(X) :- atom_length({'a' * 1_000_000}, X).\n",
        "very_long_string ok, 1000000": f'solve(X) :- string_length("{"a" * 1_000_000}", X).\n',
        "very_long_variable ok, 1": f"solve(X{'x' * 1_000_000}) :- X{'x' * 1_000_000} = 1.\n",
        "very_long_number ok, 7": f"solve(X) :- X is {'7' * 20_000} mod 10.\n",
        "answer_as_long_as_allowed ok, " + "x" * 65_536: "solve(X) :- format(atom(X), '~*c', [65536, 0'x]).\n",
        "answer_one_longer_than_allowed output_limit": "solve(X) :- format(atom(X), '~*c', [65537, 0'x]).\n",
        "answer_of_many_digits ok, " + str(2**10_000): "solve(X) :- X is 2 ** 10000.\n",
        "answer_nested ok, " + nested("f(", "a", ")", 2_000): NEST + "solve(X) :- nest(2000, X).\n",
        # How deep Prolog can write depends on how it was built; where it cannot, it says that memory is short.
        f"answer_nested_deeply memory_limit | ok, {nested('f(', 'a', ')', 20_000)}": NEST
        + "solve(X) :- nest(20000, X).\n",
        # What is too deep for Prolog's reader leaves no solve/1, or ends Prolog; what is too deep to write has none.
        "nested_brackets ok, 1 | runtime_error | syntax_error | memory_limit": (
            f"solve(X) :- X = {nested('(', '1', ')', 100_000)}.\n"
        ),
        "nested_lists memory_limit | runtime_error | syntax_error": f"solve({nested('[', '1', ']', 100_000)}).\n",
        "nested_terms memory_limit | runtime_error | syntax_error": f"solve({nested('f(', '1', ')', 100_000)}).\n",
        "nested_braces memory_limit | runtime_error | syntax_error": f"solve({nested('{', '1', '}', 100_000)}).\n",
        "nested_minus memory_limit | runtime_error | syntax_error": f"solve(X) :- X = {'- ' * 100_000}a.\n",
        "nested_conjunctions ok, 1": f"solve(1) :- {'true, ' * 10_000}true.\n",
        "nested_comments syntax_error": "/* " * 100_000 + "\nsolve(1).\n",
        "many_syntax_errors output_limit": "wrong(.\n" * 5_000 + "solve(1).\n",
        "many_warnings output_limit": "".join(f"p{n}(X).\n" for n in range(3_000)) + "solve(1).\n",
        "many_variables ok, 1": f"solve(1) :- f({','.join(f'X{n}' for n in range(20_000))}) = _.\n",
        "many_arguments ok, 50000": f"solve(X) :- functor(f({','.join('1' * 50_000)}), _, X).\n",
    }
    for heading, text in made.items():
        name, _, outcomes = heading.partition(" ")
        yield Program(f"bytes:{name}", text, read_outcomes(outcomes))


ALL = [*read_corpus(), *made_programs()]
PROGRAMS = {program.name: program for program in ALL}


class Outside:
    """What programs must not reach, and a memory of how it was."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary
        (canary / "secret.pl").write_text(f"secret('{SECRET}').\n", encoding="utf-8")
        self.listeners = [socket.socket(family, kind) for family, kind in _LISTENERS]
        tcp, udp, unix, abstract = self.listeners
        tcp.bind(("127.0.0.1", 0))
        udp.bind(("127.0.0.1", 0))
        self.port, self.udp = tcp.getsockname()[1], udp.getsockname()[1]
        unix.bind(str(canary / "socket"))
        abstract.bind(f"\0{MARK}-{self.port}")
        for listener in self.listeners:
            listener.setblocking(False)
            if listener is not udp:
                listener.listen()
        self._children = set(psutil.Process().children(recursive=True))
        self._files = self._state_of_files()

    def fill_in(self, text: str) -> str:
        """The text of a program with the places that it attacks."""
        places = {"PORT": self.port, "UDP": self.udp, "CANARY": self.canary, "PID": os.getpid()}
        for name, place in {**places, "HOME": Path.home(), "ROOT": ROOT}.items():
            text = text.replace(f"@{name}@", str(place))
        return text

    def _state_of_files(self) -> dict[str, bytes | None]:
        """The canary's files and the judge's own, with what is in them, and all files that bear the mark."""
        held = [*self.canary.rglob("*"), ROOT / "core" / "lowres_code" / "judge.py"]
        folders = {self.canary, ROOT, ROOT / "core", ROOT / "core" / "lowres_code", Path.home(), Path.cwd()}
        folders |= {Path(folder) for folder in _COMMON_FOLDERS}
        marked = [path for folder in folders for path in folder.glob(f"*{MARK}*")]
        return {str(path): path.read_bytes() if path.is_file() else None for path in held + marked}

    def changed_files(self) -> set[str]:
        """Files that are new, gone, or not what they were."""
        return {path for path, _ in self._state_of_files().items() ^ self._files.items()}

    def calls(self) -> list[str]:
        """The listeners that somebody has called."""
        called = []
        for listener in self.listeners:
            with contextlib.suppress(BlockingIOError):
                if listener.type == socket.SOCK_DGRAM:
                    listener.recv(1)
                else:
                    listener.accept()[0].close()
                called.append(str(listener.getsockname()))
        return called

    def new_processes(self) -> list[str]:
        """Processes of ours that were not there before, and whatever sleeps as long as programs do."""
        ours = set(psutil.Process().children(recursive=True)) - self._children
        sleepers = [process for process in psutil.process_iter(["cmdline"]) if SLEEP in (process.info["cmdline"] or [])]
        return [str(process) for process in [*ours, *sleepers]]

    def close(self) -> None:
        for listener in self.listeners:
            listener.close()


_LISTENERS = [
    (socket.AF_INET, socket.SOCK_STREAM),
    (socket.AF_INET, socket.SOCK_DGRAM),
    (socket.AF_UNIX, socket.SOCK_STREAM),
    (socket.AF_UNIX, socket.SOCK_STREAM),
]
_COMMON_FOLDERS = (
    *("/", "/tmp", "/var/tmp", "/run", "/etc", "/dev", "/dev/shm"),
    *("/usr", "/usr/lib", "/usr/bin", "/scratch"),
)

# Harmless programs that look at the isolation. Each gives what is not as it must be, as a list.
HARMLESS = {
    "it shares a namespace with the machine": (
        "shared(N) :- member(N-Outside, [{namespaces}]), atom_concat('/proc/self/ns/', N, F), "
        "read_link(F, Link, _), Link == Outside.\n"
        "solve(X) :- findall(N, shared(N), X)."
    ),
    "it sees the machine's processes": (
        "solve(X) :- directory_files('/proc', Fs), findall(P, ( member(F, Fs), atom_number(F, P) ), Ps), "
        "length(Ps, N), ( N < 12 -> X = [] ; X = Ps )."
    ),
    "it sees a network": (
        ":- use_module(library(readutil)).\n"
        'line(L) :- read_file_to_string(\'/proc/net/dev\', T, []), split_string(T, "\\n", " ", [_, _|Ls]), '
        'member(L, Ls), L \\== "".\n'
        'solve(X) :- findall(L, ( line(L), \\+ sub_string(L, 0, _, _, "lo:") ), X).'
    ),
    "it sees files of the machine": (
        "file(F) :- member(F, ['/etc/passwd', '/etc/shadow', '@CANARY@/secret.pl', '@ROOT@/README.md']).\n"
        "solve(X) :- findall(F, ( file(F), catch(( open(F, read, S), close(S) ), _, fail) ), X)."
    ),
    "it can write outside": (
        "folder(F) :- member(F, ['', '/tmp', '/etc', '/dev', '/dev/shm', '/usr', '@HOME@', '@ROOT@', '@CANARY@']).\n"
        f"written(D) :- atom_concat(D, '/{MARK}', F), catch(( open(F, write, S), close(S) ), _, fail).\n"
        "solve(X) :- findall(D, ( folder(D), written(D) ), X)."
    ),
    "it can start more processes than allowed": (
        ":- use_module(library(process)).\n"
        "started :- catch(process_create('/bin/sleep', ['1'], [process(_)]), _, fail).\n"
        f"solve(X) :- findall(N, ( between(1, {TRIED_PROCESSES}, N), started ), Ns), length(Ns, N), "
        f"( N =< {LIMITS.processes} -> X = [] ; X = [N] )."
    ),
}


def holes(judge: Judge, outside: Outside) -> dict[str, str]:
    """What is wrong with the isolation, and what was seen of it; empty if everything hostile may run."""
    names = ["pid", "net", "mnt", "ipc", "uts"]
    if os.geteuid() != 0:  # root's programs run as a user of their own instead, whose processes the kernel counts
        names.append("user")
    namespaces = ", ".join(f"{name}-'{Path(f'/proc/self/ns/{name}').readlink()}'" for name in names)
    texts = [outside.fill_in(text.replace("{namespaces}", namespaces)) for text in HARMLESS.values()]
    seen = dict(zip(HARMLESS, judge.execute(texts, [Test()] * len(texts)), strict=True))
    return {
        hole: execution.answer or str(execution)
        for hole, execution in seen.items()
        if execution.answer != "[]" or execution.isolation != "namespaces"
    }


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    outside = Outside(tmp_path_factory.mktemp("canary"))
    yield outside
    outside.close()


@pytest.fixture(scope="module")
def executions(outside: Outside) -> dict[str, Execution]:
    """What came of all programs; the workers that ran them have ended."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOWRES_HOSTILE_SECRET", SECRET)
        with Judge(PROLOG, LIMITS, "namespaces", 2) as judge, Judge(PROLOG, LIMITS, "namespaces", 1) as in_order:
            if missing := holes(judge, outside):
                pytest.fail(f"no hostile program is run, for the isolation has holes: {missing}", pytrace=False)
            pairs = [program for program in ALL if program.name.startswith(f"{PAIRS}:")]
            others = [program for program in ALL if program not in pairs]
            return run_all(in_order, pairs, outside) | run_all(judge, others, outside)


def run_all(judge: Judge, programs: list[Program], outside: Outside) -> dict[str, Execution]:
    texts = [outside.fill_in(program.text) for program in programs]
    done = judge.execute(texts, [Test(GOLD)] * len(texts))
    return {program.name: execution for program, execution in zip(programs, done, strict=True)}


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_has_an_expected_outcome(name: str, executions: dict[str, Execution]) -> None:
    program, execution = PROGRAMS[name], executions[name]
    outcomes = read_outcomes(DIFFERS[name][0]) if name in DIFFERS else program.outcomes
    assert (execution.status.value, execution.answer) in outcomes, f"{program.text[:2000]}\n{execution}"[:5000]


def test_every_program_ran_isolated(executions: dict[str, Execution]) -> None:
    assert {execution.isolation for execution in executions.values()} == {"namespaces"}


def test_no_program_is_the_judges_failure(executions: dict[str, Execution]) -> None:
    assert [name for name, execution in executions.items() if execution.status is Status.INFRA_ERROR] == []


def test_no_file_outside_was_changed(executions: dict[str, Execution], outside: Outside) -> None:
    assert outside.changed_files() == set()


def test_nobody_was_called(executions: dict[str, Execution], outside: Outside) -> None:
    assert outside.calls() == []


def test_no_process_is_left(executions: dict[str, Execution], outside: Outside) -> None:
    assert outside.new_processes() == []


@pytest.mark.parametrize("secret", [SECRET, GOLD], ids=["of_the_user", "expected_answer"])
def test_no_secret_came_out(secret: str, executions: dict[str, Execution]) -> None:
    told = {name: json.dumps(asdict(execution)) for name, execution in executions.items()}
    assert [name for name, text in told.items() if secret in text] == []


def test_no_answer_is_taken_for_the_expected_one(executions: dict[str, Execution]) -> None:
    answers = {name: execution.answer for name, execution in executions.items()}
    assert [name for name, answer in answers.items() if answer is not None and PROLOG.compare(GOLD, answer)] == []


def test_names_are_unique_and_every_status_is_expected() -> None:
    assert len(PROGRAMS) == len(ALL)
    expected = {status for program in ALL for status, _ in program.outcomes}
    assert expected == {status.value for status in Status} - {Status.INFRA_ERROR.value}
    firsts = [name for name in PROGRAMS if name.startswith(f"{PAIRS}:") and not name.endswith(".then")]
    assert all(f"{name}.then" in PROGRAMS for name in firsts)
