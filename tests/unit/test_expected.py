"""What a recipe expects beside what a run found; the figures are worked out by hand."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from lowres_code._util.files import write_json
from lowres_code.evaluation.folder import Asked, Summary
from lowres_code.evaluation.metrics import Metrics, Share
from lowres_code.recipe import Expected, load_recipe, open_recipe
from lowres_code.report.terminal import print_run
from lowres_code.runs.directory import RunDirectory
from lowres_code.runs.expected import Outcome, outcome_lines, outcomes, says
from rich.console import Console

RATES = ("pass_at_1", "any_of_n", "all_of_n", "syntax", "runs", "cut", "timeout", "infra_error")


def expected(value: float, *interval: float) -> Expected:
    return Expected(metric="runs", value=value, interval=list(interval) or None)


@pytest.mark.parametrize(
    ("wanted", "found", "said"),
    [
        (expected(0.5), (0.6, 0.4, 0.8), "as expected"),
        (expected(0.5), (0.6, 0.51, 0.7), "higher than expected"),
        (expected(0.5), (0.4, 0.3, 0.49), "lower than expected"),
        # The intervals overlap, and the difference is not chance: 0.13 - sqrt(0.08^2 + 0.08^2) = 0.017
        (expected(0.5, 0.42, 0.58), (0.63, 0.55, 0.71), "higher than expected"),
        # 0.11 - sqrt(0.08^2 + 0.08^2) = -0.003
        (expected(0.5, 0.42, 0.58), (0.61, 0.53, 0.69), "as expected"),
        # The sides that face each other count: -0.13 + sqrt(0.02^2 + 0.02^2) < 0
        (expected(0.5, 0.48, 0.9), (0.37, 0.1, 0.39), "lower than expected"),
    ],
)
def test_whether_a_figure_is_what_was_expected(wanted: Expected, found: tuple[float, float, float], said: str) -> None:
    value, low, high = found
    assert says(wanted, Share(value=value, low=low, high=high)) == said


def test_every_metric_that_can_be_expected_is_one_that_an_evaluation_has() -> None:
    for metric in Expected.model_json_schema()["properties"]["metric"]["enum"]:
        assert Share in (Metrics.model_fields[metric].annotation, *_parts(Metrics.model_fields[metric].annotation))


def _parts(annotation: Any) -> tuple[Any, ...]:
    return getattr(annotation, "__args__", ())


def run_with(folder: Path, language: str, recipe: str, after: float) -> RunDirectory:
    (folder / "r.toml").write_text(recipe)
    run = RunDirectory.create(folder / "run", load_recipe(folder / "r.toml"), {"seed": 0, "language": language})
    for which, value in (("base", 0.2), ("trained", after)):
        share = Share(value=value, low=value - 0.02, high=value + 0.02)
        figures = Metrics.model_validate({"problems": 9, "samples": 9, "verdicts": {}, **dict.fromkeys(RATES, share)})
        texts = dict.fromkeys(("model", "language", "limits", "problems", "prompt"), "x")
        numbers = {"samples": 1, "greedy": False, "temperature": 1.0, "top_p": 1.0, "max_new_tokens": 9, "seed": 0}
        asked = Asked.model_validate({**texts, **numbers})
        run.evaluation_folder(which).path.mkdir()
        summary = Summary(complete=True, isolation="namespaces", asked=asked, all=figures)
        write_json(run.path / "eval" / which / "summary.json", summary.model_dump(mode="json"))
    return run


RESULTS = """
extends = "quickstart"
[[expected]]
metric = "pass_at_1"
stage = "base"
value = 0.21
language = "lua"
[[expected]]
metric = "pass_at_1"
value = 0.9
interval = [0.88, 0.92]
language = "lua"
seeds = [0, 1]
hardware = "2 cores"
commit = "abc"
[[expected]]
metric = "greedy"
value = 0.9
[[expected]]
metric = "runs"
value = 0.9
language = "ocaml"
"""


def test_a_run_beside_what_was_expected(tmp_path: Path) -> None:
    run = run_with(tmp_path, "lua", RESULTS, 0.5)
    assert outcome_lines(run) == [
        "as expected: 0.200 [0.180, 0.220]; expected: pass_at_1 of the base model 0.210 (lua, this project)",
        "lower than expected: 0.500 [0.480, 0.520]; expected: pass_at_1 of the trained model 0.900 [0.880, 0.920] "
        "(lua, seeds 0, 1, 2 cores, abc, this project)",
    ]
    written = json.loads(json.dumps([outcome.model_dump(mode="json") for outcome in outcomes(run)]))
    assert [Outcome.model_validate(outcome) for outcome in written] == outcomes(run)
    console = Console(file=io.StringIO(), width=200)
    print_run(run, console)
    assert "lower than expected: 0.500" in console.file.getvalue()  # type: ignore[attr-defined]


def test_a_language_in_which_nothing_is_expected(tmp_path: Path) -> None:
    only_lua = RESULTS.partition('[[expected]]\nmetric = "greedy"')[0]
    run = run_with(tmp_path, "prolog", only_lua, 0.5)
    assert outcomes(run) == []
    assert outcome_lines(run) == ["the recipe expects no result in prolog; there are some in lua"]


def test_nothing_expected_is_nothing_said(tmp_path: Path) -> None:
    assert outcome_lines(run_with(tmp_path, "lua", 'extends = "quickstart"\n', 0.5)) == []


def test_a_recipe_that_cannot_be_read_any_more_stops_no_report(tmp_path: Path) -> None:
    run = run_with(tmp_path, "lua", RESULTS, 0.5)
    run.recipe_file.write_text(run.recipe_file.read_text().replace('source = "reasoning_gym"', 'source = "gone"'))
    [line] = outcome_lines(run)
    assert line.startswith("what was expected cannot be told: ")


def test_a_run_keeps_where_its_recipe_came_from(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text('extends = "quickstart"\n')
    file = open_recipe(str(tmp_path / "r.toml"))
    run = RunDirectory.create(tmp_path / "run", load_recipe(file), {"seed": 0, "language": "lua"}, origin=file)
    first, second = run.env()["recipe"]
    assert (first["name"], second["name"]) == (str(tmp_path / "r.toml"), "quickstart")
    assert all(len(one["sha256"]) == 64 for one in (first, second))
    assert not (run.path / "recipes").exists()  # nothing came from elsewhere


def test_a_runs_recipe_is_the_recipe(tmp_path: Path) -> None:
    """Verbatim: what a run keeps resolves to the same, and a run of that keeps the same text."""
    run = run_with(tmp_path, "lua", RESULTS, 0.5)
    again = RunDirectory.create(tmp_path / "again", load_recipe(run.recipe_file), {"seed": 0, "language": "lua"})
    assert again.recipe() == run.recipe()
    assert again.recipe_file.read_text() == run.recipe_file.read_text()
    assert run.recipe().expected[1].seeds == [0, 1]
