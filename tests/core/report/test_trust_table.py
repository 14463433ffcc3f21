"""What the page says of right programs that were looked at once more."""

from __future__ import annotations

from pathlib import Path

from lowres_code.judge import Judge
from lowres_code.report.html import page_html
from lowres_code.report.page_data import page_of

from tests.core.evaluation.test_changes import measured
from tests.core.report.browser import Browser, browser

__all__ = ["browser"]


def test_checks_have_a_table_and_a_sentence_each(tmp_path: Path, judge: Judge, browser: Browser) -> None:
    folder = measured(tmp_path / "checked", judge, metamorphic=True)
    (tmp_path / "page.html").write_text(page_html(page_of([folder.path])))
    browser.open(tmp_path / "page.html")
    assert browser.texts("#gain td")[-4:] == ["checked", "50.0 %", "100.0 % of 4", "50.0 % of 8"]
    assert "takes its answer from" not in browser.text("#gain h3") and len(browser.texts("#gain p.small")) == 4


def test_what_nobody_has_tried_has_no_column(tmp_path: Path, judge: Judge, browser: Browser) -> None:
    folder = measured(tmp_path / "plain", judge)
    (tmp_path / "page.html").write_text(page_html(page_of([folder.path])))
    browser.open(tmp_path / "page.html")
    assert browser.texts("#gain td")[-2:] == ["plain", "50.0 %"]
    assert len(browser.texts("#gain p.small")) == 2
