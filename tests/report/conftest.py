"""A real browser for tests of pages, where there is one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")


@pytest.fixture(scope="session")
def session() -> Iterator[Any]:
    """Chromium without a window, which notes its console and its requests."""
    if not CHROMIUM or not DRIVER:
        pytest.skip("no chromium with chromedriver on this machine (apt install chromium-driver)")
    webdriver = pytest.importorskip("selenium.webdriver")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for one in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1200,900"):
        options.add_argument(one)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(executable_path=DRIVER)
    with webdriver.Chrome(options=options, service=service) as found:
        yield found


@pytest.fixture
def browser(session: Any) -> Any:
    """The one browser of these tests, with nothing noted of those before."""
    session.get("about:blank")
    session.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    for log in ("browser", "performance"):
        session.get_log(log)
    return session


def requested(browser: Any) -> set[str]:
    """The addresses that pages have asked for."""
    events = [json.loads(one["message"])["message"] for one in browser.get_log("performance")]
    urls = {
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    }
    return {url for url in urls if not url.startswith("data:,")}
