"""The embedded LLM and MiniLM, whole: kills and repetitions change nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
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
