"""A real browser: Debian's chromium by its driver."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

WAIT_S = 60


class Browser:
    """One window, without a screen."""

    def __init__(self) -> None:
        from selenium import webdriver

        options = webdriver.ChromeOptions()
        for argument in ("headless=new", "no-sandbox", "disable-dev-shm-usage", "disable-gpu", "window-size=1200,1400"):
            options.add_argument(f"--{argument}")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        options.binary_location = str(shutil.which("chromium"))
        with _no_longer_than(2 * WAIT_S):  # by itself Selenium waits for ever for a driver that does not answer
            self.driver: Any = webdriver.Chrome(options, webdriver.ChromeService(str(shutil.which("chromedriver"))))
        self.driver.set_page_load_timeout(WAIT_S)

    def open(self, page: Path) -> None:
        """Show a page, and wait until its samples are there."""
        self.open_url(page.as_uri())

    def open_url(self, url: str) -> None:
        """The same by its address."""
        self.requested()  # what was asked for before is forgotten
        self.driver.get(url)
        self.wait_for("return !document.getElementById('waiting')")

    def wait_for(self, condition: str) -> None:
        """Until a script returns something true."""
        from selenium.webdriver.support.ui import WebDriverWait

        WebDriverWait(self.driver, WAIT_S).until(lambda _: self.run(condition))

    def run(self, script: str, *arguments: Any) -> Any:
        """What a script returns."""
        return self.driver.execute_script(script, *arguments)

    def text(self, selector: str) -> str:
        """All text of the first element that fits."""
        return str(self.run("return document.querySelector(arguments[0]).textContent.toWellFormed()", selector))

    def texts(self, selector: str) -> list[str]:
        """The text of each element that fits."""
        script = "return [...document.querySelectorAll(arguments[0])].map((one) => one.textContent.toWellFormed())"
        return list(self.run(script, selector))

    def choose(self, name: str, value: str) -> None:
        """Choose a value, as somebody does by hand; of a list by what it shows."""
        self.run(
            """const field = document.getElementById(arguments[0]);
            const option = [...(field.options || [])].find((one) => one.textContent === arguments[1]);
            field.value = option ? option.value : arguments[1];
            field.dispatchEvent(new Event(field.options ? "change" : "input", { bubbles: true }));""",
            name,
            value,
        )

    def complaints(self) -> list[str]:
        """What stands in the console."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requested(self) -> set[str]:
        """The addresses that were asked for."""
        events = (json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance"))
        return {event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"}

    def resize(self, width: int, height: int) -> None:
        """As a phone's window; a window itself cannot be so narrow."""
        sizes = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": True}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", sizes)


@contextmanager
def _no_longer_than(seconds: float) -> Iterator[None]:
    """Connections that are made have this limit, in seconds, for each answer."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for the tests of a module."""
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        pytest.skip("needs a browser: apt-get install chromium chromium-driver")
    one = Browser()
    try:
        yield one
    finally:
        one.driver.quit()
