"""One file for both parts: each question stands on one side, whatever stands beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lowres_code.recipe import load_recipe
from lowres_code.sources import part_of

from tests.unit.test_columns import Rows, from_file, json_lines


def numbered(count: int, start: int = 0) -> Rows:
    return [{"question": f"What is {n} + 1?", "answer": n + 1} for n in range(start, start + count)]


def sides(path: Path, **options: Any) -> tuple[set[str], set[str]]:
    train, held_out = (from_file(path, part, held_out=0.2, **options) for part in ("train", "eval"))
    return {problem.question for problem in train}, {problem.question for problem in held_out}


def test_one_file_serves_both_parts_and_each_question_one_of_them(tmp_path: Path) -> None:
    train, held_out = sides(json_lines(tmp_path / "d.jsonl", numbered(1000)))
    assert not train & held_out
    assert len(train | held_out) == 1000
    assert 150 < len(held_out) < 250  # 200 are expected; four deviations of the binomial are 51


def test_a_question_keeps_its_side_whatever_stands_beside_it(tmp_path: Path) -> None:
    train, held_out = sides(json_lines(tmp_path / "d.jsonl", numbered(200)))
    more_train, more_held_out = sides(json_lines(tmp_path / "more.jsonl", numbered(600, -300)[::-1]))
    assert train < more_train
    assert held_out < more_held_out


def test_the_same_question_is_on_one_side_however_it_is_written(tmp_path: Path) -> None:
    rows = numbered(100)
    again = [{"question": row["question"].upper().replace(" ", " \n "), "answer": row["answer"]} for row in rows]
    train, held_out = sides(json_lines(tmp_path / "d.jsonl", rows + again))
    assert len(train) + len(held_out) == 200
    assert not {" ".join(q.split()).lower() for q in train} & {" ".join(q.split()).lower() for q in held_out}


def test_another_seed_is_another_split_and_a_larger_share_holds_a_smaller_one(tmp_path: Path) -> None:
    rows = json_lines(tmp_path / "d.jsonl", numbered(500))
    _, held_out = sides(rows)
    _, other = sides(rows, split_seed=1)
    assert 0 < len(held_out & other) < len(held_out)  # two independent splits share some
    larger = {problem.question for problem in from_file(rows, "eval", held_out=0.5)}
    assert held_out < larger


def test_a_table_without_a_split_is_taken_whole(tmp_path: Path) -> None:
    rows = json_lines(tmp_path / "d.jsonl", numbered(20))
    assert len(from_file(rows, "train")) == len(from_file(rows, "eval")) == 20


def test_both_parts_of_a_recipe_share_the_split(tmp_path: Path) -> None:
    from lowres_code.recipe.build import load_problems

    json_lines(tmp_path / "d.jsonl", numbered(200))
    recipe = tmp_path / "r.toml"
    recipe.write_text(
        'extends = "quickstart"\n[data.train]\nsource = "file"\npath = "d.jsonl"\nheld_out = 0.25\nsize = 150\n'
        "[data.eval]\nsize = 30\n"
    )
    data = load_recipe(recipe).data
    train, held_out = load_problems(data.train, "train"), load_problems(data.eval, "eval")
    assert {p.question for p in train}.isdisjoint(p.question for p in held_out)
    assert len(held_out) == 30


def test_an_eighth_is_held_out_as_ever() -> None:
    """The embedded model was taught on the text of the others: 1,000 questions, and the remainder of the hash by 8."""
    from hashlib import sha256

    for n in range(1000):
        remainder = int.from_bytes(sha256(f"q{n}".encode()).digest()[:4], "big") % 8
        assert part_of(f"q{n}") == ("train" if remainder else "eval")
