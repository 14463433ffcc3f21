"""What lies outside of the isolation, and harmless programs that show whether it holds."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
from pathlib import Path

import psutil
from lowres_code.judge import Judge
from lowres_code.language.base import Limits
from lowres_code.problem import Test

from tests.conftest import ROOT

MARK = "lowres-hostile"  # in the name of every file that a program tries to leave outside
SLEEP = "31536"  # the seconds that every process sleeps which a program leaves behind
SECRET = f"secret-{secrets.token_hex(8)}"
LIMITS = Limits(inferences=2_000_000, cpu_s=2, memory_mb=128, output_kb=64, wall_s=8)
TRIED_PROCESSES = LIMITS.processes + 8


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
