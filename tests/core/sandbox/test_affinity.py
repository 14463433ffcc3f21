"""A child begins on the core of its worker, and neither is bound to it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from lowres_code.judge import Judge
from lowres_code.plugins.manager import plugin_manager
from lowres_code.problem import Test
from lowres_code.sandbox.affinity import Affinity


@pytest.fixture
def cores() -> Iterator[set[int]]:
    """Those that this process may use; they are put right again."""
    before = os.sched_getaffinity(0)
    yield before
    os.sched_setaffinity(0, before)


def test_it_stays_where_it_is_and_goes_where_it_might_before(cores: set[int]) -> None:
    affinity = Affinity()
    function, arguments = affinity.loosen
    for _ in range(3):
        affinity.hold()
        held = os.sched_getaffinity(0)
        assert len(held) == 1
        assert held <= cores
        assert function(*arguments) == 0
        assert os.sched_getaffinity(0) == cores


def test_what_somebody_else_has_forbidden_meanwhile_stays_forbidden(cores: set[int]) -> None:
    affinity = Affinity()
    affinity.hold()
    affinity.loosen[0](*affinity.loosen[1])
    fewer = {min(cores)}
    os.sched_setaffinity(0, fewer)
    affinity.hold()
    affinity.loosen[0](*affinity.loosen[1])
    assert os.sched_getaffinity(0) == fewer


def test_a_program_may_use_all_cores(cores: set[int]) -> None:
    with Judge(plugin_manager().languages["python"].thing, workers=1) as judge:
        program = "import os\nprint(sorted(os.sched_getaffinity(0)))"
        answers = {judge.execute([f"{program} # {n}"], [Test()])[0].stdout for n in range(3)}
    assert answers == {f"{sorted(cores)}\n"}
