"""Real small runs: trained in seconds, without an LLM, and carried out by the command itself."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.commandline import run_py
from tests.runs.helpers import finished


@pytest.fixture(scope="session")
def trained(tiny: Path, tmp_path_factory: pytest.TempPathFactory):
    """Return the folder of a finished run of a task: `method=gold` on the tiny encoder."""
    root = tmp_path_factory.mktemp("runs")
    done: dict[tuple[str, ...], Path] = {}

    def train(*options: str) -> Path:
        if options not in done:
            folder = root / str(len(done))
            small = [f"model.weights={tiny}", "model.max_length=64", "model.epochs=1"]
            small += ["model.stride=8", "model.precision=fp32", "task.gold.validation_size=24"]
            small += ["task.gold.test_size=20", "wandb.mode=disabled", "method=gold"]
            outcome = run_py(*small, f"root={folder}", *options)
            assert outcome.status == 0, outcome.errors
            done[options] = finished(folder)[0]
        return done[options]

    before = os.getcwd()
    yield train
    os.chdir(before)
