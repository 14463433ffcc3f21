"""One verification from start to end."""

from __future__ import annotations

from collections.abc import Iterator

from lowres_code._util.given import must_be
from lowres_code._util.progress import Progress, no_progress
from lowres_code.conformance import checks, isolation_checks, offers
from lowres_code.conformance.canary import Canary, canary
from lowres_code.conformance.result import Check, Outcome, Report
from lowres_code.conformance.soak import soak
from lowres_code.errors import UsageError
from lowres_code.judge import Judge
from lowres_code.language.base import Language, Limits

# Small, so that what must end at a limit ends soon; a language's own needs come before them.
LIMITS = Limits(inferences=2_000_000, cpu_s=2, memory_mb=256, output_kb=64, wall_s=15)
SOAK = 1000


def verify(
    language: Language, isolation: str = "auto", soak_of: int = SOAK, progress: Progress = no_progress
) -> Report:
    """Try a backend with every check there is.

    Args:
        language: the backend; it must have a snippet ``hello``.
        isolation: ``"auto"``, or the name of an isolation.
        soak_of: how many programs the soak runs.
        progress: is told how far the soak is.

    Raises:
        UsageError: something that the language needs is not installed, or it has no ``hello``.
        JudgeError: the isolation does not work here, or no worker starts.
    """
    must_be(language, Language, 'verify takes a language, as find_language("prolog") gives it')
    _must_be_ready(language)
    with Judge(language, LIMITS, isolation, workers=1) as judge, canary() as bird:
        judge.start()
        done = list(_tried(judge, bird))
        isolation = judge.isolation
    hello = language.snippets[checks.HELLO]
    with Judge(language, LIMITS, isolation) as judge:
        soaked = soak(judge, hello, checks.HELLO, soak_of, progress)
    per_s = round(soak_of / soaked.elapsed_s, 1)
    figures = (soak_of, soaked.percentile_ms(50), soaked.percentile_ms(90), per_s)
    return Report(language.name, isolation, (*done, *soaked.checks), *figures)


def assert_conforms(language: Language, isolation: str = "auto", soak_of: int = SOAK) -> None:
    """`verify`, for a package's own tests.

    Raises:
        AssertionError: something failed; it names each failure.
    """
    failures = verify(language, isolation, soak_of).failures
    if failures:  # no assert, which python -O leaves out
        lines = [f"{check.name}: {check.detail}" for check in failures]
        raise AssertionError("\n".join([f"{language.name} does not conform:", *lines]))


def _tried(judge: Judge, bird: Canary) -> Iterator[Check]:
    """Nothing hostile runs before harmless programs have shown that the isolation holds."""
    yield from checks.first_steps(judge)
    with isolation_checks.probing(judge) as probes:
        standing = list(isolation_checks.harmless(probes, bird))
        yield from standing
        if any(check.outcome is Outcome.FAILED for check in standing):
            yield Check("hostile programs", Outcome.FAILED, "not tried, since the isolation does not hold")
            return
        yield from isolation_checks.hostile(probes)
    yield from checks.own_programs(judge)
    yield from offers.appended_tests(judge)
    yield from offers.analysis(judge)
    yield from checks.snippets(judge, bird)


def _must_be_ready(language: Language) -> None:
    if missing := language.missing():
        raise UsageError(missing.message(language.name))
    if checks.HELLO not in language.snippets:
        raise UsageError(f"language {language.name!r} has no snippet 'hello': a program that answers hello")
