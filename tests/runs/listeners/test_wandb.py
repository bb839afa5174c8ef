"""Weights & Biases, offline: what its own reader finds in the file, attempts kept apart."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from s3.runs.folder import RunFolder
from s3.runs.listeners.wandb import Mode, Tracker, Wandb
from tests.conftest import WANDB_FOLDERS
from tests.runs.made import ABOUT, CONFIG, finished_run, round_of, row, written

ROWS = [row(0.5, only_first=1.0), row(0.75, only_last=2.0)]


ALONE = {"size": 128, "test/accuracy": 0.6}


def track(folder: RunFolder, best: int, **settings: Any) -> Tracker:
    """Log a run of two rounds."""
    tracker = Tracker(Wandb(mode=Mode.offline, **settings))
    tracker.started(folder, CONFIG)
    for index, metrics in enumerate(ROWS):
        tracker.round(round_of(index, written(2, 0), written(2, index)), metrics)
    tracker.finished(
        {**ABOUT, "metric": "accuracy", "best_round": best, "rounds": ROWS, "gold": ALONE}
    )
    return tracker


def inspect(folder: RunFolder, *options: str) -> Any:
    """Return what wandb's own reader says of the one offline run in a folder."""
    (file,) = folder.path.glob("wandb/offline-run-*/run-*.wandb")
    command = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", *options, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunFolder]:
    monkeypatch.delenv("WANDB_DIR", raising=False)
    return finished_run(tmp_path / "films-s3-seed3-0123abcd", ROWS)


def test_the_summary_is_the_shipped_rounds_alone(folder: RunFolder):
    track(folder, best=0)
    summary = inspect(folder, "--summary")
    text = json.dumps(summary)
    found = summary.get("summary", summary)
    assert found["test/accuracy"] == 0.5, text
    assert found["best_round"] == 0
    assert found.get("only_last") is None
    assert found["only_first"] == 1.0
    assert (found["gold/size"], found["gold/test/accuracy"]) == (128, 0.6)


def test_where_the_run_is_stands_in_the_folder(folder: RunFolder):
    track(folder, best=1)
    where = json.loads((folder.path / "wandb.json").read_text())["where"]
    assert where.startswith("wandb sync ")
    assert Path(where.removeprefix("wandb sync ")).is_dir()


def test_an_attempt_begun_afresh_is_another_run_there(folder: RunFolder, tmp_path: Path):
    opened = []
    for fresh in (False, True):
        with folder.hold(CONFIG, {}, fresh):
            tracker = Tracker(Wandb(mode=Mode.offline))
            tracker.started(folder, CONFIG)
            opened.append(tracker._open.id)
            tracker.stopped()
    assert opened[0] != opened[1]
    assert all(id_.startswith(folder.name) for id_ in opened)


def offline_instead(folder: RunFolder) -> None:
    """A run whose W&B cannot be used as it was asked for: its rows are kept offline."""
    tracker = Tracker(Wandb(mode=Mode.online))
    tracker.started(folder, CONFIG)
    for index, metrics in enumerate(ROWS):
        tracker.round(round_of(index, written(2, 0), written(2, index)), metrics)
    tracker.finished({**ABOUT, "metric": "accuracy", "best_round": 1, "rounds": ROWS})
    summary = inspect(folder, "--summary")
    assert summary.get("summary", summary)["best_round"] == 1
    assert json.loads((folder.path / "wandb.json").read_text())["where"].startswith("wandb sync ")


def test_a_run_is_kept_offline_where_the_key_is_malformed(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("WANDB_API_KEY", "not a key")
    offline_instead(folder)
    assert os.environ["WANDB_API_KEY"] == "not a key"
    said = capsys.readouterr().err
    assert "W&B: WANDB_API_KEY invalid" in said
    assert "kept offline" in said


def test_a_run_is_kept_offline_where_there_is_no_key(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("NETRC", str(folder.path / "none"))
    offline_instead(folder)
    assert "kept offline" in capsys.readouterr().err


@pytest.mark.slow  # W&B waits for half a minute
def test_a_run_is_kept_offline_where_wandb_is_not_reached(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("WANDB_API_KEY", "a" * 40)
    offline_instead(folder)
    assert "kept offline" in capsys.readouterr().err


def test_a_home_that_cannot_be_written_is_no_hindrance(
    folder: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HOME", str(tmp_path / "file" / "home"))
    for name in WANDB_FOLDERS:
        monkeypatch.delenv(name, raising=False)
    track(folder, best=1)
    assert json.loads((folder.path / "wandb.json").read_text())["where"].startswith("wandb sync ")


def test_no_copy_of_the_model_is_made(folder: RunFolder, tmp_path: Path):
    (folder.path / "model" / "model.safetensors").write_bytes(b"weights " * 100_000)
    track(folder, best=1)
    copies = [
        path
        for path in tmp_path.rglob("*")
        if path.is_file() and not path.is_symlink() and path.stat().st_size > 100_000
        and "weights" not in path.parts
    ]  # fmt: skip
    assert copies == [folder.path / "model" / "model.safetensors"]
    logged = str(folder.path / "model" / "model.safetensors").encode()
    assert inspect(folder, "--summary")  # by then W&B's service has written all
    (file,) = folder.path.glob("wandb/offline-run-*/run-*.wandb")
    assert logged in file.read_bytes()
