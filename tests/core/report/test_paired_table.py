"""The table of differences: what is coloured is no chance, by interval and test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lowres_code.report.html import page_html
from lowres_code.report.page_data import ComparisonPart
from lowres_code.report.page_samples import Samples

from tests.core.report.browser import Browser, browser
from tests.core.report.test_page import hundred_thousand

__all__ = ["browser"]


def paired(difference: tuple[float, float, float], p_value: float) -> dict[str, Any]:
    half = {"value": 0.5, "low": 0.4, "high": 0.6}
    gained = dict(zip(("value", "low", "high"), difference, strict=True))
    counts = {"problems": 40, "better": 9, "worse": 2}
    return {"before": half, "after": half, "difference": gained, "p_value": p_value, **counts}


def test_a_difference_is_coloured_where_interval_and_test_agree(browser: Browser, tmp_path: Path) -> None:
    shown = {
        "gain": (paired((0.1, 0.02, 0.18), 0.01), "better"),
        "loss": (paired((-0.1, -0.18, -0.02), 0.01), "worse"),
        "the test says no": (paired((0.1, 0.02, 0.18), 0.06), ""),
        "the interval says no": (paired((0.1, -0.01, 0.21), 0.04), ""),
    }
    tasks = {name: part for name, (part, _) in shown.items()}
    part = ComparisonPart(title="a → b", notes=[], all=paired((0.0, -0.1, 0.1), 1.0), by_task=tasks, by_turn={})
    page = hundred_thousand(1)
    samples = Samples.model_validate({name: column[:10] for name, column in page.samples})
    page = page.model_copy(update={"comparisons": [part], "samples": samples})
    (tmp_path / "page.html").write_text(page_html(page))
    browser.open(tmp_path / "page.html")
    found = browser.run("return [...document.querySelectorAll('#differences tbody span')].map((one) => one.className)")
    assert found == ["", *(colour for _, colour in shown.values())]
    assert browser.complaints() == []
