"""A worker: loads an interpreter once, then forks a child for each program.

Runs as ``python -m lowres_code.sandbox.worker`` inside its isolation, without torch or numpy. On standard input it gets
its pickled `WorkerConfig`, then a request for each program; it writes one reply for each
(`lowres_code.sandbox.frames`). When the input ends, so does it.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import pickle
import resource
import signal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from lowres_code._util.text import bytes_of, write_anew
from lowres_code.language.base import Call, Diagnostic, EmbeddedLanguage, Execution, Limits, Ready, Status
from lowres_code.problem import Test
from lowres_code.sandbox import frames
from lowres_code.sandbox.child import ResourceLimits, ResultMemory, answer
from lowres_code.sandbox.confinement import Confinement
from lowres_code.sandbox.results import LONGEST_RESULT, encode, longest_result
from lowres_code.sandbox.scratch import empty, remove_plain, stdin_file
from lowres_code.sandbox.startup import WorkerConfig
from lowres_code.sandbox.system import (
    FAILED,
    NOT_CONFINED,
    OUT_OF_MEMORY,
    Forker,
    SeccompFilter,
    become_subreaper,
    end_all_others,
    end_alone,
    end_first,
    exit_on_limits,
    hide_from_children,
    no_new_privileges,
    own_scratch,
)
from lowres_code.sandbox.threads import ThreadCount, must_have_one
from lowres_code.sandbox.watch import Ended, kill_orphans, watch

if TYPE_CHECKING:
    from lowres_code.sandbox.landlock import Ruleset


SCRATCH_BYTES = 64 * 2**20
SCRATCH_FILES = 32_768
_NUMBER = {status: number for number, status in enumerate(Status)}


class _Asked(NamedTuple):
    """What the head of a request asks for."""

    ask: str
    limits: Limits
    kernel_limits: ResourceLimits


class Worker:
    """Runs programs one after another, each in a forked child."""

    def __init__(self, config: WorkerConfig) -> None:
        self._config = config
        self._root = config.root
        self._scratch = f"{config.root}/program"  # the same for every program, so that messages are the same
        self._file = f"{config.language.stem}{config.language.suffix}"
        self._address_space = _address_space()
        self._head = b""
        self._asked: _Asked
        self._memory = ResultMemory(LONGEST_RESULT)
        self._forker = Forker(namespaces=config.isolation == "namespaces")
        self._confinement = Confinement(self._scratch, config.user)
        self._others = ThreadCount(every_s=0.0 if config.may_fork else 1.0)
        self._ready: Ready | None = None
        self._ready_calls: tuple[Call, ...] = ()
        self._ruleset: Ruleset | None = None
        self._filter: SeccompFilter | None = None
        self._enter_isolation()

    def serve(self, requests: int, replies: BinaryIO) -> None:
        """Answer requests until they end, or until a program has left processes behind.

        Such a worker says that it retires, and ends. In the isolation ``namespaces`` that cannot happen: a program's
        processes end with it.
        """
        private = (requests, replies.fileno())
        retire, late = False, 0
        while not retire:
            try:
                head, stamped, *texts = frames.unpack(partial(frames.read, requests))
            except EOFError:
                return
            stamp = frames.unpack_stamp(stamped)
            if stamp.late != late:
                continue
            asked = self._understood(head)
            ended, result = self._run(
                asked, *(text.decode("utf-8", "surrogatepass") for text in texts), private=private
            )
            retire = self._config.isolation != "namespaces" and not kill_orphans()
            late += ended.wall_s > frames.LATE_S
            reply = _reply_head(ended, result, asked.limits, stamp.identity, retire)
            replies.write(frames.pack(reply, result, ended.stdout, ended.stderr))
            replies.flush()
            del texts, ended, result, reply  # not kept for the next one, which starts with all that is here

    def _understood(self, head: bytes) -> _Asked:
        """The same for equal heads: reading one touches many pages."""
        if head != self._head:
            ask, limits = json.loads(head)
            limits = Limits(**limits)
            self._asked = _Asked(ask, limits, ResourceLimits(limits, self._address_space))
            self._head = head
        return self._asked

    def _enter_isolation(self) -> None:
        """Enter what stands around worker and programs alike; make ready what a program enters alone."""
        config = self._config
        no_new_privileges()
        if config.isolation == "limits":
            return
        from lowres_code.sandbox.seccomp import KERNEL, seccomp_filter

        if config.isolation == "namespaces":  # loaded once, here: a filter costs a third of a millisecond
            SeccompFilter(seccomp_filter(KERNEL)).load()
            self._filter = None if config.may_fork else SeccompFilter(seccomp_filter((), may_fork=False))
            return
        from lowres_code.sandbox.landlock import BESIDE_LANDLOCK, Ruleset

        self._ruleset = Ruleset(config.readable, Path(config.root))
        self._filter = SeccompFilter(seccomp_filter(KERNEL + BESIDE_LANDLOCK, config.may_fork, may_stay=False))

    def _run(
        self, asked: _Asked, program: str, stdin_text: str, query: str | None = None, *, private: tuple[int, int]
    ) -> tuple[Ended, bytes]:
        """How the program ended, and its result."""
        limits, test = asked.limits, Test(stdin=stdin_text, query=query)
        remove_plain(self._scratch, self._file)
        empty(self._root)
        os.chmod(self._root, 0o755)
        os.mkdir(self._scratch, 0o700)
        self._memory.clear()
        stdin = stdin_file(stdin_text, self._root)
        out_read, out_write = os.pipe()
        err_read, err_write = os.pipe()
        if self._config.user:
            for own in (self._scratch, out_write, err_write):  # a program may open its streams again, by /dev/stderr
                os.chown(own, self._config.user, self._config.user)
        in_namespaces = self._config.isolation == "namespaces"
        streams = (stdin, out_write, err_write)
        kernel_limits = asked.kernel_limits.of(4 * len(program), 0 if in_namespaces else self._others.now())
        calls = self._calls(asked, program, test)
        self._confinement.prepare(streams, (*private, out_read, err_read, *streams), kernel_limits)
        child = self._forker.fork(self._confinement.calls, calls)
        if child <= 0:
            self._become_program(child, bool(calls), asked, program, test)
        for descriptor in streams:
            os.close(descriptor)
        try:
            ended = watch(child, (out_read, err_read), limits, counted=in_namespaces)
        finally:
            os.close(out_read)
            os.close(err_read)
        result = self._memory.read()
        if len(result) > longest_result(limits.output_kb):
            return ended._replace(killed_for=Status.OUTPUT_LIMIT), b""
        return ended, result

    def _calls(self, asked: _Asked, program: str, test: Test) -> tuple[Call, ...]:
        """What the child calls, of a language that executes so; its last call ends it."""
        language = self._config.language
        if asked.ask != "execute" or self._ruleset or self._filter or not isinstance(language, EmbeddedLanguage):
            return ()
        path = f"{self._scratch}/{self._file}"
        try:
            ready = language.ready(path, test, asked.limits)
            if ready is None or not self._written(path, bytes_of(program)):
                return ()
        except Exception:  # whatever it is, the child comes upon it too, and says so
            return ()
        if ready is not self._ready:
            self._ready = ready
            self._ready_calls = (*ready.calls, *self._memory.calls(ready.data, ready.length), *end_alone())
        return self._ready_calls

    def _written(self, path: str, data: bytes) -> bool:
        """Whether a program is where the language looks for it; if not, nothing is."""
        most = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
        if most != resource.RLIM_INFINITY and len(data) > most:  # the kernel would end the worker
            return False
        try:
            write_anew(path, data)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(path)
            return False
        if self._config.user:
            os.chown(path, self._config.user, self._config.user)
        return True

    def _confine_further(self, forked: int) -> None:
        if forked == OUT_OF_MEMORY:
            raise MemoryError
        if forked == NOT_CONFINED:
            raise OSError("it cannot be confined")
        if forked == FAILED:
            raise RuntimeError("a call that the language has made ready has raised an exception")
        if self._ruleset:
            self._ruleset.enter()
        if self._filter:
            self._filter.load()

    def _become_program(self, forked: int, called: bool, asked: _Asked, program: str, test: Test) -> None:
        """In the child: never returns. It may have called what `_calls` says, and not come to its end.

        Args:
            forked: what `Forker.fork` has returned.
            called: whether there were such calls.
            asked: what the program is run for.
            program: its text.
            test: its standard input and query.
        """
        language, limits = self._config.language, asked.limits
        try:
            self._confine_further(forked)
            if called and isinstance(language, EmbeddedLanguage):
                result = b"" if self._memory.read() else encode(language.understood(b"", limits), limits)
            else:
                result = encode(answer(language, asked.ask, program, test, limits), limits)
        except MemoryError:  # the answer itself is as large as the program may be
            result = encode(Execution(Status.MEMORY_LIMIT), limits)
        except BaseException as error:  # nothing of the program has run yet: this is the judge's own failure
            failure = Diagnostic(f"before the program: {error!r}")
            result = encode(Execution(Status.INFRA_ERROR, diagnostics=(failure,)), limits)
        try:
            if result:
                self._memory.write(result)
            if self._config.isolation == "namespaces" and self._config.may_fork:
                end_all_others()  # so that their CPU time counts
        finally:
            os._exit(0)


def _reply_head(ended: Ended, result: bytes, limits: Limits, identity: bytes, retire: bool) -> bytes:
    status = ended.killed_for or (None if result else ended.status(limits))
    if ended.cpu_s > limits.cpu_s + 1:  # by its children, each of which has kept to the limit
        status = Status.TIMEOUT
    number = -1 if status is None else _NUMBER[status]
    code = None if result else ended.exit_code
    used = (ended.cpu_s, ended.wall_s, ended.peak_mb)
    return frames.pack_reply_head(frames.ReplyHead(identity, number, code is not None, code or 0, *used, retire))


def _address_space() -> int:
    """Bytes of address space that this process has now: the warm interpreter's."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """Serve on standard input and output; programs get neither."""
    requests, replies = os.dup(0), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.close(null)
    become_subreaper()
    end_first()
    hide_from_children()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())  # whoever started this may have signals blocked, as Ray has
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))  # some run-times do not start with fewer than 167
    (pickled,) = frames.unpack(partial(frames.read, requests))
    config: WorkerConfig = pickle.loads(pickled)
    del pickled
    if config.isolation == "namespaces":
        own_scratch(config.root, SCRATCH_BYTES, SCRATCH_FILES)
        os.chown(config.root, config.user or -1, config.user or -1)
    os.chdir(config.root)
    if isinstance(config.language, EmbeddedLanguage):
        config.language.load(config.warm_up)
        must_have_one()
    exit_on_limits()
    gc.collect()
    gc.freeze()  # forked children must not touch, and so copy, every page at a collection
    worker = Worker(config)
    replies.write(frames.pack(b"ready"))
    replies.flush()
    worker.serve(requests, replies)


if __name__ == "__main__":
    main()
