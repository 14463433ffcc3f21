"""The isolation ``landlock``: what a program may not do, tried with system calls of every kind, and Prolog in it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from lowres_code.judge import Judge
from lowres_code.language.base import Execution, Limits, Status
from lowres_code.plugins.manager import plugin_manager
from lowres_code.problem import Test
from lowres_code.sandbox.isolation import availability
from lowres_code.sandbox.threads import threads_of

from tests.conftest import PROLOG
from tests.core.sandbox.snake import Snake
from tests.ordinary_user import lowres_code_of_an_ordinary_user

pytestmark = pytest.mark.skipif(
    not availability("landlock").works, reason=f"no landlock here: {availability('landlock').reason}"
)


@pytest.fixture(scope="module")
def snake() -> Iterator[Judge]:
    with Judge(Snake(), Limits(cpu_s=2, wall_s=10), "landlock", workers=1) as judge:
        harmless = judge.execute(["answer = 6 * 7"], [Test()])[0]
        assert (harmless.answer, harmless.isolation) == ("42", "landlock"), harmless
        yield judge


def run(judge: Judge, program: str) -> Execution:
    return judge.execute([program], [Test()])[0]


@pytest.mark.parametrize(
    "program",
    [
        "answer = open('/etc/passwd').read()",
        "answer = os.listdir('/')",
        "answer = open('/proc/1/environ').read()",
        "answer = os.listdir('/proc/self/fd')",
        "answer = open('{canary}/secret').read()",
        "open('{canary}/new', 'w')",
        "os.unlink('{canary}/secret')",
        "os.rename('{canary}/secret', 'mine')",
        "os.link('{canary}/secret', 'mine'); answer = open('mine').read()",
        "os.symlink('{canary}/secret', 'mine'); answer = open('mine').read()",
        "os.chmod('{canary}/secret', 0o777)",
        "os.utime('{canary}/secret', (0, 0))",
        "os.setxattr('{canary}/secret', 'user.mark', b'1')",
        "os.truncate('{canary}/secret', 0)",
        "socket.create_connection(('127.0.0.1', {port}), 1)",
        "socket.socket(socket.AF_UNIX)",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
        "os.kill({pid}, 0)",
        "os.kill(os.getppid(), signal.SIGKILL)",
        "os.fork()",
        "os.posix_spawn('/bin/true', ['true'], {{}})",
        "assert libc.unshare(0x10000000) == 0",
        "assert libc.ptrace(16, {pid}, 0, 0) == 0",
        "assert libc.shmget(1, 4096, 0o1666) >= 0",
        "import resource; resource.prlimit({pid}, resource.RLIMIT_CPU)",
        "os.sched_setscheduler({pid}, os.SCHED_IDLE, os.sched_param(0))",
        "socket.socketpair()",
        "import fcntl; fcntl.fcntl(os.open('/usr/bin/env', os.O_RDONLY), fcntl.F_SETLEASE, fcntl.F_WRLCK)",
        "import fcntl; fcntl.ioctl(os.open('/usr/bin/env', os.O_RDONLY), 0x40086602, bytes(8))",
        "assert libc.mq_unlink(b'/none') == 0",
        "assert libc.prctl(1, 0, 0, 0, 0) == 0",
        "assert libc.semtimedop(0, 0, 0, 0) == 0",
        "import json; os.listdir(os.path.dirname(os.path.dirname(json.__file__)) + '/site-packages')",
    ],
)
def test_it_cannot(program: str, snake: Judge, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2")
    before = secret.stat()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        port = server.getsockname()[1]
        execution = run(snake, program.format(canary=tmp_path, port=port, pid=os.getpid()))
        with pytest.raises(BlockingIOError):
            server.accept()
    assert execution.status is Status.RUNTIME_ERROR, execution
    assert "hunter2" not in str(execution)
    after = secret.stat()
    assert (secret.read_text(), after.st_mode, after.st_mtime_ns) == ("hunter2", before.st_mode, before.st_mtime_ns)
    assert list(tmp_path.iterdir()) == [secret]


@pytest.mark.parametrize(
    ("program", "answer"),
    [
        ("open('f', 'w').write('x'); answer = open('f').read()", "x"),
        ("os.mkdir('d'); os.rename('d', 'e'); answer = os.listdir('.')", "['e']"),
        ("answer = len(os.urandom(4))", "4"),
        ("answer = sorted(os.environ)", "['LANG', 'LC_CTYPE', 'PATH', 'PYTHONPATH', 'PWD']"),
    ],
)
def test_it_can(program: str, answer: str, snake: Judge) -> None:
    execution = run(snake, program)
    if "environ" in program:  # some systems add their own; none is the user's
        assert set(eval(execution.answer or "")) <= set(eval(answer)), execution
    else:
        assert execution.answer == answer, execution


def test_threads_may_be_made_but_not_without_end(snake: Judge) -> None:
    program = (
        "import _thread, time\nanswer = 0\n"
        "try:\n    while answer < 3000:\n        _thread.start_new_thread(time.sleep, (5,)); answer += 1\n"
        "except RuntimeError:\n    pass\n"
    )
    answer = run(snake, program).answer
    assert answer is not None
    assert int(answer) < 3000


def test_deep_folders_are_removed(snake: Judge) -> None:
    run(snake, "for _ in range(3000): os.mkdir('d'); os.chdir('d')\nanswer = 1")
    assert run(snake, "answer = os.listdir('.')").answer == "[]"


def test_nothing_stays_for_the_next_program(snake: Judge) -> None:
    run(snake, "open('kept', 'w').write('x'); os.environ['KEPT'] = '1'; answer = 1")
    assert run(snake, "answer = (os.path.exists('kept'), os.environ.get('KEPT'))").answer == "(False, None)"


@pytest.fixture(scope="module")
def ordinary() -> Iterator[list[str]]:
    with tempfile.TemporaryDirectory() as folder:
        yield lowres_code_of_an_ordinary_user(Path(folder))


@pytest.mark.parametrize("language", ["lua", "python"])
def test_languages_of_commands_conform_for_an_ordinary_user(language: str, ordinary: list[str]) -> None:
    """Of such a user the kernel counts all processes; for root it counts none, and landlock is refused."""
    if missing := plugin_manager().languages[language].thing.missing():
        pytest.skip(f"{missing.what} is not installed: {missing.install}")
    command = [*ordinary, "lang", "verify", language, "--isolation", "landlock", "--soak", "20", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    report = json.loads(done.stdout)
    assert [check for check in report["checks"] if check["outcome"] == "failed"] == [], done.stderr
    assert (report["passed"], report["isolation"]) == (True, "landlock")


def test_a_users_threads_are_counted_and_not_the_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    me, stop = psutil.Process(), threading.Event()
    before = me.num_threads()
    threads = [threading.Thread(target=stop.wait, daemon=True) for _ in range(40)]
    for thread in threads:
        thread.start()
    other = subprocess.Popen(["sleep", "400"])
    try:
        assert threads_of(os.getuid()) >= before + 40
        # While they are counted others come and go; of these three none does, and the last is nobody's.
        here = [psutil.Process(pid) for pid in (1, me.pid, other.pid)]
        there = ["self", *(str(process.pid) for process in here), str(2**31 - 7)]
        mine = [process.num_threads() for process in here if process.uids().real == os.getuid()]
        with monkeypatch.context() as patch:
            patch.setattr(os, "listdir", lambda folder: there)
            found = threads_of(os.getuid())
        assert found == sum(mine) >= before + 40 + 1
    finally:
        other.kill()
        other.wait()
        stop.set()
        for thread in threads:
            thread.join()
    assert threads_of(2**31 - 7) == 0


def test_prolog_means_the_same_in_it() -> None:
    programs = {
        "solve(X) :- X is 6 * 7.": (Status.OK, "42"),
        ":- use_module(library(clpq)).\nsolve(X) :- {2 * X = 7}.": (Status.OK, "7r2"),
        "solve(X) :- {2 * X = 7}.": (Status.RUNTIME_ERROR, None),
        "solve(X) :- X is 1 +.": (Status.SYNTAX_ERROR, None),
        "solve(X) :- solve(X).": (Status.TIMEOUT, None),
        "solve(X) :- thread_create(true, T), thread_join(T, X).": (Status.OK, "true"),
        "solve(X) :- read_file_to_string('/etc/passwd', X, []).": (Status.RUNTIME_ERROR, None),
    }
    with Judge(PROLOG, Limits(inferences=1_000_000), "landlock", workers=1) as judge:
        executions = judge.execute(list(programs), [Test()] * len(programs))
    assert [(e.status, e.answer) for e in executions] == list(programs.values())
    assert {e.isolation for e in executions} == {"landlock"}
