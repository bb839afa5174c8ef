"""The table of rounds: the scores that a run has, what chose, and what always-one-label gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from s3.runs.listeners.table import show
from s3.runs.reading import Run
from tests.runs.made import finished_run, row


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def shown(path: Path, capsys: pytest.CaptureFixture[str], **summary: object) -> str:
    show(Run.open(finished_run(path, **summary).path))
    return capsys.readouterr().out


def test_rounds_scores_and_places_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    output = shown(tmp_path / "run", capsys)
    line = next(line for line in output.splitlines() if "1 *" in line)
    assert [cell.strip() for cell in line.strip("│ ").split("│")] == [
        "1 *", "4", "2", "2", "75.0", "75.0", "75.0", "40", "0.2500",
    ]  # fmt: skip
    assert "best on gold validation by accuracy" in output
    assert "right on 75.0 % of test" in output
    assert str(tmp_path / "run" / "model") in output
    assert "F1" not in output


def test_macro_f1_is_shown_where_it_chooses(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    output = shown(tmp_path / "run", capsys, metric="macro_f1")
    assert "val. F1" in output
    assert "test F1" in output
    assert "by macro-f1" in output


def test_spans_have_their_own_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    spans = {
        name.replace("accuracy", "em").replace("macro_f1", "f1"): value
        for name, value in row(0.25).items()
        if "majority" not in name
    }
    output = shown(tmp_path / "run", capsys, rows=[spans, spans], metric="em")
    assert "test EM" in output
    assert "most frequent label" not in output
