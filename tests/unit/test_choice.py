"""Which problems are chosen: tasks in proportion, by a seed, and never those held out."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from pathlib import Path

from lowres_code.problem import Problem, Test
from lowres_code.recipe import DataTable
from lowres_code.recipe.build import load_problems
from lowres_code.sources.choice import choose, spread

from tests.rows import written


def test_every_prefix_of_a_mixture_holds_each_stream_in_proportion() -> None:
    weights = {"a": 3, "b": 3, "c": 1, "d": 5}
    mixed = list(islice(spread([(w, iter([name] * 100)) for name, w in weights.items()], seed=0), 120))
    for size in range(1, 121):
        there = Counter(mixed[:size])
        for name, weight in weights.items():
            assert abs(there[name] - size * weight / 12) <= 1, (size, name)
    assert Counter(mixed) == {"a": 30, "b": 30, "c": 10, "d": 50}


def test_a_stream_that_ends_leaves_its_place_and_one_of_weight_0_has_none() -> None:
    assert Counter(spread([(1, "aa"), (1, "bbbbb"), (0, "ccc")], seed=0)) == {"a": 2, "b": 5}


def test_the_seed_says_who_comes_first_where_streams_are_level() -> None:
    firsts = {next(spread([(1, name) for name in "abcd"], seed)) for seed in range(50)}
    assert firsts == set("abcd")


def problems_of(tasks: dict[str, int]) -> list[Problem]:
    return [
        Problem(f"{task}{n}", f"{task}{n}", (Test("1"),), task) for task, size in tasks.items() for n in range(size)
    ]


def test_a_choice_holds_each_task_in_proportion() -> None:
    chosen = choose(problems_of({"rare": 10, "common": 90}), 20, seed=4)
    assert Counter(problem.task for problem in chosen) == {"common": 18, "rare": 2}
    assert len({problem.id for problem in chosen}) == 20
    assert chosen == choose(problems_of({"rare": 10, "common": 90}), 20, seed=4)
    assert {p.id for p in chosen} != {p.id for p in choose(problems_of({"rare": 10, "common": 90}), 20, seed=5)}


def test_all_are_chosen_if_there_are_no_more() -> None:
    there = problems_of({"a": 3, "b": 5})
    assert sorted(problem.id for problem in choose(there, 9, 0)) == sorted(problem.id for problem in there)


def table(path: Path, **keys: object) -> DataTable:
    return DataTable.model_validate({"source": "file", "size": 5, "path": str(path), **keys})


def test_a_run_s_seed_chooses_training_problems_and_never_those_held_out(tmp_path: Path) -> None:
    rows = written(tmp_path / "d.jsonl", *({"question": f"q{n}", "answer": n} for n in range(100)))

    def chosen(part: str, run_seed: int, **keys: object) -> list[str]:
        assert part in ("train", "eval")
        return [p.id for p in load_problems(table(rows, **keys), "train" if part == "train" else "eval", run_seed)]

    assert chosen("eval", 1) == chosen("eval", 2) == chosen("eval", 1, seed=0)
    assert chosen("train", 1) != chosen("train", 2)
    assert chosen("train", 1) == chosen("eval", 0, seed=1)
    assert chosen("train", 1, seed=7) == chosen("train", 2, seed=7)
    assert chosen("eval", 1, seed=7) != chosen("eval", 1)
