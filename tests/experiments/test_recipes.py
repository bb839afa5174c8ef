"""The recipes: each command of theirs composes, at both sizes; the paper's form runs to its end."""

from __future__ import annotations

from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from s3.config import build, register
from s3.runs.experiment import Experiment
from tests.experiments.recipes import CONF, RECIPES, Job, jobs
from tests.runs.helpers import ROOT


def composed(job: Job) -> Experiment:
    register()
    search = f"hydra.searchpath=[file://{CONF}]"
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        return build(compose("config", overrides=[search, *job]))


@pytest.mark.parametrize("size", ["small", "paper"])
@pytest.mark.parametrize("recipe", RECIPES)
def test_every_job_composes(recipe: str, size: str, tmp_path: Path) -> None:
    found = jobs(recipe, size, tmp_path)
    assert len(found) > 1
    for job in found:
        experiment = composed(job)
        assert (experiment.task.gold.source.value == "hub") is (size == "paper")
