"""The page of a served model: it says what can be asked, and asks nobody else."""

from __future__ import annotations

import json
import re
import shlex
from types import SimpleNamespace
from typing import Any

from tests.prediction.test_serving import ask, served
from tests.report.conftest import requested


def model(*fields: str) -> Any:
    task = SimpleNamespace(label_names=("bad <b>", "good"), variable="label")
    return SimpleNamespace(fields=fields, task=task, answers=None)


def test_in_a_browser_the_page_says_what_can_be_asked_and_loads_nothing(browser: Any):
    from selenium.webdriver.support.ui import WebDriverWait

    with served(model("premise", "hypothesis")) as address:
        browser.get(address)  # which leads to another address
        WebDriverWait(browser, 10).until(
            lambda one: one.find_elements("css selector", "main h2"), browser.page_source
        )
        text = browser.find_element("css selector", "main").text
        assert browser.get_log("browser") == []
        assert {one for one in requested(browser) if "favicon" not in one} == {
            f"{address}/", f"{address}/docs"
        }  # fmt: skip
        assert browser.title == "a run"
        heads = [one.text for one in browser.find_elements("css selector", "h2")]
        assert sorted(heads) == ["GET /health", "POST /predict"]
        for said in ("premise, hypothesis", "texts required", "abstain", "413", "422", "503",
                     "list of (string or list of string or object of string)",
                     "predictions[].label",
                     "object of number"):  # fmt: skip
            assert said in text
        link = browser.find_element("link text", "openapi.json").get_attribute("href")
        assert link == f"{address}/openapi.json"
        wide = "return document.documentElement.scrollWidth <= innerWidth"
        browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": 360, "height": 800, "deviceScaleFactor": 1, "mobile": True},
        )
        assert browser.execute_script(wide)
        command = browser.find_element("xpath", "//h2[contains(., 'predict')]/following::pre").text
    body = shlex.split(command)[-1]
    assert json.loads(body)["texts"][0] == ["A premise.", "A hypothesis."]
    assert re.match(rf"curl -s {address}/predict ", command)


def test_the_description_for_programs_knows_no_other_host():
    with served(model("text")) as address:
        status, found = ask(address, path="/openapi.json")
    assert status == 200
    assert set(found["paths"]) == {"/predict", "/health"}
    assert "http" not in json.dumps(found).lower().replace("httpvalidation", "")
