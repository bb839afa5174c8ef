"""Pages as a reader opens them: in a real browser where there is one, and as text."""

from __future__ import annotations

import json
import re
import shlex
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from s3.commands.app import app
from s3.data.example import Example, Origin
from s3.errors import UserError
from s3.report.charts import Cloud, Map
from s3.report.run import Page, command, verdict, write_report
from s3.runs.folder import RunFolder
from s3.runs.listeners.base import Listeners, retell
from s3.runs.reading import Run
from tests.analysis.made import made_run
from tests.report.conftest import requested
from tests.runs import made

RIGHT = [True] * 6 + [False] * 4
HOSTILE = (
    "<script>document.title='taken'</script><img src=http://192.0.2.1/x onerror=alert(1)>"
    "{{ 7 * 7 }}</style></td>\"'&amp; \u202egnal \x1b[31m\x00 שלום"
)


def finished(path: Path, monkeypatch: pytest.MonkeyPatch, text: str = "a dull film") -> Run:
    """A run of two rounds; this text stands wherever texts stand."""

    def gold(number: int, split: str = "validation") -> list[Example]:
        return [
            Example({"text": f"{split} {i} {text}"}, made.LABELS[i % 2],
                    Origin("gold", source=f"{split}:{i}"))
            for i in range(number)
        ]  # fmt: skip

    def written(number: int, round_: int) -> list[Example]:
        kind = "extrapolation" if round_ else "seed"
        origin = Origin(kind, round_, "validation:0", f"prompt {text}", "c", text, (text,))
        return [
            Example({"text": f"made {i} {text}"}, made.LABELS[i % 2], origin) for i in range(number)
        ]

    monkeypatch.setattr(made, "gold", gold)
    monkeypatch.setattr(made, "written", written)
    options = {"task.query": text}
    return Run.open(made.finished_run(path, options=options).path)


def shown(browser: Any) -> list[Any]:
    rows = browser.find_elements("css selector", "#searched tbody > tr")
    return [row for row in rows if row.is_displayed()]


def test_in_a_browser_a_hostile_run_is_text_and_can_be_searched(
    browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("s3.report.run.run_map", lambda run: a_map(HOSTILE))
    page = write_report(finished(tmp_path / "run", monkeypatch, HOSTILE)).as_uri()
    browser.get(page)
    assert browser.title == "run"  # no script of a text has run
    assert browser.get_log("browser") == []
    assert requested(browser) == {page}
    assert not browser.find_elements("css selector", "td script, td img")
    charts = browser.find_elements("css selector", "svg.chart")
    assert [chart.size["height"] > 100 for chart in charts] == [True, True]
    assert len(charts[1].find_elements("css selector", ".cloud use, .cloud path")) > 40
    assert len(shown(browser)) == 1
    box = browser.find_element("id", "search")
    box.send_keys("nothing of the sort")
    assert shown(browser) == []
    assert browser.find_element("id", "found").text == "0 of 1 errors"
    box.clear()
    box.send_keys("ALERT(1) שלום round 1")
    assert len(shown(browser)) == 1


@pytest.mark.parametrize("width", [360, 1200])
def test_no_page_is_wider_than_the_screen(
    browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int
):
    page = write_report(finished(tmp_path / "run", monkeypatch, "longword" * 400))
    made_run(tmp_path / "more", RIGHT, RIGHT)
    other = tmp_path / "compared.html"
    CliRunner().invoke(app, ["compare", str(tmp_path / "more"), "--html", str(other)])
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    for one in (page, other):
        browser.get(one.as_uri())
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.get_log("browser") == []


def a_map(text: str) -> Map:
    """A map of forty gold rows on a square, and of two others beside it, with this text in all."""
    square = [(float(i % 8), float(i // 8)) for i in range(40)]
    gold = Cloud("gold " + text, square, [f"gold {i} {text}" for i in range(40)])
    return Map(f"map {text}", text, [gold, Cloud("seed", [(9, 0), (9, 4)], ["low", "high"])])


def test_a_point_of_a_map_says_its_text_to_pointer_and_keys(
    browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("s3.report.run.run_map", lambda run: a_map("odd <b>"))
    browser.get(write_report(finished(tmp_path / "run", monkeypatch)).as_uri())
    area = browser.find_element("css selector", ".map")
    said = area.find_element("css selector", "output")
    found = []
    for key in ("\ue014", "\ue014", "\ue013", "\ue012"):  # right, right, up, left
        area.send_keys(key)
        found.append(said.text)
    assert found == [f"gold {place} odd <b>" for place in (0, 1, 9, 8)]
    browser.find_elements("css selector", ".cloud path")[-1].click()
    assert said.text == "high"


def test_colours_of_a_chart_follow_the_page_at_night(
    browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    page = write_report(finished(tmp_path / "run", monkeypatch)).as_uri()
    inks = []
    for mode in ("light", "dark"):
        wanted = {"features": [{"name": "prefers-color-scheme", "value": mode}]}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", wanted)
        browser.get(page)
        script = "return getComputedStyle(document.querySelector('svg.chart text')).fill"
        inks.append(browser.execute_script(script))
    assert len(set(inks)) == 2


def test_the_search_is_reached_by_keys_alone(
    browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    browser.get(write_report(finished(tmp_path / "run", monkeypatch)).as_uri())
    for _ in range(60):
        focused = browser.switch_to.active_element
        if focused.get_attribute("id") == "search":
            break
        focused.send_keys("\ue004")  # the tabulator key
    focused.send_keys("absent")
    assert shown(browser) == []


def test_a_page_of_a_hostile_run_names_no_element_of_its_texts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    text = write_report(finished(tmp_path / "run", monkeypatch, HOSTILE)).read_text("utf-8")
    assert text.count("<script>") == 1
    assert "style=" not in text  # the policy forbids it
    assert "<img" not in text
    assert "{{ 7 * 7 }}" in text
    assert not re.search("[\u202e\x00\x1b]", text)
    assert "default-src &#39;none&#39;" in text or "default-src 'none'" in text
    assert "unsafe" not in text


def test_a_huge_text_is_cut_and_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    page = write_report(finished(tmp_path / "run", monkeypatch, "x" * 1_000_000))
    text = page.read_text("utf-8")
    assert "characters more)" in text
    assert len(text) < 100_000


def test_an_error_stands_beside_what_grew_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    text = write_report(finished(tmp_path / "run", monkeypatch, "odd")).read_text("utf-8")
    rows = re.findall(r"<tr><th scope=\"row\">round 1</th>.*?</tr>", text, re.DOTALL)
    assert len(rows) == 1
    order = ("validation 0 odd", "said: ", "made 0 odd", "prompt odd")
    said = [rows[0].index(one) for one in order]
    assert said == sorted(said)
    assert "made 1 odd" in rows[0]


def test_the_verdict_says_what_ships_and_whether_rounds_helped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    text = write_report(finished(tmp_path / "run", monkeypatch)).read_text("utf-8")
    shipped = r"The model of round 1 ships: accuracy 66\.7 on test, ± 53\.3 \(95 %\)"
    assert re.search(rf'class="verdict">{shipped}\. Round 1 is .* round 0 on test, .*\.<', text)


def test_the_verdict_holds_what_ships_against_gold_alone(tmp_path: Path):
    run = Run.open(made_run(tmp_path / "runs", RIGHT, alone=[True] * 8 + [False] * 2))
    said = verdict(run)
    assert said.startswith("The model of round 0 ships: accuracy 60.0 on test")
    assert "20.0 points below the same small model on gold validation alone: within chance" in said
    answers = run.path / "with_gold" / "predictions_test.jsonl"
    answers.parent.mkdir()
    answers.write_text((run.path / "gold" / "predictions_test.jsonl").read_text())
    summary = json.loads((run.path / "summary.json").read_text())
    summary |= {"ships": "with_gold", "with_gold": summary["gold"]}
    (run.path / "summary.json").write_text(json.dumps(summary))
    said = verdict(Run.open(run.path))
    assert said.startswith("The model of gold validation and round 0's data together ships: ac")
    assert "80.0 on test" in said
    assert "level with the same small model" in said


def test_a_run_of_which_much_is_missing_has_a_page_that_says_so(tmp_path: Path):
    folder = made_run(tmp_path / "runs", RIGHT, RIGHT, alone=RIGHT, config={"task": {}})
    run = Run.open(folder)  # it has no file of a round but its answers to test
    (run.path / "gold" / "predictions_test.jsonl").unlink()
    text = write_report(run).read_text("utf-8")
    for name in ("errors", "the table of rounds", "a map", "the audit&#39;s copies"):
        assert f"Without {name}: " in text
    assert "Without counts" not in text
    assert 'class="verdict">The model of round 1 ships: accuracy 60.0 on test' in text


def test_the_command_composes_the_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from hydra.core.override_parser.overrides_parser import OverridesParser

    text = "it's 5 $x, {a}: \\ and 'b'"
    found = command(finished(tmp_path / "run", monkeypatch, text))
    parsed = OverridesParser.create().parse_overrides(shlex.split(found)[2:])
    assert {one.key_or_group: one.value() for one in parsed}["task.query"] == text


def test_a_run_of_one_round_has_a_page(tmp_path: Path):
    folder = RunFolder(tmp_path / "run")
    seed = made.written(2, 0)
    round_ = made.round_of(0, seed, seed)
    with folder.hold(made.CONFIG, {}, fresh=False):
        for split in ("validation", "test"):
            examples = round_.validation
            said = round_.predictor.predict(examples)
            folder.write_predictions(0, split, examples, said, made.LABELS)
        folder.write_round(round_, "train", made.row(0.5), made.Findings({}, []))
        folder.write_products(round_, round_.predictor)
        folder.write_gold_copies([])
        rows = {"metric": "accuracy", "best_round": 0, "rounds": [made.row(0.5)]}
        folder.write_summary({**made.ABOUT, **rows})
    text = write_report(Run.open(folder.path)).read_text("utf-8")
    assert "No round of this run extrapolated errors" in text


def test_the_command_writes_a_page_into_each_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("a", "b"):
        finished(tmp_path / name, monkeypatch)
    done = CliRunner().invoke(app, ["report", str(tmp_path)])
    pages = [tmp_path / name / "report.html" for name in ("a", "b")]
    assert done.stdout.split() == [str(page) for page in pages]
    assert all(page.exists() for page in pages)


def test_what_is_no_finished_run_is_said(tmp_path: Path):
    with RunFolder(tmp_path / "begun").hold(made.CONFIG, {}, fresh=False):
        pass
    for name, error in (("begun", "not finished"), ("nowhere", "no such folder"), (".", "not the")):
        with pytest.raises(UserError, match=error):
            CliRunner().invoke(app, ["report", str(tmp_path / name)], catch_exceptions=False)


def test_a_page_that_fails_ends_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    run = finished(tmp_path / "run", monkeypatch)
    (run.path / "report.html").unlink(missing_ok=True)
    (run.path / "report.html").mkdir()
    retell(run, Listeners([Page()]))
    assert "report.html failed" in capsys.readouterr().err


def test_a_page_of_many_rows_takes_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    run = finished(tmp_path / "run", monkeypatch)
    added = run.path / "rounds" / "01" / "added.jsonl"
    line = added.read_text().splitlines()[0]
    added.write_text(f"{line}\n" * 20_000)
    begun = time.process_time()
    page = write_report(Run.open(run.path))
    assert time.process_time() - begun < 5  # a slow core; one of a desktop takes a third
    text = page.read_text("utf-8")
    assert len(text) < 100_000
    assert "19990 more are in added.jsonl" in text  # all 20,000 grew from one error


def test_a_comparison_has_a_page(browser: Any, tmp_path: Path):
    for seed in range(3):
        made_run(tmp_path / "runs", RIGHT, RIGHT, seed=seed, alone=RIGHT)
        made_run(tmp_path / "runs", RIGHT[::-1], RIGHT, seed=seed, method="zerogen")
    page = tmp_path / "compared.html"
    arguments = ["compare", str(tmp_path / "runs"), "--against", "method=s3", "--html", str(page)]
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    browser.get(page.as_uri())
    assert browser.get_log("browser") == []
    assert requested(browser) == {page.as_uri()}
    charts = browser.find_elements("css selector", "svg.chart")
    titles = [one.get_attribute("aria-label").partition("on test")[2] for one in charts]
    took = [f" by {unit} a run" for unit in ("tokens of the LLM", "US dollars", "seconds")]
    assert titles == ["", ", gains", " by the size of the data", *took]
    values = browser.find_elements("css selector", "figure details tbody")
    counts = [len(one.find_elements("css selector", "tr")) for one in values]
    assert counts == [3, 2, 5, 3, 3, 3]  # three groups; two held against the third; two rounds
    for width, medium in ((1200, "screen"), (718, "print")):  # A4 between the browser's margins
        metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": medium})
        right = "document.querySelector('table').getBoundingClientRect().right"
        assert browser.execute_script(f"return {right}") <= width, medium
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
