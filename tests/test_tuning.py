"""Tuning: what a search tries, how it goes on after its end, the recipe that it leaves."""

from __future__ import annotations

import fcntl
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from wandb.sdk.launch.sweeps.utils import create_sweep_command_args

from s3.errors import UserError
from s3.runs.experiment import Experiment
from s3.runs.folder import RunFolder
from s3.runs.reading import Run
from tests.analysis.made import made_run
from tests.commandline import Done, run_py
from tests.runs.helpers import ROOT
from tests.runs.lab import Lab
from tests.runs.test_every_run import reply
from tests.server import FakeLLM


class Trials(list[Experiment]):
    """The experiments that have been run; those in `failing` fail, one is killed."""

    failing: range = range(0)
    killed: int | None = None

    def score(self, experiment: Experiment) -> float:
        """A fake objective: best at the largest learning rate, and with two epochs."""
        model = experiment.model
        return 0.9 - abs(model.epochs - 2) / 50 - (1e-3 - model.learning_rate) * 100


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trials:
    monkeypatch.chdir(tmp_path)
    trials = Trials()

    def run(self: Experiment, _: Any, choices: Mapping[str, str], *__: Any) -> RunFolder:
        trials.append(self)
        if len(trials) - 1 == trials.killed:
            raise KeyboardInterrupt
        if len(trials) - 1 in trials.failing:
            raise UserError("bad luck")
        # The better on validation, the worse on test: a search that saw test would be misled.
        score = trials.score(self)
        right = [True] * round(10 * (1 - score)) + [False] * round(10 * score)
        scores = {"validation/accuracy": score}
        return RunFolder(made_run(Path(str(self.root)), right, seed=self.seed, row=scores))

    monkeypatch.setattr(Experiment, "run", run)
    return trials


SPACE = ("model.learning_rate=tag(log,interval(1e-5,1e-3))", "model.epochs=range(1,5)")


def tune(*options: str, n_trials: int = 2) -> Done:
    return run_py("-m", "hydra/sweeper=optuna", f"hydra.sweeper.n_trials={n_trials}", *options)


def settings(trials: list[Experiment]) -> list[tuple[float, int]]:
    return [(one.model.learning_rate, one.model.epochs) for one in trials]


def test_the_best_on_validation_is_found_and_a_later_command_takes_it(
    ran: Trials, tmp_path: Path
) -> None:
    done = tune(*SPACE, "task=imdb", "seed=3")
    assert done.status == 0, done.errors
    best = max(ran, key=ran.score)
    (path,) = tmp_path.glob("multirun/recipe/study-*.yaml")
    found = yaml.safe_load(path.read_text())["model"]
    assert found == {"learning_rate": best.model.learning_rate, "epochs": best.model.epochs}
    assert (
        f"the best of 2 trials has model.metric on validation {ran.score(best):.4f}" in done.output
    )
    assert "job 1 of 2: model.learning_rate=" in done.output
    assert "compare" not in done.output  # which would show test's scores
    command = shlex.split(done.output.splitlines()[-1])
    assert command[:2] == ["s3", "run"]
    assert run_py(*command[2:], "method=gold").status == 0
    again = ran[-1]
    assert settings([again]) == settings([best])
    assert (again.task.name, again.seed) == ("imdb", 3)


def test_a_search_that_was_killed_goes_on_as_if_it_had_not_been(ran: Trials) -> None:
    tune(*SPACE)
    uninterrupted = settings(ran)
    ran.clear()
    ran.killed = 1
    assert tune(*SPACE, "hydra.sweep.dir=other").status == 130
    ran.killed = None
    begun = ran[:-1]
    done = tune(*SPACE, "hydra.sweep.dir=other")
    assert "1 of 2 trials have ended before" in done.output
    assert settings(begun + ran[2:]) == uninterrupted
    number = len(ran)
    tune(*SPACE, "hydra.sweep.dir=other")
    assert len(ran) == number


def test_a_failed_trial_counts_as_the_worst_and_the_search_goes_on(ran: Trials) -> None:
    ran.failing = range(1, 2)
    done = tune(*SPACE)
    assert len(ran) == 2
    assert done.status == 1
    assert "job 2 of 2" in done.errors
    assert "its objective counts as 0.0" in done.errors
    assert f"{ran.score(ran[0]):.4f}" in done.output


@pytest.mark.parametrize(
    ("space", "tuned"),
    [
        (
            "student",
            {"model": {"training", "batch_size", "learning_rate", "weight_decay", "epochs"}},
        ),
        pytest.param(
            "method",
            {"seed_size": None, "method": {"per_mistake", "rounds"}},
            marks=pytest.mark.slow,
        ),
    ],
)
def test_the_spaces_that_are_ready(
    ran: Trials, tmp_path: Path, space: str, tuned: dict[str, Any]
) -> None:
    done = run_py("-m", f"sweep={space}", "model.epochs=2", "hydra.sweeper.n_trials=1")
    assert done.status == 0, done.errors
    (path,) = tmp_path.glob("multirun/recipe/study-*.yaml")
    content = yaml.safe_load(path.read_text())
    del content["defaults"]
    assert {
        name: set(one) if isinstance(one, dict) else None for name, one in content.items()
    } == tuned
    assert run_py(*shlex.split(done.output.splitlines()[-1])[2:]).status == 0
    tried, taken = ran
    assert repr((tried.model, tried.method)) == repr((taken.model, taken.method))


@pytest.mark.slow
def test_groups_are_tuned_too(ran: Trials, tmp_path: Path) -> None:
    assert tune("method=choice(gold,zerogen)", n_trials=1).status == 0
    (path,) = tmp_path.glob("multirun/recipe/study-*.yaml")
    options = f"hydra.searchpath=[{tmp_path}/multirun]", f"+recipe={path.stem}"
    assert run_py(*options).status == 0
    assert repr(ran[0].method) == repr(ran[1].method)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "nothing to tune"),
        (["model.epochs=choice(1,2)", "dry_run=true"], "dry_run=true has no score"),
        (["model.epochs=interval(3,1)"], "model.epochs"),
        (["model.epochs=choice(1,2)", "seed=0,1"], "seed is luck"),
        (["model.epochs=choice(1,2)", "hydra.sweeper.n_jobs=2"], "hydra/launcher=joblib"),
        (["model.epocs=choice(1,2)"], "epocs"),
        (["method=gold", "method.rounds=choice(1,2)"], "rounds"),
        (["model.epochs=choice(1,2)", "objective=test/accuracy"], "choose validation/accuracy"),
    ],
)
def test_what_cannot_be_tuned_is_said_in_a_line(ran: Trials, options: list[str], said: str) -> None:
    done = tune(*options, n_trials=1)
    assert done.status in (1, 2)
    assert said in done.errors
    assert "Traceback" not in done.errors


@pytest.mark.filterwarnings("ignore:The value nan")
@pytest.mark.parametrize("if_failed", ["0", pytest.param("nan", marks=pytest.mark.slow)])
def test_no_best_settings_where_every_trial_failed(ran: Trials, if_failed: str) -> None:
    ran.failing = range(1)
    done = tune(*SPACE, f"objective_if_failed={if_failed}", n_trials=1)
    assert done.errors.splitlines()[-1].startswith("error: study-")
    assert "no trial succeeded" in done.errors
    assert not Path("multirun/recipe").exists()


def test_a_space_without_a_sweep_is_refused(ran: Trials) -> None:
    assert "put -m before it" in run_py("sweep=student").errors
    assert not ran


@pytest.mark.slow
def test_a_search_that_another_command_is_at_is_left_alone(ran: Trials) -> None:
    tune(*SPACE, n_trials=1)
    (lock,) = Path("multirun").glob("study-*.lock")
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert "another command is at this study" in tune(*SPACE, n_trials=2).errors
    assert len(ran) == 1


def test_an_agent_of_wandb_runs_the_command_of_its_file(ran: Trials) -> None:
    sweep = yaml.safe_load((ROOT / "s3/conf/wandb_sweep.yaml").read_text())
    drawn = {"model.learning_rate": 1.2e-05, "model.weight_decay": 2e-08, "model.epochs": 4}
    values = {"model.batch_size": 8, **drawn}
    values |= {n: one["value"] for n, one in sweep["parameters"].items() if "value" in one}
    assert values.keys() == sweep["parameters"].keys()
    # As its agent fills the command in: W&B's own function makes the arguments.
    filled = create_sweep_command_args({"args": {n: {"value": v} for n, v in values.items()}})
    parts = {"${env}": ["/usr/bin/env"], "${program}": [sweep["program"]]}
    parts |= {f"${{{name}}}": words for name, words in filled.items()}
    command = [word for part in sweep["command"] for word in parts.get(part, [part])]
    assert command[:3] == ["/usr/bin/env", "python", "run.py"]
    done = run_py(*command[3:])
    assert done.status == 0, done.errors
    assert settings(ran) == [(1.2e-05, 4)]
    assert (ran[0].task.name, ran[0].model.weight_decay) == ("imdb", 2e-08)
    assert sweep["metric"]["name"].startswith("validation/")
    ends = [
        one[end] for one in sweep["parameters"].values() for end in ("min", "max") if end in one
    ]
    assert {type(end) for end in ends} <= {int, float}  # to YAML, 5e-6 is a text


@pytest.mark.slow
def test_the_llm_is_paid_once_where_the_student_alone_is_tuned(tiny: Path, tmp_path: Path) -> None:
    lab = Lab(tiny, tmp_path)
    space = "model.learning_rate=tag(log,interval(1e-4,1e-2))", "model.training=finetune"
    trial = "-m", "hydra/sweeper=optuna", "task=imdb", "method=zerogen", *space
    with FakeLLM(reply) as author:
        lab.run(author, *trial, "hydra.sweeper.n_trials=1")
        paid = len(author.requests)
        said = lab.run(author, *trial, "hydra.sweeper.n_trials=2")
        assert len(author.requests) == paid > 0
    assert "1 of 2 trials have ended before" in said
    first, second = lab.folders("multirun")
    same = [(one / "data" / "train.parquet").read_bytes() for one in (first, second)]
    assert same[0] == same[1]


@pytest.mark.slow
def test_a_student_is_tuned_on_the_data_of_a_finished_run(tiny: Path, tmp_path: Path) -> None:
    lab = Lab(tiny, tmp_path)
    with FakeLLM(reply) as author:
        lab.run(author, "task=imdb", "method=s3", "method.rounds=1")
        paid = len(author.requests)
        (made,) = lab.folders()
        data = "method=s3", "method.rounds=0", f"method.seed_from={made}", f"method.add_from={made}"
        space = "model.training=finetune", "model.learning_rate=tag(log,interval(1e-4,1e-2))"
        trials = "-m", "hydra/sweeper=optuna", "hydra.sweeper.n_trials=2", "task=imdb"
        lab.run(author, *trials, *data, *space)
        assert len(author.requests) == paid
    sizes = {Run.open(path).rounds[-1].row["data/size"] for path in lab.folders("multirun")}
    assert sizes == {Run.open(made).rounds[-1].row["data/size"]}


@pytest.mark.slow
def test_trials_run_side_by_side_under_joblib(tiny: Path, tmp_path: Path) -> None:
    pytest.importorskip("joblib")
    lab = Lab(tiny, tmp_path)
    search = "-m", "hydra/sweeper=optuna", "hydra.sweeper.n_trials=4", "hydra.sweeper.n_jobs=2"
    space = "model.learning_rate=tag(log,interval(1e-4,1e-2))", "model.training=finetune"
    run = "task=imdb", "method=zerogen", "model.epochs=1", *space
    two = "hydra/launcher=joblib", "hydra.launcher.n_jobs=2"
    with FakeLLM(reply) as author:
        said = lab.run(author, *search, *two, *run)
    tried = set(re.findall(r"job (\d) of 4: (model.learning_rate=\S+)", said))
    assert {number for number, _ in tried} == set("1234")
    assert len({setting.rstrip(":") for _, setting in tried}) == 4
    folders = lab.folders("multirun")
    scores = [Run.open(path).rounds[-1].row["validation/accuracy"] for path in folders]
    assert len(scores) == 4
    assert f"the best of 4 trials has model.metric on validation {max(scores):.4f}" in said
