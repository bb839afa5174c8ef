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


# Of each recipe's paper form the rows that the runs end with on TASKS, a thousandth of the paper's.
# How many errors there are, the tiny model decides: of those that extrapolate them it is the seed.
TASKS = ("rte", "qnli", "imdb", "adversarial_qa")
EXTRAPOLATE = ("s3", "zerogen_synadd")
ENDS = {
    "table2": {
        "gold": (8, 84, 20, 24), "zerogen": (200,) * 4, "goldgen": (30, 150, 25, 80),
        "s3": (32, 116, 15, 30), "progen": (0, 0, 100, 0),
    },
    "table3": {"s3": (32, 116, 15, 30), "seed_only": (33, 168, 15, 81)},
    "table4": {"seed_only": (0, 0, 15, 0), "without_rationales": (0, 0, 40, 0)},
    "table5": {
        "zerogen": (0, 200, 200, 200), "zerogen_synadd": (0, 200, 200, 200),
        "zerogen_ouradd": (0, 304, 224, 260), "s3": (0, 116, 15, 30),
    },
    "table8": {
        "s3": (32, 116, 0, 30), "goldgen": (30, 150, 0, 80), "zerogen": (200, 200, 0, 200),
    },
    "table9": {"gold": (8, 84, 20, 24), "zerogen": (200,) * 4, "s3": (32, 116, 15, 30)},
    "figure1": {"gold": (0, 0, 20, 0), "zerogen": (0, 0, 200, 0)},
    "section_2_6": {"s3": (32, 116, 15, 0), "goldgen": (30, 150, 25, 0)},
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES)
def test_a_papers_form_runs_to_its_end_with_a_thousandth_of_its_data(recipe: str) -> None:
    command = [sys.executable, "-m", "tests.experiments.thousandth", recipe]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.split() for line in done.stdout.splitlines() if line.startswith("finished ")]
    ended = {
        name: int(rounds[0 if name.partition("-")[2] in EXTRAPOLATE else -1])
        for _, name, *rounds in lines
    }
    assert ended == {
        f"{task}-{method}": rows
        for method, sizes in ENDS[recipe].items()
        for task, rows in zip(TASKS, sizes, strict=True)
        if rows
    }
