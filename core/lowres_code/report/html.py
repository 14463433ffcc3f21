"""The report as one file that opens anywhere: page, style, script and data, and nothing that is loaded.

The data are JSON, compressed: what a model wrote never stands in the page as it is.
"""

from __future__ import annotations

import base64
import gzip
import html
from importlib.resources import files
from pathlib import Path

from lowres_code._util.files import write_atomically
from lowres_code.report.page_data import Page
from lowres_code.report.page_samples import Samples

MOST_BYTES = 14_000_000  # of a file; a page that is larger opens slowly, or not at all on a phone
SCRIPTS = ("parts.js", "app.js")


def write_page(page: Page, target: Path) -> None:
    """Write a page to a file; of a training with very many samples some steps are left out, and the page says so.

    Raises:
        LowresCodeError: it cannot be written.
    """
    write_atomically(target, page_html(page))


def page_html(page: Page, most: int = MOST_BYTES, live: str | None = None) -> str:
    """The text of a page.

    Args:
        page: what it shows.
        most: so many characters, about, at most.
        live: if it is served and is to ask its server for news (`lowres_code.report.watch`): what it shows now.
    """
    every, data = 1, _packed(page)
    while len(data) > most and every <= max(page.samples.step, default=0):
        every *= max(2, len(data) // most)
        data = _packed(_thinned(page, every))
    filled = {
        "@ASKS@": "'none'" if live is None else "'self'",
        "@STYLE@": _file("style.css"),
        "@DATA@": data,
        "@SCRIPT@": "\n".join(map(_file, SCRIPTS if live is None else (*SCRIPTS, "live.js"))),
        "@VERSION@": html.escape(live or ""),
        "@TITLE@": html.escape(page.title),  # last: nobody knows what stands in it
    }
    text = _file("page.html")
    for place, what in filled.items():
        before, _, after = text.partition(place)
        text = f"{before}{what}{after}"
    return text


def _packed(page: Page) -> str:
    return base64.b64encode(gzip.compress(page.as_json().encode(), 6, mtime=0)).decode()


def _thinned(page: Page, every: int) -> Page:
    """The same with the samples of each so many-th step of training only; evaluations are whole."""
    steps = page.samples.step
    kept = [row for row, step in enumerate(steps) if not step or step % every == 0 or step == max(steps)]
    columns = {name: [column[row] for row in kept] for name, column in page.samples}
    said = f"Of the training, the samples of every {every}th step are here; samples.jsonl has all."
    return page.model_copy(update={"samples": Samples.model_validate(columns), "left_out": said})


def _file(name: str) -> str:
    return files("lowres_code.report").joinpath(f"page/{name}").read_text(encoding="utf-8")
