"""The report in a real browser."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from pathlib import Path

import pytest
from lowres_code._util.files import read_json_lines, write_records
from lowres_code.judge import Judge
from lowres_code.report.html import page_html, write_page
from lowres_code.report.page_data import Page, page_of
from lowres_code.report.page_samples import Problems, Samples

from tests.conftest import Cli
from tests.core.evaluation.test_turns import CONVERSATIONS, Recorded, measured, recipe
from tests.core.report.browser import Browser, browser

__all__ = ["browser"]

HOSTILE = [
    "<script>window.hit = 1</script>",
    "</script><script>window.hit = 2</script>",
    "<!-- <script> --><img src=x onerror='window.hit = 3'>",
    "a\u2028b\u2029c",
    "nul\x00nul",
    "\u202eright to left\u202c \u0634\u0643\u0631\u0627",
    "@DATA@ @SCRIPT@ ${1} \\u003cscript\\u003e",
    "half of a character: \ud83d.",
]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, cli: Cli) -> Path:
    """A real run of two steps, whose trained model is made to write hostile things."""
    run = tmp_path_factory.mktemp("report") / "run"
    small = {"train.max_steps": 2, "train.per_device_train_batch_size": 16, "data.train.size": 16}
    small |= {"data.eval.size": 7, "eval.samples": 2}
    settings = [word for key, value in small.items() for word in ("--set", f"{key}={value}")]
    done = cli("train", "--lang", "prolog", "--out", run, *settings)
    assert done.returncode == 0, done.stderr
    file = run / "eval" / "trained" / "samples.jsonl"
    samples = list(read_json_lines(file))
    for sample, text in zip(samples, HOSTILE, strict=False):
        sample |= {"completion": text, "program": text[3:], "answer": text, "diagnostics": [{"message": text}]}
    file.write_text("".join(json.dumps(sample) + "\n" for sample in samples))
    done = cli("report", run)
    assert done.returncode == 0 and f"page: {run / 'report.html'}" in done.stdout, done.stderr
    return run


@pytest.fixture
def page(run: Path, browser: Browser) -> Browser:
    browser.open(run / "report.html")
    return browser


def test_it_shows_what_was_measured(run: Path, page: Browser) -> None:
    assert page.text("h1") == "pocket learns Prolog"
    summaries = [json.loads((run / "eval" / name / "summary.json").read_text()) for name in ("base", "trained")]
    shares = [summary["all"]["pass_at_1"]["value"] for summary in summaries]
    assert page.texts("#gain .figure") == [f"{share:.3f}" for share in shares]
    greedy = [summary["all"]["greedy"]["value"] for summary in summaries]
    assert [cell[:5] for cell in page.texts("#gain table tbody td:last-child")][:2] == [f"{one:.3f}" for one in greedy]
    rows = page.texts("#differences tbody tr:first-child td")
    assert rows[:4] == ["all", "7", *(f"{share:.3f}" for share in shares)]
    titles = page.texts("#curves-0 h3")
    assert titles[0] == "verdicts" and any(title.startswith("right") for title in titles)
    assert "step 2 of 2" in page.text("#origin-0") and "[data.train]" in page.text("#origin-0 pre")


def test_nothing_is_wrong_and_nothing_is_loaded(run: Path, page: Browser) -> None:
    assert page.complaints() == []
    assert page.requested() == {(run / "report.html").as_uri()}
    assert (
        re.findall(r"""(?:src|href)=["']?(?!#)[^"' >]+""", (run / "report.html").read_text().split("<script")[0]) == []
    )


def test_what_a_model_wrote_stays_text(page: Browser) -> None:
    page.choose("source", "after")
    seen = []
    for place in range(page.run("return document.querySelectorAll('#list button').length")):
        page.run("document.querySelectorAll('#list button')[arguments[0]].click()", place)
        seen += page.texts(".side.chosen pre")
        assert page.run("return document.querySelectorAll('#detail script, #detail img').length") == 0
    for text in HOSTILE:
        assert text.replace("\ud83d", "\ufffd") in seen, text  # the driver hands over whole characters only
    assert page.run("return window.hit") is None
    assert page.complaints() == []


def test_it_is_filtered_and_searched(run: Path, page: Browser) -> None:
    samples = list(read_json_lines(run / "samples.jsonl"))
    evaluated = [
        *read_json_lines(run / "eval/base/samples.jsonl"),
        *read_json_lines(run / "eval/trained/samples.jsonl"),
    ]
    every = len(samples) + len(evaluated)
    assert page.text("#found") == f"{every} of {every} samples"
    page.choose("source", "training")
    assert page.text("#found") == f"{len(samples)} of {every} samples"
    page.choose("step", "2")
    assert page.text("#found") == f"{sum(sample['step'] == 2 for sample in samples)} of {every} samples"
    verdicts = Counter(sample["verdict"] for sample in samples if sample["step"] == 2)
    verdict, count = verdicts.most_common(1)[0]
    page.choose("verdict", verdict.replace("_", " "))
    assert page.text("#found") == f"{count} of {every} samples"
    questions = {line["id"]: line["question"] for line in read_json_lines(run / "problems.jsonl")}
    shown = page.text("#detail .question")
    assert shown in questions.values()
    for field in ("source", "step", "verdict"):
        page.choose(field, "all" if field != "step" else "")
    page.choose("search", "RIGHT TO LEFT")
    assert page.text("#found") == f"1 of {every} samples"
    page.choose("search", "no such text anywhere")
    assert page.text("#found") == f"0 of {every} samples" and "No sample is like that" in page.text("#detail")
    page.choose("search", "")


def test_a_problem_has_its_stages_side_by_side(page: Browser) -> None:
    page.choose("source", "before")
    assert page.texts(".side h3") == ["before", "after"]
    assert page.texts(".side.chosen h3") == ["before"]
    assert page.texts(".side.chosen nav button") == ["1", "2", "greedy"]
    page.choose("source", "all")


def test_what_cannot_be_compared_is_said_and_the_rest_is_shown(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run / "eval" / "base", other := tmp_path / "two-step")
    for name in ("problems.jsonl", "samples.jsonl"):
        lines = [
            record | {key: f"x{record[key]}" for key in ("id", "problem") if key in record}
            for record in read_json_lines(other / name)
        ]
        write_records(other / name, lines)
    page = page_of([run, other])
    assert any("no judged problem in common" in note for note in page.notes)
    shutil.copytree(run / "eval" / "base", same := tmp_path / "one-step")
    assert [part.title for part in page_of([run / "eval" / "base", same]).comparisons] == ["base → one-step"]


def test_an_evaluation_that_is_too_long_by_itself_is_whole(browser: Browser, tmp_path: Path) -> None:
    """There is nothing to leave out: of an evaluation every sample is shown."""
    page = hundred_thousand(1)
    columns = {name: column[:300] for name, column in page.samples}
    columns["step"] = [0] * 299 + [1]
    page = page.model_copy(update={"samples": Samples.model_validate(columns)})
    (tmp_path / "page.html").write_text(page_html(page, most=1000))
    browser.open(tmp_path / "page.html")
    assert browser.text("#found") == "300 of 300 samples"


def test_several_are_compared_with_the_first(run: Path) -> None:
    page = page_of([run / "eval" / "base", run])
    assert page.title == "pocket learns Prolog"
    assert [part.label for part in page.evaluations] == ["base", "before", "after"]
    assert [part.title for part in page.comparisons] == ["base → after", "before → after"]
    assert page.comparisons[0].all["problems"] == 7
    runs = page_of([run, run])
    assert [part.label for part in runs.evaluations] == ["run, before", "run, after"] * 2
    assert [part.title for part in runs.comparisons] == [
        f"run, before → {one}" for one in ("run, after", "run, before", "run, after")
    ]


def test_it_goes_by_keyboard(page: Browser) -> None:
    from selenium.webdriver.common.keys import Keys

    page.run("document.querySelector('#list button').focus()")
    first = page.text("#detail")
    for _ in range(3):
        page.driver.switch_to.active_element.send_keys(Keys.ARROW_DOWN)
    assert page.run("return [...document.querySelectorAll('#list button')].indexOf(document.activeElement)") == 3
    assert page.run("return document.activeElement.getAttribute('aria-current')") == "true"
    assert page.text("#detail") != first


def test_it_is_light_and_dark(page: Browser) -> None:
    def brightness() -> int:
        colour = page.run("return getComputedStyle(document.body).backgroundColor")
        return sum(map(int, re.findall(r"\d+", colour)[:3]))

    before = brightness()
    page.run("document.getElementById('theme').click()")
    after = brightness()
    assert (before > 600) != (after > 600) and min(before, after) < 150


def test_it_fits_on_a_phone(run: Path, page: Browser) -> None:
    page.resize(390, 800)
    page.open(run / "report.html")
    assert page.run("return document.documentElement.scrollWidth") <= 390
    assert page.run("return document.querySelector('#detail').getBoundingClientRect().left") < 60  # below, not beside
    page.resize(1200, 1400)


def hundred_thousand(length: int) -> Page:
    """Samples as a long training with real models has them."""
    count, programs = 100_000, [f"solve(X) :- X is {n} * 7 + {n % 13}." for n in range(5_000)]
    texts = [
        f"<reasoning>\n{f'It is {row} here. ' * length}</reasoning>\n{programs[row % 5000]}" for row in range(count)
    ]
    columns = {
        **{
            "source": [0] * count,
            "problem": [row % 500 for row in range(count)],
            "verdict": [row % 3 for row in range(count)],
        },
        **{
            "step": [1 + row // 100 for row in range(count)],
            "text": texts,
            "program": [programs[row % 5000] for row in range(count)],
        },
        **{
            "answer": [str(row) for row in range(count)],
            "said": [""] * count,
            "tokens": [50] * count,
            "cut": [False] * count,
            "bare": [False] * count,
            "greedy": [False] * count,
            "earlier": [[]] * count,
        },
    }
    ids = [f"p-{n}" for n in range(500)]
    problems = Problems(id=ids, task=["sums"] * 500, question=[f"What is {n}?" for n in range(500)], expected=ids)
    return Page(
        title="many",
        subtitle="",
        measured="",
        runs=[],
        evaluations=[],
        comparisons=[],
        sources=["training"],
        languages=["prolog"],
        verdicts=["correct", "wrong_answer", "syntax_error"],
        problems=problems,
        samples=Samples.model_validate(columns),
    )


@pytest.mark.slow
def test_a_hundred_thousand_samples(tmp_path: Path, browser: Browser) -> None:
    (tmp_path / "page.html").write_text(page_html(hundred_thousand(20)))
    assert (tmp_path / "page.html").stat().st_size < 15_000_000
    browser.open(tmp_path / "page.html")
    assert browser.text("#found") == "100,000 of 100,000 samples"
    browser.choose("search", "it is 77777 here")
    assert browser.text("#found") == "1 of 100,000 samples"
    assert browser.complaints() == []


def test_where_it_would_be_too_long_steps_of_the_training_are_left_out_and_it_says_so(
    browser: Browser, tmp_path: Path
) -> None:
    page = hundred_thousand(1)
    columns = {name: column[:3000] for name, column in page.samples}
    page = page.model_copy(update={"samples": Samples.model_validate(columns)})
    whole = page_html(page)
    text = page_html(page, most=len(whole) // 3)
    assert len(text) < len(whole) * 2 / 3
    (tmp_path / "page.html").write_text(text)
    browser.open(tmp_path / "page.html")
    said = browser.text("#samples p")
    assert re.fullmatch(r"Of the training, the samples of every \d+th step are here; samples.jsonl has all.", said)
    assert int(browser.text("#found").split(" of ")[0].replace(",", "")) < 2000


def test_turns_are_shown_each_with_what_the_model_was_told(tmp_path: Path, judge: Judge, browser: Browser) -> None:
    """Of the third problem: no program, one that crashes, and a right one; a text of the model's is text here too."""
    texts = [*CONVERSATIONS[:2], [HOSTILE[0], *CONVERSATIONS[2][1:]], *CONVERSATIONS[3:]]
    folder = measured(tmp_path / "e", judge, recipe(3), Recorded(texts))
    write_page(page_of([folder.path]), tmp_path / "page.html")
    browser.open(tmp_path / "page.html")
    assert "0.200" in browser.text("#gain") and "turn 3" in browser.text("#gain")
    browser.choose("search", "question c")
    assert browser.texts(".earlier summary") == ["before: no code", "before: runtime error"]
    shown = browser.text(".earlier")
    assert HOSTILE[0] in shown and "There is no program in your answer." in shown
    assert browser.run("return window.hit ?? null") is None
