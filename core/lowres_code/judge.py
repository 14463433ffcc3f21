"""The one judge: where a program meets a problem and a verdict comes out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, TypeVar

from lowres_code._util.given import must_be_list
from lowres_code.asked import check_limits, check_parts, check_programs, check_solutions, check_tested
from lowres_code.case import Case, given, tests_asked, verdict_on
from lowres_code.completion import Completion, parse_completion
from lowres_code.errors import UsageError
from lowres_code.judgement import INFRA_ERROR, Judgement
from lowres_code.language.analysis import Analysis
from lowres_code.language.base import Execution, Language, Limits, Status
from lowres_code.language.demands import check_tests
from lowres_code.problem import Problem, Test
from lowres_code.sandbox.isolation import choose_isolation
from lowres_code.sandbox.pool import Pool
from lowres_code.sandbox.runner import Runner

K = TypeVar("K")

log = logging.getLogger("lowres_code.judge")


class Judge:
    """Judges programs of one language; holds what runs them, so use it in ``with`` or `close` it.

    Several threads may use one at once. It belongs to the process that made it; pickled, it makes its own elsewhere.

    Attributes:
        language: of the programs.
        limits: of each program.
        runner: runs the programs, on this machine or at served judges.
    """

    def __init__(
        self,
        language: Language,
        limits: Limits | None = None,
        isolation: str = "auto",
        workers: int | None = None,
        servers: Iterable[str] = (),
        ray: str | None = None,
    ) -> None:
        """Args:
            language: the backend.
            limits: of each program; by default `Limits`. The language's own needs come first.
            isolation: ``"auto"``, or the name of an isolation.
            workers: how many programs at a time; by default one for each core.
            servers: addresses of served judges that run the programs (``lowres-code serve``); without one, this
                machine runs them. Verdicts are given here in either case: gold answers are not sent.
            ray: or the address of a Ray cluster all of whose nodes run them, ``workers`` at a time each; ``"local"``
                starts one here, ``"auto"`` is that of this machine.

        Raises:
            UsageError: more workers than `MOST_WORKERS`, or fewer than one; a server does not serve this language;
                both servers and a cluster.
            JudgeError: the isolation does not work here, no server answers, or a node cannot run the language.
        """
        servers = check_parts(language, limits, isolation, workers, servers, ray)
        workers = None if workers is None else int(workers)  # numpy's, for instance
        self.language = language
        self.limits = (limits or Limits()).at_least(language.needs)
        self._capped: set[str] = set()
        self.runner = _runner(language, isolation, workers, servers, ray)
        self._made_of = (language, limits, isolation, workers, servers, ray)

    @property
    def isolation(self) -> str:
        """The isolation in which programs run."""
        return self.runner.isolation

    def within(self, limits: Limits) -> Judge:
        """The same judge with other limits; whoever closes one of them closes both."""
        check_limits(limits)
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.limits = limits.at_least(self.language.needs)
        return other

    def start(self) -> None:
        """Start a worker now; raises `JudgeError` if it does not come up."""
        self.runner.start()

    def execute(self, programs: Iterable[str], tests: Iterable[Test]) -> list[Execution]:
        """Run each program once with its test, in order.

        Raises:
            UsageError: a test asks a query, and the language has none; or there is not one test for each program.
        """
        jobs = check_tested(programs, tests)
        self.must_allow([test for _, test in jobs])
        return self.runner.run(jobs, self.limits)

    def check_syntax(self, programs: Iterable[str]) -> list[Execution]:
        """Ask the language's reader about each program."""
        jobs = [(program, Test()) for program in check_programs(programs, "check_syntax")]
        return self.runner.run(jobs, self.limits, "check_syntax")

    def analyse(self, judgements: Iterable[Judgement]) -> list[Judgement]:
        """The same judgements with the analysis of each program that the language's reader accepts.

        One whose analysis the judge itself fails at becomes an ``infra_error``.

        Raises:
            UsageError: the language offers none.
        """
        if not self.language.analyses:
            raise UsageError(f"{self.language.title} offers no analysis of its programs")
        each = "analyse: each must be a judgement, as judge gives it"
        must = "analyse: judgements must be a list, as judge gives it"
        judgements = must_be_list(judgements, Judgement, must, each)
        programs = [judgement.completion.program or "" for judgement in judgements if judgement.syntax]
        found = iter(self.runner.run([(program, Test()) for program in programs], self.limits, "analyse"))
        return [_analysed(judgement, next(found)) if judgement.syntax else judgement for judgement in judgements]

    def must_support(self, problems: Iterable[Problem]) -> None:
        """See that the language can do what the problems ask of it.

        Raises:
            UsageError: one asks a query and there are none, or is code to be appended and the language cannot.
        """
        for problem in problems:
            check_tests(self.language, problem.tests, f"problem {problem.id!r}")

    def check(
        self,
        program: str,
        answer: str | float | None = None,
        tests: Iterable[Mapping[str, object]] = (),
        **more: object,
    ) -> Judgement:
        """The verdict on one program.

        Example: ``judge.check("solve(X) :- X is 6 * 7.", answer="42").correct``.

        Args:
            program: as it is to be run.
            answer: the right one.
            tests: or what it must print, ``{"stdin": ..., "stdout": ...}`` for each.
            more: other keys of a problem: ``query``, ``form``, ``checker``, ``limits``, ``append``, ``prefix``.

        Raises:
            UsageError: neither says what is right, or the language cannot do what is asked.
        """
        return self.judge_parsed([given(program)], [tests_asked(answer, tests, more)])[0]

    def judge(
        self, completions: Iterable[str], problems: Iterable[Problem], every_test: bool = False
    ) -> list[Judgement]:
        """The verdict on each completion as a solution of its problem; ``every_test`` as for `stream`.

        Raises:
            UsageError: a problem asks a query, and the language has none; or there is not one for each completion.
        """
        completions, problems = check_solutions(completions, problems)
        self.must_support(problems)
        parsed = [parse_completion(text, self.language.fences) for text in completions]
        return self.judge_parsed(parsed, [problem.tests for problem in problems], every_test)

    def judge_parsed(
        self, completions: Sequence[Completion], tests: Sequence[tuple[Test, ...]], every_test: bool = False
    ) -> list[Judgement]:
        """The verdict on each completion; its program must pass all the tests that stand at its place.

        Raises:
            UsageError: there are none at some place, or one asks a query of a language that has none.
        """
        items = enumerate(zip(completions, tests, strict=True))
        judged = dict(self.stream(((place, *item) for place, item in items), len(completions), every_test=every_test))
        return [judged[place] for place in range(len(completions))]

    def stream(
        self,
        items: Iterable[tuple[K, Completion, Sequence[Test]]],
        ahead: int | None = None,
        room: Callable[[], bool] = lambda: True,
        every_test: bool = False,
    ) -> Generator[tuple[K, Judgement], None, None]:
        """Judge completions as they come, in constant memory; each verdict comes out as soon as it is there.

        No worker waits for one slow program, and no failure costs another completion its verdict. Equal programs
        with equal tests that are on their way at the same time run once. The first test that a program fails spares
        those behind it. A completion's own query is asked where its test brings none, if the language has queries.

        Args:
            items: for each, a key of the caller's making, the completion, and the tests that its program must pass.
                Read as they are needed.
            ahead: how many may be on their way; by default 32 for each worker.
            room: whether another may be begun; not asked while none is on its way.
            every_test: run all tests of a completion, so that `Judgement.passed` is there whatever fails. A failure of
                the judge in any of them is the completion's verdict then.

        Yields:
            Key and judgement, in the order in which they are done.

        Raises:
            UsageError: a completion has no tests, or one that asks a query of a language that has none.
        """
        cases = ((key, self.case(completion, tests)) for key, completion, tests in items)
        groups = (((key, case), case.jobs) for key, case in cases)
        go_on = None if every_test else _passes
        for (key, case), executions in self.runner.stream(groups, self.limits, ahead=ahead, room=room, go_on=go_on):
            yield key, case.judgement(executions, every_test)

    def case(self, completion: Completion, tests: Sequence[Test]) -> Case:
        """A completion and its tests, for who runs them by themselves.

        Raises:
            UsageError: there is no test, or one that the language cannot do.
        """
        self.tell_of_caps(tests)
        return Case(self.language, completion, tests)

    def verdict(self, execution: Execution, test: Test) -> str:
        """The verdict on one execution."""
        return verdict_on(self.language, execution, test)

    def must_allow(self, tests: Sequence[Test]) -> None:
        """See that programs can be run with these tests; tell of limits that they ask for and do not get.

        Raises:
            UsageError: one asks a query, and the language has none.
        """
        check_tests(self.language, tests, "a test")
        self.tell_of_caps(tests)

    def tell_of_caps(self, tests: Sequence[Test]) -> None:
        """Warn, once for each limit, that tests ask for more of it than there is."""
        for name, value in (limit for test in tests for limit in test.limits.items()):
            if value > (most := getattr(self.limits, name)) and name not in self._capped:
                self._capped.add(name)
                log.warning(
                    "a problem asks for limits.%s = %s; programs have %s here at most: --set limits.%s=%s allows it",
                    *(name, value, most, name, value),
                )

    def close(self) -> None:
        """End the workers."""
        self.runner.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return _made_again, (type(self), self._made_of, self.limits)

    def __enter__(self) -> Judge:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _analysed(judgement: Judgement, analysis: Execution) -> Judgement:
    if analysis.status is Status.INFRA_ERROR:
        return Judgement(INFRA_ERROR, judgement.completion, analysis, tests=judgement.tests)
    answer = analysis.answer if analysis.status is Status.OK else None
    return replace(judgement, analysis=None if answer is None else Analysis.of_text(answer))


def _passes(keyed: tuple[Any, Case], place: int, execution: Execution) -> bool:
    return keyed[1].passes(place, execution)


def _made_again(kind: type[Judge], made_of: tuple[Any, ...], limits: Limits) -> Judge:
    return kind(*made_of).within(limits)


def _runner(language: Language, isolation: str, workers: int | None, servers: Sequence[str], ray: str | None) -> Runner:
    if servers and ray:
        raise UsageError(f"programs run either at served judges ({', '.join(servers)}) or over Ray ({ray}), not both")
    if ray:
        from lowres_code.remote.ray_pool import RayPool

        return RayPool(language, ray, isolation, workers)
    if servers:
        from lowres_code.remote.pool import RemotePool  # what it needs takes a while to import

        return RemotePool(language, servers, workers, isolation)
    return Pool(language, choose_isolation(isolation, language.forks), workers)
