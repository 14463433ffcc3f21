"""How long a browser takes to open the page of 100,000 samples: ``python -m tests.benchmarks.report``.

From asking for the file to the samples being there to be filtered, by the clock; the file's size in megabytes.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from lowres_code.report.html import page_html

from tests.core.report.browser import Browser
from tests.core.report.test_page import hundred_thousand

TIMES = 5


def opened(browser: Browser, page: Path) -> float:
    """Seconds until the samples are there."""
    browser.driver.get("about:blank")
    began = time.monotonic()
    browser.driver.get(page.as_uri())
    while not browser.run("return document.getElementById('found') !== null"):
        time.sleep(0.01)
    return time.monotonic() - began


def main() -> None:
    """Measure it and print what came."""
    browser = Browser()
    try:
        with tempfile.TemporaryDirectory() as folder:
            page = Path(folder, "page.html")
            page.write_text(page_html(hundred_thousand(20)))
            times = [opened(browser, page) for _ in range(TIMES)]
            megabytes = page.stat().st_size / 1e6
    finally:
        browser.driver.quit()
    told = ", ".join(f"{seconds:.2f}" for seconds in times)
    sys.stdout.write(f"{told} s (median {statistics.median(times):.2f}), {megabytes:.1f} MB\n")


if __name__ == "__main__":
    main()
