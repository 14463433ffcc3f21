"""What a judge is made of and asked: wrong types are told at once, in the words of whoever calls it."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral

from lowres_code._util.given import must_be, must_be_list, must_match
from lowres_code.errors import UsageError, near_match
from lowres_code.language.base import Language, Limits
from lowres_code.problem import Problem, Test
from lowres_code.sandbox.isolation import ISOLATIONS

MOST_WORKERS = 1_000
_PROBLEM = 'must be a Problem, as Problem("id", "question", (Test("42"),))'


def check_parts(
    language: object, limits: object, isolation: object, workers: object, servers: Iterable[str], ray: object
) -> tuple[str, ...]:
    """See that a judge can be made of this, as far as types tell; see `lowres_code.judge.Judge`.

    Returns:
        The servers.

    Raises:
        UsageError: it cannot.
    """
    must_be(language, Language, 'Judge: the language must be its name, as "prolog", the path of its file, or a backend')
    check_limits(limits or Limits())
    must_be(isolation, str, 'Judge: isolation must be text, as "auto"')
    if isolation not in (known := ("auto", *ISOLATIONS)):
        raise UsageError(f"there is no isolation {isolation!r}; {near_match(str(isolation), known)}")
    if workers is not None and (not isinstance(workers, Integral) or not 1 <= int(workers) <= MOST_WORKERS):
        raise UsageError(f"workers must be from 1 to {MOST_WORKERS}, not {workers!r}")
    must_be(ray, str | None, 'Judge: ray must be the address of a cluster, as "auto"')
    return check_servers(servers)


def check_servers(servers: Iterable[str]) -> tuple[str, ...]:
    """The addresses; raises `UsageError` if these are none."""
    address = 'Judge: servers must be addresses, as ["http://localhost:8000"]'
    return must_be_list(servers, str, address, address)


def check_limits(limits: object) -> None:
    """Raises `UsageError` if these are no limits."""
    must_be(limits, Limits, "limits must be given as Limits(cpu_s=5)")


def check_programs(programs: Iterable[str], where: str) -> tuple[str, ...]:
    """The programs; raises `UsageError` if these are none, a text each."""
    each = f"{where}: each program must be text"
    return must_be_list(programs, str, f'{where}: programs must be a list, as ["..."]', each)


def check_tested(programs: Iterable[str], tests: Iterable[Test]) -> list[tuple[str, Test]]:
    """Each program with its test; raises `UsageError` if these are not as many programs and tests."""
    texts = check_programs(programs, "execute")
    each = "execute: each test must be a Test"
    asked = must_be_list(tests, Test, "execute: tests must be a list, as [Test()]", each)
    must_match(texts, asked, "execute", ("programs", "tests"))
    return list(zip(texts, asked, strict=True))


def check_solutions(
    completions: Iterable[str], problems: Iterable[Problem]
) -> tuple[tuple[str, ...], tuple[Problem, ...]]:
    """Completions and problems; raises `UsageError` if these are not as many of each."""
    texts = 'judge: completions must be a list, as ["..."]'
    written = must_be_list(completions, str, texts, "judge: each completion must be text")
    of, each = "judge: problems must be a list, as [problem]", f"judge: each problem {_PROBLEM}"
    asked = must_be_list(problems, Problem, of, each)
    must_match(written, asked, "judge", ("completions", "problems"))
    return written, asked


def check_solution(completion: object, problem: object) -> None:
    """Raises `UsageError` if these are not one completion and its problem."""
    must_be(completion, str, "judge: the completion must be text, one at a time here")
    must_be(problem, Problem, f"judge: the problem {_PROBLEM}")
