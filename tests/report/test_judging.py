"""The page for judges of pairs of tasks, as a judge uses it: by mouse, by keys, offline."""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from s3.analysis.judgements import read_judgements
from s3.analysis.rankings import ranking
from s3.commands.app import app
from tests.report.conftest import requested

TASKS = ["sums", "spam=Is it spam?", 'films=Do you, "honestly", </script><b>like</b> it?']
ORDER = ["sums", "spam", "films"]


@pytest.fixture
def page(tmp_path: Path, browser: Any) -> Path:
    """A page of three tasks for two judges, open in a browser that saves into `tmp_path`."""
    path = tmp_path / "judge.html"
    command = ["judgements", "page", *TASKS, "-o", str(path), "--judgements", "2"]
    done = CliRunner().invoke(app, command, catch_exceptions=False)
    assert "3 pairs for each of 2 judges" in done.stdout
    where = {"behavior": "allow", "downloadPath": str(tmp_path)}
    browser.execute_cdp_cmd("Browser.setDownloadBehavior", where)
    browser.get(path.as_uri())
    browser.execute_script("localStorage.clear()")
    browser.get(path.as_uri())
    return path


def begin(browser: Any, judge: str) -> None:
    browser.find_element("css selector", f"#judge option:nth-child({judge})").click()
    browser.find_element("id", "begin").click()


def names(browser: Any) -> list[str]:
    return [browser.find_element("css selector", f"#{side} .name").text for side in "ab"]


def right(browser: Any) -> str:
    """The key of the task that is more objective."""
    first, second = (ORDER.index(name) for name in names(browser))
    return "1" if first < second else "2"


def place(browser: Any) -> str:
    return str(browser.find_element("id", "place").text)


def saved(browser: Any, file: Path) -> Path:
    browser.find_element("id", "download").click()
    for _ in range(50):
        if file.exists():
            return file
        time.sleep(0.1)
    raise AssertionError(f"{file} was not saved")


def test_two_judges_save_sheets_that_rank_takes(browser: Any, page: Path):
    for judge in ("1", "2"):
        begin(browser, judge)
        for pair in (1, 2, 3):
            assert place(browser) == f"Pair {pair} of 3"
            if judge == "1":
                browser.switch_to.active_element.send_keys(right(browser))
            else:
                browser.find_element("id", "a" if right(browser) == "1" else "b").click()
        assert "Every pair has an answer" in browser.find_element("id", "judging").text
        saved(browser, page.parent / f"judgements-{judge}.csv")
    found, empty = read_judgements(page.parent / f"judgements-{judge}.csv" for judge in (1, 2))
    assert (len(found), empty) == (6, 0)
    assert {one.judge for one in found} == {"1", "2"}
    assert [one.task for one in ranking(found)] == ORDER
    assert browser.get_log("browser") == []
    assert {url for url in requested(browser) if not url.startswith("blob:")} == {page.as_uri()}


def test_a_judge_goes_back_leaves_out_and_goes_on_after_a_reload(browser: Any, page: Path):
    begin(browser, "1")
    shown = names(browser)
    keys = browser.switch_to.active_element
    keys.send_keys("\ue012")  # left: the first
    keys.send_keys("\ue003")  # backspace
    assert place(browser) == "Pair 1 of 3"
    assert browser.find_element("id", "a").get_attribute("aria-pressed") == "true"
    keys.send_keys("\ue014")  # right: the second
    browser.find_element("id", "leave").click()
    for _ in range(50):  # a loaded machine's browser hands what it keeps to the next page late
        browser.get(page.as_uri())
        begin(browser, "1")
        if place(browser) == "Pair 2 of 3":  # the first without an answer
            break
        time.sleep(0.1)
    assert place(browser) == "Pair 2 of 3"
    rows = list(csv.DictReader(saved(browser, page.parent / "judgements-1.csv").open()))
    assert [row["winner"] for row in rows] == ["b", "", ""]
    assert [rows[0]["task_a"], rows[0]["task_b"]] == shown
    assert "2 of 3 pairs" in browser.find_element("id", "left").text


def test_answers_to_a_page_are_not_taken_for_those_to_a_new_one(browser: Any, page: Path):
    begin(browser, "1")
    browser.switch_to.active_element.send_keys("1")
    command = ["judgements", "page", "a", "b", "c", "-o", str(page), "--judgements", "2"]
    CliRunner().invoke(app, command, catch_exceptions=False)
    browser.get(page.as_uri())
    begin(browser, "1")
    assert place(browser) == "Pair 1 of 3"
    rows = list(csv.DictReader(saved(browser, page.parent / "judgements-1.csv").open()))
    assert [row["winner"] for row in rows] == ["", "", ""]


def test_what_is_told_of_a_task_is_text(browser: Any, page: Path):
    begin(browser, "1")
    for _ in range(3):
        if "films" in names(browser):
            side = "ab"[names(browser).index("films")]
            told = browser.find_element("css selector", f"#{side} .about").text
            assert told == 'Do you, "honestly", </script><b>like</b> it?'
        browser.find_element("id", "leave").click()
    assert browser.get_log("browser") == []


@pytest.mark.parametrize("width", [360, 1200])
def test_the_page_is_no_wider_than_the_screen(browser: Any, page: Path, width: int):
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.get(page.as_uri())
    begin(browser, "1")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    first, second = browser.find_elements("css selector", "#pair button")
    assert abs(first.size["width"] - second.size["width"]) <= 1  # neither looks the larger one
