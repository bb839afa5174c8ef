"""Synthetic rows that deserve doubt, decisions on them, and what a run makes of these."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from s3.data.example import Example, Origin
from s3.data.reviewed import read_decisions, reviewed
from s3.errors import UserError
from s3.review.doubts import Doubt, doubtful
from s3.review.server import Review, review_server
from s3.runs.reading import Run
from s3.storage import read_jsonl
from s3.student import Predictions
from tests.author import composed
from tests.methods.trial import Trial
from tests.report.conftest import requested
from tests.report.test_pages import HOSTILE
from tests.runs import made

LABELS = ("negative", "positive")


def example(text: str, label: str = "positive") -> Example:
    return Example({"text": text}, label, Origin("seed", model="a model"))


@pytest.fixture
def review(tmp_path: Path) -> Review:
    texts = (f"a dull film {HOSTILE}", "a fine film", "so so")
    doubts = [Doubt(example(text), (f"unsure {HOSTILE}",), 0.1) for text in texts]
    return Review("a run", doubts, LABELS, tmp_path / "reviewed.jsonl")


@pytest.fixture
def address(review: Review) -> Iterator[str]:
    server, found = review_server(review)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


def kinds(review: Review) -> list[tuple[str, str | None]]:
    if not review.file.exists():
        return []
    return [(row["decision"], row.get("label")) for row in read_jsonl(review.file)]


def eventually(browser: Any, script: str, wanted: Any) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(browser, 5, 0.02).until(lambda one: one.execute_script(script) == wanted)


def test_in_a_browser_rows_are_decided_by_keys_and_hostile_text_stays_text(
    browser: Any, review: Review, address: str
):  # fmt: skip
    browser.get(address)
    body = browser.find_element("css selector", "body")
    done = "return document.getElementById('progress').textContent"
    eventually(browser, done, "0 of 3 decided")
    assert browser.title == "Review of a run"
    assert "<script>document.title='taken'</script>" in body.text
    assert not browser.find_elements("css selector", "article script, article img")
    assert browser.find_element("css selector", "article button").size["height"] < 60
    body.send_keys("1")  # the only other label
    eventually(browser, done, "1 of 3 decided")
    assert kinds(review) == [("relabel", "negative")]
    body.send_keys("n")
    browser.switch_to.active_element.send_keys("dk1 odd\n")  # letters of a note decide nothing
    eventually(browser, done, "2 of 3 decided")
    body.send_keys("d")
    eventually(browser, "return document.querySelector('article:not([hidden]) h2').textContent",
               "Row 3 of 3")  # fmt: skip
    body.send_keys("k")
    eventually(browser, done, "3 of 3 decided")
    assert kinds(review) == [("relabel", "negative"), ("drop", None), ("keep", None)]
    assert list(read_jsonl(review.file))[1]["note"] == "dk1 odd"
    browser.refresh()  # what was decided is shown again
    eventually(browser, done, "3 of 3 decided")
    assert browser.get_log("browser") == []
    assert requested(browser) <= {address, f"{address}decide"}


def test_a_decision_that_is_not_saved_is_said_and_the_row_stays(
    browser: Any, review: Review, address: str
):  # fmt: skip
    browser.get(address)
    review.file.mkdir()
    browser.find_element("css selector", "body").send_keys("d")
    failed = "return document.getElementById('failed').textContent.startsWith('Not saved')"
    eventually(browser, failed, True)
    assert browser.find_element("css selector", "article:not([hidden]) h2").text == "Row 1 of 3"


def ask(address: str, body: Any = None, path: str | None = None, **headers: str) -> int:
    url = urlsplit(address)
    connection = http.client.HTTPConnection(url.netloc, timeout=5)
    method = "GET" if body is None else "POST"
    headers = {"Host": url.netloc, "Content-Type": "application/json"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    connection.request(method, path or url.path, body and json.dumps(body), headers)
    status = connection.getresponse().status
    connection.close()
    return status


def test_who_has_not_the_token_sees_and_decides_nothing(review: Review, address: str):
    said = {"id": review.doubts[0].example.id, "decision": "drop", "note": ""}
    decide = f"{urlsplit(address).path}decide"
    assert ask(address) == 200
    assert ask(address, path="/") == ask(address, path="/decide") == 404
    assert ask(address, said, path="/decide") == ask(address, said, path="/x/decide") == 404
    assert ask(address, Host="evil.example") == 404  # a name that leads here
    assert ask(address, said, decide, Host="evil.example") == 404
    assert ask(address, said, decide, Content_Type="text/plain") == 400  # what a form can send
    assert ask(address, said | {"id": "other"}, decide) == 400
    assert ask(address, said | {"decision": "relabel", "label": "other"}, decide) == 400
    assert ask(address, ["drop"], decide) == 400
    assert kinds(review) == []
    assert ask(address, said, decide) == 200
    assert kinds(review) == [("drop", None)]


def decisions(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps({"id": "x", "target": "", **row}) + "\n" for row in rows))
    return path


def test_a_run_drops_and_relabels_what_was_reviewed(tmp_path: Path):
    options = "task=imdb", "method.rounds=1"
    before = Trial(*options, right=(4, 6)).rounds[0].train
    dropped, turned = before[0], before[1]
    other = next(label for label in LABELS if label != turned.target)
    file = decisions(
        tmp_path / "reviewed.jsonl",
        {"fields": dict(dropped.fields), "decision": "drop"},
        {"fields": dict(turned.fields), "decision": "relabel", "label": other},
        {"fields": dict(before[2].fields), "decision": "note"},
    )
    rounds = Trial(*options, f"method.reviewed={file}", right=(4, 6)).rounds
    after = rounds[0].train
    assert [one.fields for one in after] == [one.fields for one in before[1:]]
    assert after[0].target == other
    assert "relabelled in review" in after[0].origin.model
    assert after[1:] == before[2:]
    grown = rounds[1].added.examples[0]
    decisions(file, {"fields": dict(grown.fields), "decision": "drop"})
    last = Trial(*options, f"method.reviewed={file}", right=(4, 6)).rounds[1].train
    assert grown.fields not in [one.fields for one in last]


def test_decisions_count_in_the_identity_by_content(tmp_path: Path):
    def identity(*options: str) -> dict[str, Any]:
        return composed(*options).method.identity()

    one, two = (
        decisions(tmp_path / name, {"fields": {"text": "a"}, "decision": "drop"}) for name in "ab"
    )
    assert identity(f"method.reviewed={one}") == identity(f"method.reviewed={two}")
    assert identity() == {k: v for k, v in identity(f"method.reviewed={one}").items()
                          if k != "reviewed"}  # fmt: skip
    decisions(two, {"fields": {"text": "a"}, "decision": "keep"})
    assert identity(f"method.reviewed={one}") != identity(f"method.reviewed={two}")
    with pytest.raises(UserError, match="no such file"):
        identity(f"method.reviewed={tmp_path}/none.jsonl")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"fields": {"text": "a"}, "decision": "burn"}, "jsonl:2: .*burn"),
        ({"fields": {"text": "a"}, "decision": "relabel"}, "jsonl:2: .*without a label"),
        ({"decision": "drop"}, "jsonl:2: .*fields"),
    ],
)
def test_a_line_that_is_no_decision_is_named(tmp_path: Path, row: dict[str, Any], said: str):
    file = decisions(tmp_path / "r.jsonl", {"fields": {"text": "b"}, "decision": "keep"}, row)
    with pytest.raises(UserError, match=said):
        read_decisions(file)


def test_a_label_of_another_task_is_refused(tmp_path: Path):
    row = {"fields": {"text": "a"}, "decision": "relabel", "label": "spam"}
    with pytest.raises(UserError, match="'spam' is no label"):
        reviewed([example("a")], decisions(tmp_path / "r.jsonl", row), LABELS)


def test_doubts_come_from_both_models_and_the_audit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    refusal = "I'm sorry, but I cannot write this review."
    texts = ("sure and right", "near the boundary", "the model differs", "gold differs", refusal)
    rows = [example(text) for text in texts]
    monkeypatch.setattr(made, "written", lambda number, round_: rows if round_ else [])
    files = {"validation": str(tmp_path / "gone.jsonl")}
    task = {"name": "films", "written": "text", "labels": {one: one for one in LABELS}}
    task |= {"gold": {"source": "files", "files": files}}
    monkeypatch.setattr(made, "CONFIG", {**made.CONFIG, "task": task})
    run = Run.open(made.finished_run(tmp_path / "run").path)
    chances = np.array([[0.1, 0.9], [0.45, 0.55], [0.9, 0.1], [0.1, 0.9], [0.1, 0.9]])
    said = Predictions([LABELS[int(one)] for one in chances.argmax(axis=1)], chances)
    found, labels, missing = doubtful(run, 9)  # neither the weights nor gold are there
    assert [(one.example.fields["text"], one.reasons) for one in found] == [
        (refusal, ("the LLM declines to write",))
    ]
    assert labels == LABELS
    assert len(missing) == 2

    def points(task: Any, some: list[Example], folder: Path) -> Any:
        sign = [1 if one.fields["text"] != "gold differs" else -1 for one in some]
        gold = [1 if one.target == "positive" else -1 for one in some]
        return np.array([[one] for one in (gold if some[0].origin.kind == "gold" else sign)])

    model = SimpleNamespace(answers=lambda texts: said)
    monkeypatch.setattr("s3.review.doubts.load", lambda run: model)
    monkeypatch.setattr("s3.review.doubts.gold_of", lambda run, split: made.gold(8))
    monkeypatch.setattr("s3.analysis.quality.features", points)
    found, _, missing = doubtful(run, 9)
    assert missing == []
    assert {one.example.fields["text"]: one.reasons for one in found} == {
        "near the boundary": ("the trained model is unsure",),
        "the model differs": ("the trained model says: negative",),
        "gold differs": ("a model of gold rows alone says: negative",),
        refusal: ("the LLM declines to write",),
    }
    assert found[0].example.fields["text"] == "near the boundary"  # least sure of equals
    assert [one.example for one in doubtful(run, 1)[0]] == [found[0].example]
