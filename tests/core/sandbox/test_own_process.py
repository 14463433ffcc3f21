"""Pools in a process of their own: what signals, forks and its end do to them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

WAIT_S = 60
NAMES = """
import os, signal, subprocess, sys, threading, time
from lowres_code import Judge, Limits, Test, plugin_manager
from lowres_code.sandbox import client
from lowres_code.sandbox.pool import Pool
PROLOG = plugin_manager().languages["prolog"].thing
"""


def ran(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A script that may use `NAMES`."""
    command, variables = [sys.executable, "-c", NAMES + script], os.environ | environment
    return subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, check=False, env=variables)


def test_a_signal_that_closes_the_pool_may_come_while_its_thread_is_woken_up() -> None:
    script = (
        "pool = Pool(PROLOG, 'limits', 1)\n"
        "pool.start()\n"
        "def close(*_):\n"
        "    pool.close()\n"
        "    sys.exit(7)\n"
        "signal.signal(signal.SIGTERM, close)\n"
        "write = os.eventfd_write\n"
        "def written(*given):\n"
        "    os.eventfd_write = write\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "os.eventfd_write = written\n"
        "while True:\n"
        "    pool.submit(('solve(1).', Test()), Limits()).result()\n"
        "    time.sleep(0.1)\n"
    )
    assert ran(script).returncode == 7


def test_a_process_that_is_stopped_for_long_takes_no_worker_for_silent() -> None:
    """As by Ctrl-Z, which stops no worker: a wait that it has broken off tells nothing of what has come meanwhile."""
    script = (
        "client._GRACE_S = 0.5\n"
        "with Pool(PROLOG, 'limits', 1) as pool:\n"
        "    pool.submit(('solve(1).', Test()), Limits()).result()\n"
        "    workers = [client._process for client in pool._dispatcher._clients()]\n"
        "    asked = pool.submit(('solve(X) :- sleep(0.5), X = slow.', Test()), Limits(wall_s=1.0))\n"
        "    stop = f'sleep 0.2; kill -STOP {os.getpid()}; sleep 3; kill -CONT {os.getpid()}'\n"
        "    subprocess.run(['sh', '-c', stop], check=True, start_new_session=True)\n"
        "    print(asked.result().answer)\n"
        "    print([client._process for client in pool._dispatcher._clients()] == workers)\n"
    )
    done = ran(script)
    assert done.stdout.split() == ["slow", "True"], done.stderr


def test_a_process_that_ends_without_closing_leaves_nothing(tmp_path: Path) -> None:
    script = (
        "pool = Pool(PROLOG, 'limits', 1)\n"
        "pool.start()\n"
        "pool.submit(('solve(X) :- sleep(500), X = 1.', Test()), Limits(wall_s=500.0))\n"
        "time.sleep(0.5)\n"
    )
    assert ran(script, TMPDIR=str(tmp_path)).returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_a_fork_that_ends_does_not_end_what_its_parent_has() -> None:
    script = (
        "judge = Judge('prolog', workers=1)\n"
        "print(judge.check('solve(1).', answer='1').verdict, flush=True)\n"
        "forked = os.fork()\n"
        "if not forked:\n"
        "    sys.exit(7)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(forked, 0)[1]))\n"
        "print(judge.check('solve(2).', answer='2').verdict)\n"
    )
    done = ran(script)
    assert done.stdout.split() == ["correct", "7", "correct"], done.stderr


def test_a_fork_while_a_worker_starts_holds_nobody_up_however_long_it_lives() -> None:
    script = (
        "starts, pipe, pipes = threading.Event(), os.pipe, []\n"
        "def piped():\n"
        "    pipes.append(pipe())\n"
        "    if len(pipes) == 3:  # behind those to the worker and from it\n"
        "        starts.set()\n"
        "        time.sleep(0.2)\n"
        "    return pipes[-1]\n"
        "os.pipe = piped\n"
        "pool = Pool(PROLOG, 'limits', 1)\n"
        "answer = pool.submit(('solve(1).', Test()), Limits())\n"
        "starts.wait()\n"
        "forked = os.fork()\n"
        "if not forked:\n"
        "    time.sleep(100)\n"
        "    os._exit(0)\n"
        "try:\n"
        "    print(answer.result(20).answer)\n"
        "finally:\n"
        "    os.kill(forked, signal.SIGKILL)\n"
    )
    done = ran(script)
    assert done.stdout.split() == ["1"], done.stderr


@pytest.mark.parametrize("ends", ["next(stream)", "stream.close()"])
def test_a_fork_cannot_wait_for_its_parents_stream_and_leaves_it_alone(ends: str) -> None:
    script = (
        "pool = Pool(PROLOG, 'limits', 1)\n"
        "slow = 'solve(X) :- sleep(0.3), X = '\n"
        "stream = pool.stream(((n, [(f'{slow}{n}.', Test())]) for n in range(3)), Limits())\n"
        "next(stream)\n"
        "future = next(iter(stream.gi_frame.f_locals['work']._jobs))\n"
        "held, go = threading.Event(), threading.Event()\n"
        "def hold():  # as the thread does that answers, just when this forks\n"
        "    with future._condition:\n"
        "        held.set()\n"
        "        go.wait(30)\n"
        "threading.Thread(target=hold).start()\n"
        "held.wait()\n"
        "forked = os.fork()\n"
        "if not forked:\n"
        "    signal.alarm(20)\n"
        "    try:\n"
        f"        {ends}\n"
        "    except Exception as error:\n"
        "        print(error, flush=True)\n"
        "    os._exit(0)\n"
        "code = os.waitstatus_to_exitcode(os.waitpid(forked, 0)[1])\n"
        "go.set()\n"
        "print(code, len(list(stream)))\n"
    )
    done = ran(script)
    assert done.stdout.splitlines()[-1:] == ["0 2"], done.stderr
    assert ("belongs to another process" in done.stdout) == (ends == "next(stream)")
