"""What comes from data is shown as it is, whatever it looks like."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from lowres_code._util.files import write_json
from lowres_code._util.progress import progress_line
from lowres_code._util.screen import screen
from lowres_code.evaluation.folder import Asked, Summary
from lowres_code.evaluation.metrics import Metrics, Share
from lowres_code.recipe import find_recipe, load_recipe
from lowres_code.report.terminal import evaluation_tables, print_run, run_tables
from lowres_code.runs.directory import DONE, RunDirectory
from rich.console import Console

TASKS = ["[/x]", "[red]gcd", "all", ":smile:"]


def part(value: float, problems: int) -> Metrics:
    share = Share(value=value, low=value, high=value)
    rates = ("pass_at_1", "any_of_n", "all_of_n", "syntax", "runs", "cut", "timeout", "infra_error")
    return Metrics.model_validate({"problems": problems, "samples": 9, "verdicts": {}, **dict.fromkeys(rates, share)})


def evaluation(shift: float) -> Summary:
    texts = dict.fromkeys(("model", "language", "limits", "problems", "prompt"), "x")
    numbers = {"samples": 2, "greedy": False, "temperature": 1.0, "top_p": 1.0, "max_new_tokens": 9, "seed": 0}
    return Summary(
        complete=True,
        isolation="namespaces",
        asked=Asked.model_validate({**texts, **numbers}),
        all=part(0.5 + shift, 12),
        by_task={task: part(0.1 * number + shift, 3) for number, task in enumerate(TASKS)},
    )


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    run = RunDirectory.create(tmp_path / "[a] run", load_recipe(find_recipe("quickstart")), {"seed": 0})
    for which, shift in (("base", 0.0), ("trained", 0.2)):
        run.evaluation_folder(which).path.mkdir()
        write_json(run.path / "eval" / which / "summary.json", evaluation(shift).model_dump(mode="json"))
    return run


def rows(said: str) -> list[list[str]]:
    lines = (line.split("│") for line in said.splitlines() if "│" in line)
    return [[cell.strip() for cell in line if cell.strip()] for line in lines]


def test_the_share_of_tests_is_told_where_it_was_measured() -> None:
    def told(figures: Metrics) -> str:
        summary = evaluation(0.0).model_copy(update={"all": figures})
        console = Console(file=io.StringIO(), width=200)
        console.print(*evaluation_tables(summary, "title"), sep="\n")
        return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]

    figures = part(0.5, 12)
    assert "tests passed" not in told(figures)
    share = Share(value=0.625, low=0.5, high=0.7)
    assert "tests passed 0.625 [0.500, 0.700]" in told(figures.model_copy(update={"fraction": share}))


def test_names_that_look_like_markup_are_shown(run: RunDirectory) -> None:
    run.set_status("training")
    console = Console(file=io.StringIO(), width=200)  # a user's own
    print_run(run, console)
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert f"{run.path}: training" in said
    assert f"--resume '{run.path}'" in said
    assert [row[0] for row in rows(said)] == ["all", *TASKS]


def test_a_task_that_is_called_all_has_its_own_row(run: RunDirectory) -> None:
    run.set_status(DONE)
    console = Console(file=io.StringIO(), width=200)
    print_run(run, console)
    told = [row for row in rows(console.file.getvalue()) if row[0] == "all"]  # type: ignore[attr-defined]
    assert [row[1] for row in told] == ["50.0% -> 70.0%", "20.0% -> 40.0%"]


def test_three_stages_stand_side_by_side_and_fit(run: RunDirectory) -> None:
    run.set_status(DONE)
    run.evaluation_folder("sft").path.mkdir()
    write_json(run.path / "eval" / "sft" / "summary.json", evaluation(0.1).model_dump(mode="json"))
    console = Console(file=io.StringIO(), width=120)  # as where it is piped
    print_run(run, console)
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert "pass@1 before ┃" in said and "pass@1 after SFT ┃" in said and "pass@1 after GRPO ┃" in said
    told = [row for row in rows(said) if row[0] == "all"]
    assert next([cell.split()[0] for cell in row[1:]] for row in told) == ["0.500", "0.600", "0.700"]
    assert "syntax 50.0% -> 60.0% -> 70.0%; runs 50.0% -> 60.0% -> 70.0%" in said


def test_a_title_that_looks_like_markup_is_shown() -> None:
    console = Console(file=io.StringIO(), width=200)
    console.print(*evaluation_tables(evaluation(0.0), "./[/a] on 12 problems"), sep="\n")
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert "./[/a] on 12 problems" in said
    assert [row[:2] for row in rows(said)][0::3] == [["all", "12"], ["all", "3"]]


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_of_something_that_looks_like_markup(terminal: bool) -> None:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=200)
    with progress_line(console, "evaluating ./[/a]") as progress:
        progress(1, 2)
    assert "evaluating ./[/a]" in console.file.getvalue()  # type: ignore[attr-defined]


def test_a_screen_shows_text_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    screen().print("[/a] [bold]b :smile:", 42)
    screen(stderr=True).print("[/a] [bold]b :smile:")
    said = capsys.readouterr()
    assert (said.out, said.err) == ("[/a] [bold]b :smile: 42\n", "[/a] [bold]b :smile:\n")


def test_evaluations_while_training_stand_in_a_table_in_the_order_of_their_steps(run: RunDirectory) -> None:
    for step, shift in ((10, 0.1), (5, 0.0)):
        run.evaluation_folder(f"step-{step}").path.mkdir()
        write_json(run.path / "eval" / f"step-{step}" / "summary.json", evaluation(shift).model_dump(mode="json"))
    (run.path / "eval" / "step-x").mkdir()
    assert list(run.step_evaluations()) == [5, 10]
    console = Console(file=io.StringIO(), width=200)
    print_run(run, console)
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert [row[:2] for row in rows(said.split("while training")[1])] == [["5", "12"], ["10", "12"]]


LONG = ["basic_arithmetic", "simple_equations_of_a_kind", "gcd"]


def on_console(width: int, *renderables: object) -> str:
    console = Console(file=io.StringIO(), width=width, markup=False, emoji=False, highlight=False)
    console.print(*renderables, sep="\n")
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def of_tasks(value: float) -> Summary:
    share = Share(value=value, low=value - 0.125, high=value + 0.125)
    figures = part(value, 40).model_copy(update={"pass_at_1": share})
    return evaluation(0.0).model_copy(update={"all": figures, "by_task": dict.fromkeys(LONG, figures)})


BEFORE, AFTER, SFT = of_tasks(0.25), of_tasks(0.75), of_tasks(0.5)
BEFORE_SAYS, AFTER_SAYS, SFT_SAYS = "0.250 [0.125, 0.375]", "0.750 [0.625, 0.875]", "0.500 [0.375, 0.625]"


def test_80_columns_hold_a_run() -> None:
    said = on_console(80, *run_tables({"base": BEFORE, "trained": AFTER}))
    table = rows(said)
    assert table == [[task, BEFORE_SAYS, AFTER_SAYS] for task in ("all", *LONG)]
    assert "syntax 25.0% -> 75.0%; runs 25.0% -> 75.0%" in said
    assert max(map(len, said.splitlines())) <= 80


def test_80_columns_hold_three_stages_below_each_other() -> None:
    said = on_console(80, *run_tables({"base": BEFORE, "sft": SFT, "trained": AFTER}))
    lines = [[f"before {BEFORE_SAYS}"], [f"after SFT {SFT_SAYS}"], [f"after GRPO {AFTER_SAYS}"]]
    wanted = [row for task in ("all", *LONG) for row in ([task, *lines[0]], *lines[1:])]
    assert rows(said) == wanted


def test_greedy_samples_are_told_where_they_were_made() -> None:
    greedy = Share(value=0.625, low=0.5, high=0.75)
    asked = {
        name: stage.model_copy(update={"all": stage.all.model_copy(update={"greedy": greedy})})
        for name, stage in (("base", BEFORE), ("trained", AFTER))
        if stage.all
    }
    said = on_console(112, *run_tables(asked))
    assert "greedily, one sample of each: before 0.625 [0.500, 0.750], after 0.625 [0.500, 0.750]" in said
    assert "greedily" not in on_console(112, *run_tables({"base": BEFORE, "trained": AFTER}))


def test_112_columns_hold_the_shares_too() -> None:
    said = on_console(112, *run_tables({"base": BEFORE, "trained": AFTER}))
    shares = ["25.0% -> 75.0%"] * 2
    assert rows(said) == [[task, *shares, BEFORE_SAYS, AFTER_SAYS] for task in ("all", *LONG)]


def test_narrow_consoles_hold_an_evaluation() -> None:
    said = on_console(90, *evaluation_tables(BEFORE, "title"))
    assert rows(said) == [[task, "40", "25.0%", "25.0%", BEFORE_SAYS] for task in ("all", *LONG)]
    said = on_console(80, *evaluation_tables(BEFORE, "title"))
    assert rows(said) == [[task, "40", BEFORE_SAYS] for task in ("all", *LONG)]
    assert "syntax 25.0%; runs 25.0%" in said
