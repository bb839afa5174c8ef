"""The embedded LLM and MiniLM, whole: kills, of others too, and repetitions change nothing."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.runs.helpers import ROOT, finished, result, wait

pytestmark = pytest.mark.slow
SMALL = [
    "task=rte", "seed_size=16", "task.gold.validation_size=16", "task.gold.test_size=10",
    "model.epochs=1", "wandb.mode=disabled",
]  # fmt: skip


def start(folder: Path, cache: Path, *options: str) -> subprocess.Popen[str]:
    """Start a run with a store of its own; the weights are shared."""
    store = folder / "cache"
    store.mkdir(parents=True, exist_ok=True)
    if not (store / "weights").exists():
        (store / "weights").symlink_to((cache / "weights").resolve())
    return subprocess.Popen(
        [sys.executable, str(ROOT / "run.py"), *SMALL, *options], cwd=folder, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**os.environ, "S3_CACHE": str(store)},
    )  # fmt: skip


def run(folder: Path, cache: Path, *options: str) -> Path:
    process = start(folder, cache, *options)
    output, _ = process.communicate(timeout=900)
    assert process.returncode == 0, output
    (made,) = finished(folder / "outputs")
    return made


@pytest.mark.timeout(3000)
def test_kills_and_repetitions_change_nothing(tmp_path: Path, cache: Path) -> None:
    whole = result(run(tmp_path / "whole", cache))
    assert result(run(tmp_path / "again", cache)) == whole
    moments = {"synthesis": "rounds/00/metrics.json", "training": "trainings/*/"}
    for name, pattern in moments.items():
        folder = tmp_path / name
        process = start(folder, cache)
        count = 1 if name == "synthesis" else 3  # just after round 0; once round 2 trains
        wait(lambda f=folder, p=pattern, n=count: len(list(f.glob(f"outputs/*/{p}"))) >= n, process)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert result(run(folder, cache)) == whole
    other = result(run(tmp_path / "other", cache, "seed=1"))
    assert other[1] != whole[1]


QUICK = (
    "preset=quick", "task=imdb", "method.rounds=0", "task.gold.test_size=20", "gold_baseline=false",
)  # fmt: skip


def asked(folder: Path) -> int:
    """How many completions a run with a store of its own has got."""
    total = 0
    for path in folder.glob("cache/completions/completions-*.sqlite"):
        try:
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
                total += database.execute("SELECT count(*) FROM completions").fetchone()[0]
        except sqlite3.Error:  # being made
            continue
    return total


@pytest.mark.timeout(1500)
def test_who_shares_the_server_outlives_the_others_that_are_killed(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # its servers are nobody else's
    jobs = {}

    def begin(name: str, seed_size: int) -> None:
        jobs[name] = start(tmp_path / name, cache, *QUICK, f"seed_size={seed_size}")

    def asks(name: str) -> None:
        before = asked(tmp_path / name)
        wait(lambda: asked(tmp_path / name) > before, jobs[name])

    begin("starter", 400)
    asks("starter")
    (server,) = tmp_path.glob("s3-synthesis-*/*/server")
    process = int(server.read_text())
    begin("user", 400)
    begin("survivor", 24)
    asks("user")
    asks("survivor")
    for name in ("starter", "user"):
        assert jobs[name].poll() is None, "it was to be killed while it asks"
        jobs[name].send_signal(signal.SIGKILL)
        jobs[name].communicate()
        asks("survivor")
    output, _ = jobs["survivor"].communicate(timeout=900)
    assert jobs["survivor"].returncode == 0, output
    assert len(finished(tmp_path / "survivor" / "outputs")) == 1
    assert int(server.read_text()) == process  # the same all along
    deadline = time.monotonic() + 60
    while Path(f"/proc/{process}").exists() and time.monotonic() < deadline:
        time.sleep(0.5)
    assert not Path(f"/proc/{process}").exists()
