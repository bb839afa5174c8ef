"""The recipes: each command of theirs composes, at both sizes; the paper's form runs to its end."""

from __future__ import annotations

import subprocess
import sys
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
    with initialize_config_dir(str(ROOT / "s3" / "conf"), version_base="1.3"):
        return build(compose("config", overrides=[search, *job]))


@pytest.mark.parametrize("size", ["small", "paper"])
@pytest.mark.parametrize(
    "recipe",  # a job takes a fifth of a second to compose: by default the smallest recipe's alone
    [one if one == "table4" else pytest.param(one, marks=pytest.mark.slow) for one in RECIPES],
)
def test_every_job_composes(recipe: str, size: str, tmp_path: Path) -> None:
    found = jobs(recipe, size, tmp_path)
    assert len(found) > 1
    for job in found:
        experiment = composed(job)
        assert (experiment.task.gold.source.value == "hub") is (size == "paper")


@pytest.mark.slow
def test_the_papers_table_2_runs_to_its_end_with_a_thousandth_of_its_data() -> None:
    command = [sys.executable, "-m", "tests.experiments.thousandth", "table2"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.split() for line in done.stdout.splitlines() if line.startswith("finished ")]
    sizes = {name: list(map(int, rounds)) for _, name, *rounds in lines}
    tasks = ["rte", "qnli", "imdb", "adversarial_qa"]
    methods = ["gold", "zerogen", "goldgen", "s3"]
    made = [f"{task}-{method}" for task in tasks for method in methods]
    assert sorted(sizes) == sorted([*made, "imdb-progen"])
    # The last round of each has a thousandth of the paper's Table 2.
    assert [sizes[f"{task}-zerogen"][-1] for task in tasks] == [200] * 4
    assert [sizes[f"{task}-goldgen"][-1] for task in tasks] == [30, 150, 25, 80]
    assert [sizes[f"{task}-s3"][0] for task in tasks] == [32, 116, 15, 30]
    assert sizes["imdb-progen"][-1] == 100
