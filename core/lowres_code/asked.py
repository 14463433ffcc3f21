"""What a judge is made of and asked: wrong types are told at once, in the words of whoever calls it."""

from __future__ import annotations

from collections.abc import Sequence

from lowres_code._util.given import must_be, must_be_list, must_match
from lowres_code.errors import UsageError, near_match
from lowres_code.language.base import Language, Limits
from lowres_code.problem import Problem, Test
from lowres_code.sandbox.isolation import ISOLATIONS

MOST_WORKERS = 1_000
_PROBLEM = 'must be a Problem, as Problem("id", "question", (Test("42"),))'


def check_parts(
    language: object, limits: object, isolation: object, workers: object, servers: object, ray: object
) -> None:
    """See that a judge can be made of this, as far as types tell; see `lowres_code.judge.Judge`.

    Raises:
        UsageError: it cannot.
    """
    must_be(language, Language, 'Judge: the language must be its name, as "prolog", the path of its file, or a backend')
    check_limits(limits or Limits())
    must_be(isolation, str, 'Judge: isolation must be text, as "auto"')
    if isolation not in (known := ("auto", *ISOLATIONS)):
        raise UsageError(f"there is no isolation {isolation!r}; {near_match(str(isolation), known)}")
    if workers is not None and (not isinstance(workers, int) or not 1 <= workers <= MOST_WORKERS):
        raise UsageError(f"workers must be from 1 to {MOST_WORKERS}, not {workers!r}")
    address = 'Judge: servers must be addresses, as ["http://localhost:8000"]'
    must_be_list(servers, str, address, address)
    must_be(ray, str | None, 'Judge: ray must be the address of a cluster, as "auto"')


def check_limits(limits: object) -> None:
    """Raises `UsageError` if these are no limits."""
    must_be(limits, Limits, "limits must be given as Limits(cpu_s=5)")


def check_programs(programs: object, where: str) -> None:
    """Raises `UsageError` if these are not programs, a text each."""
    must_be_list(programs, str, f'{where}: programs must be a list, as ["..."]', f"{where}: each program must be text")


def check_tested(programs: Sequence[str], tests: Sequence[Test]) -> None:
    """Raises `UsageError` if these are not as many programs and tests."""
    check_programs(programs, "execute")
    must_be_list(tests, Test, "execute: tests must be a list, as [Test()]", "execute: each test must be a Test")
    must_match(programs, tests, "execute", ("programs", "tests"))


def check_solutions(completions: Sequence[str], problems: Sequence[Problem]) -> None:
    """Raises `UsageError` if these are not as many completions and problems."""
    texts = 'judge: completions must be a list, as ["..."]'
    must_be_list(completions, str, texts, "judge: each completion must be text")
    must_be_list(problems, Problem, "judge: problems must be a list, as [problem]", f"judge: each problem {_PROBLEM}")
    must_match(completions, problems, "judge", ("completions", "problems"))


def check_solution(completion: object, problem: object) -> None:
    """Raises `UsageError` if these are not one completion and its problem."""
    must_be(completion, str, "judge: the completion must be text, one at a time here")
    must_be(problem, Problem, f"judge: the problem {_PROBLEM}")
