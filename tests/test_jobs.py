"""Sweeps: each job says which it is, and the comparison of all stands at the end."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hydra.core.plugins import Plugins

from s3.errors import UserError
from s3.jobs import side_by_side
from s3.progress import progress
from s3.runs.experiment import Experiment
from s3.runs.folder import RunFolder
from s3.storage import write_text
from tests.analysis.made import made_run
from tests.commandline import run_py
from tests.sweeper import Sweeper


@pytest.fixture
def changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Mapping[str, Any]]:
    """What differed from the defaults in each job; experiments only leave a finished run."""
    monkeypatch.chdir(tmp_path)
    noted = []

    def run(
        self: Experiment, _: Any, choices: Mapping[str, str], changed: Mapping[str, Any], *__: Any
    ) -> RunFolder:
        noted.append(changed)
        if self.seed == 13:
            raise UserError("bad luck")
        with progress("training"):
            pass
        right = [True] * (6 + self.seed) + [False] * 4
        scores = {"validation/accuracy": 0.6, "validation/macro_f1": 0.55}
        root, method = Path(str(self.root)), choices["method"]
        return RunFolder(made_run(root, right, seed=self.seed, method=method, row=scores))

    monkeypatch.setattr(Experiment, "run", run)
    return noted


def test_a_sweep_ends_with_its_comparison_and_each_job_says_its_name(
    changes: list[Mapping[str, Any]], tmp_path: Path
) -> None:
    made_run(tmp_path / "multirun", [True], seed=7)  # of another sweep
    done = run_py("-m", "task=rte", "method=s3,zerogen", "seed=0,0", "method.rounds=1")
    assert done.status == 0
    names = [line for line in done.output.splitlines() if line.startswith("job ")]
    assert names[:2] == ["job 1 of 4: method=s3 seed=0", "job 2 of 4: method=s3 seed=0"]
    assert names[2:] == ["job 3 of 4: method=zerogen seed=0", "job 4 of 4: method=zerogen seed=0"]
    assert "job 3 of 4: method=zerogen seed=0: training 0" in done.errors
    table = done.output.partition("python -m s3 compare multirun/sweep-")[2].splitlines()
    assert table[1].split()[:3] == ["task", "method", "seeds"]
    assert [line.split()[1:3] for line in table[3:5]] == [["s3", "1"], ["zerogen", "1"]]
    assert "S3_JOB" not in os.environ


def test_the_one_job_of_a_sweep_over_nothing_is_named_by_its_number(
    changes: list[Mapping[str, Any]],
) -> None:
    done = run_py("-m", "task=rte", "method=s3", "seed=0")
    assert [line for line in done.output.splitlines() if "job" in line] == ["job 1 of 1"]
    assert "job 1 of 1: training 0" in done.errors


def test_a_failing_job_says_which_it_is_and_the_others_are_compared(
    changes: list[Mapping[str, Any]],
) -> None:
    done = run_py("-m", "seed=0,13")
    assert done.status == 1
    assert "job 2 of 2: seed=13: error: bad luck" in done.errors.splitlines()
    assert "python -m s3 compare multirun/sweep-" in done.output


@pytest.mark.parametrize(
    ("launcher", "expected"),
    [
        ({"_target_": "a.BasicLauncher"}, 1),
        ({"_target_": "a.JoblibLauncher", "n_jobs": 3}, 3),
        ({"_target_": "a.JoblibLauncher", "n_jobs": -1}, 8),
        ({"_target_": "a.JoblibLauncher", "n_jobs": -3}, 6),
        ({"_target_": "a.LocalLauncher"}, 8),
        ({"_target_": "a.SlurmLauncher"}, 1),
        ({"_target_": "a.RayLauncher", "ray": {"init": {}, "remote": {}}}, 8),
        (
            {
                "_target_": "a.RayLauncher",
                "ray": {"init": {"num_cpus": 6}, "remote": {"num_cpus": 2}},
            },
            3,
        ),
    ],
)
def test_how_many_jobs_share_the_cores(
    launcher: dict[str, Any], expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert side_by_side(launcher) == expected


def test_all_of_a_sweep_lies_in_hydras_folder_for_it(
    changes: list[Mapping[str, Any]], tmp_path: Path
) -> None:
    done = run_py("-m", "seed=0,0", "hydra.sweep.dir=own/place")
    assert done.status == 0
    assert "python -m s3 compare own/place/sweep-" in done.output
    assert len(list((tmp_path / "own/place").glob("*/summary.json"))) == 2
    assert not (tmp_path / "multirun").exists()


def test_a_single_run_has_no_name_and_no_comparison(changes: list[Mapping[str, Any]]) -> None:
    done = run_py("root=here")
    assert "job" not in done.output + done.errors
    assert "compare" not in done.output


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], {}),
        (["task=imdb", "method=goldgen", "seed=3", "root=here", "wandb.mode=disabled"], {}),
        (["method.rounds=2"], {}),  # as it is by default
        (
            ["seed_size=50", "task.gold.files.path=mine"],
            {"seed_size": 50, "method.seed_size": 50, "task.gold.files.path": "mine"},
        ),
        (["+task.labels.maybe=perhaps"], {"task.labels.maybe": "perhaps"}),
    ],
)
def test_what_differs_from_the_defaults_of_the_options_chosen(
    changes: list[Mapping[str, Any]], options: list[str], expected: dict[str, Any]
) -> None:
    assert run_py(*options, "root=here").status == 0
    assert changes == [expected]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], [0.6, 0.0]),  # the best round's, as model.metric has it
        (["objective=validation/macro_f1"], [0.55, 0.0]),
        (["objective_if_failed=-1"], [0.6, -1.0]),
    ],
)
def test_a_sweeper_gets_the_score_on_validation_and_the_worst_of_a_failed_job(
    changes: list[Mapping[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    expected: list[float],
) -> None:
    name = "hydra_plugins.noting.Sweeper"
    monkeypatch.setitem(Plugins.instance().class_name_to_class, name, Sweeper)
    own = f"hydra.sweeper._target_={name}"
    done = run_py("-m", "seed=0,13", own, *options)
    assert Sweeper.got == expected
    job_2 = [line for line in done.errors.splitlines() if line.startswith("job 2: seed=13")]
    assert job_2[-1].endswith(f": its objective counts as {expected[1]}")
    assert done.status == 1


@pytest.mark.parametrize("objective", ["test/accuracy", "validation/em"])
def test_an_objective_is_a_score_on_validation(objective: str) -> None:
    done = run_py("task=rte", f"objective={objective}")
    assert done.status == 2
    assert "choose validation/accuracy or validation/macro_f1" in done.errors


TABLE_2 = """# @package _global_
defaults: [{override /task: imdb}, {override /method: zerogen}, _self_]
seed_size: 50
model: {epochs: 2}
"""


def test_an_experiments_file_chooses_options_and_the_command_goes_over_it(
    changes: list[Mapping[str, Any]], tmp_path: Path
) -> None:
    write_text(tmp_path / "mine" / "experiment" / "table2.yaml", TABLE_2)
    write_text(tmp_path / "mine" / "experiment" / "small.yaml", TABLE_2.replace("50", "5"))
    own = "--config-dir=mine", "root=here"
    assert run_py(*own, "+experiment=table2", "model.epochs=4").status == 0
    assert run_py("-m", *own, "+experiment=table2,small").status == 0
    sizes = [(one["seed_size"], one["model.epochs"]) for one in changes]
    assert sizes == [(50, 4), (50, 2), (5, 2)]
    assert {one["method.seed_size"] for one in changes} == {50, 5}
    assert not any(name.startswith("task.") for one in changes for name in one)
