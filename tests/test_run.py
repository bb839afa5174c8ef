"""`python run.py`: its help, its exit statuses, its sweeps; what a run does is tested elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from s3.errors import UserError
from s3.runs.experiment import Experiment
from s3.runs.folder import RunFolder
from s3.runs.listeners.base import Listeners, retell
from s3.runs.listeners.table import Table
from s3.runs.reading import Run
from s3.storage import write_text
from tests.commandline import run_py
from tests.runs.helpers import ROOT
from tests.runs.made import finished_run

HEAVY = ("torch", "transformers", "datasets", "pytorch_lightning", "wandb", "aiohttp", "xllamacpp")
Noted = tuple[int, str | None, str, str | None]  # seed, root, the task's option, the sweep's name


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[Noted]:
    """What has been run: experiments only note that here."""
    noted: list[Noted] = []

    def run(self: Experiment, config: Any, choices: Mapping[str, str], *_: Any) -> RunFolder:
        noted.append((self.seed, self.root, choices["task"], os.environ.get("S3_SWEEP")))
        return RunFolder(Path("nowhere"))

    monkeypatch.setattr(Experiment, "run", run)
    return noted


@pytest.fixture
def ending(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Make experiments end with an error."""

    def set_error(error: BaseException) -> None:
        def run(self: Experiment, *parts: Any) -> None:
            raise error

        monkeypatch.setattr(Experiment, "run", run)

    return set_error


def test_help_imports_nothing_heavy() -> None:
    code = f"import sys, s3.main; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_help_lists_the_groups_that_are_for_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "own" / "task").mkdir(parents=True)
    (tmp_path / "own" / "task" / "mine.yaml").write_text("name: mine\n")
    done = run_py("--help", "--config-dir=own")
    listed = done.output.partition("in each:\n")[2].partition("\n\n")[0]
    groups = {
        part.split()[0]: part.split()[1:]
        for part in re.split(r"^ {2}(?! )", listed, flags=re.M)[1:]
    }
    folders = {path.name for path in (ROOT / "s3" / "conf").iterdir() if path.is_dir()}
    assert folders - {"sizes", "hydra"} == set(groups)
    tasks = sorted(
        {path.stem for path in (ROOT / "s3" / "conf" / "task").glob("*.yaml")} | {"mine"}
    )
    assert " ".join(groups["task"]) == ", ".join(tasks)


def test_help_has_each_option_with_its_value_and_its_comment() -> None:
    lines = run_py("--help", "method=progen", "llm=server", "seed=3").output.splitlines()
    assert max(map(len, lines)) <= 80
    option = re.compile(r"^ {4}(\w+=.*?)(?: {2,}|\n {31})(\w.*)$", re.MULTILINE)
    found = option.findall("\n".join(lines))
    assert [name.partition("=")[0] for name, _ in found] == [
        line.strip().partition("=")[0] for line in lines if re.match(r" {4}\w", line)
    ]
    options = dict(found)
    assert options["seed=3"].startswith("decides all draws")
    assert options["damping=0.01"].startswith("of the Hessian")
    assert options["base_url=http://localhost:8000/v1"].startswith("vLLM's default")
    assert "  method=progen, method.NAME=VALUE:" in lines
    assert not any(name in line for line in lines for name in ("hydra.", "schema", "sizes"))


def test_cfg_job_shows_the_composed_configuration(runs: list[Noted]) -> None:
    assert "name: imdb" in run_py("--cfg", "job", "task=imdb").output
    assert not runs


def test_one_run_ends_with_0(runs: list[Noted]) -> None:
    assert run_py("task=imdb", "seed=3").status == 0
    assert runs == [(3, None, "imdb", None)]  # of no sweep


def test_a_finished_run_leaves_its_page_and_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = finished_run(tmp_path / "a-run")

    def run(self: Experiment, *parts: Any) -> RunFolder:
        retell(Run.open(folder.path), Listeners([*parts[3], Table()]))
        return folder

    monkeypatch.setattr(Experiment, "run", run)
    done = run_py("task=rte")
    page = tmp_path / "a-run" / "report.html"
    assert f"report   {page}" in done.output
    assert page.exists()


def test_a_sweep_runs_all_combinations_under_one_name(runs: list[Noted]) -> None:
    assert run_py("-m", "task=rte,imdb", "seed=0,1").status == 0
    assert [run[:3] for run in runs] == [
        (seed, "multirun", task) for task in ("rte", "imdb") for seed in (0, 1)
    ]
    (name,) = {run[3] for run in runs}
    assert name.startswith("sweep-")


def test_a_sweeps_name_is_the_commands_unless_one_is_given(
    runs: list[Noted], monkeypatch: pytest.MonkeyPatch
) -> None:
    for command in ("seed=0", "seed=0", "seed=1"):
        monkeypatch.delenv("S3_SWEEP", raising=False)
        run_py("-m", command)
    monkeypatch.setenv("S3_SWEEP", "mine")
    run_py("-m", "seed=0")
    first, again, other, given = (run[3] for run in runs)
    assert first == again != other
    assert given == "mine"


@pytest.mark.parametrize(
    ("options", "root"),
    [
        (["hydra.run.dir=here/single"], "here/single"),
        (["hydra.run.dir=here", "root=mine"], "mine"),
        (["-m", "hydra.sweep.dir=here"], "here"),
        (["-m", "hydra.sweep.dir=here", "hydra.sweep.subdir=${hydra.job.num}"], "here/0"),
    ],
)
def test_hydras_own_options_for_folders_hold(
    runs: list[Run], options: list[str], root: str
) -> None:
    assert run_py("task=rte", *options).status == 0
    assert [run[1] for run in runs] == [root]


@pytest.mark.parametrize(
    ("word", "right"),
    [("--seed=1", "seed=1"), ("--model.epochs", "model.epochs=..."), ("--preset=paper", "preset=")],
)
def test_an_option_with_dashes_is_told_its_form(runs: list[Run], word: str, right: str) -> None:
    done = run_py("task=rte", word)
    assert (done.status, runs) == (2, [])
    assert done.errors.startswith(f"error: {word}: options have no dashes here")
    assert f" {right}" in done.errors
    assert "${args_no_hyphens}" in done.errors


def test_what_a_person_can_mend_is_one_line_and_exits_with_1(
    ending: Callable[[BaseException], None],
) -> None:
    ending(UserError("there is no key"))
    done = run_py()
    assert done.status == 1
    assert done.errors.splitlines()[-1] == "error: there is no key"
    assert "Traceback" not in done.errors


def test_overrides_may_stand_on_both_sides_of_hydras_options(tmp_path: Path) -> None:
    (tmp_path / "mine" / "task").mkdir(parents=True)
    bundled = (ROOT / "s3" / "conf" / "task" / "rte.yaml").read_text(encoding="utf-8")
    (tmp_path / "mine" / "task" / "own.yaml").write_text(bundled, encoding="utf-8")
    where = str(tmp_path / "mine")
    for chosen in (f"--config-dir={where}",), ("--config-dir", where):
        ended = run_py("task=own", *chosen, "seed=7", "--cfg", "job", "+llm.extra.top_k=4")
        assert ended.status == 0
        assert "seed: 7" in ended.output
        assert "top_k: 4" in ended.output


def test_a_sweep_that_is_to_be_shown_is_refused_in_a_line() -> None:
    done = run_py("-m", "seed=0,1", "--cfg", "job")
    assert (done.status, len(done.errors.splitlines())) == (2, 1)
    assert "-m, --cfg and --info do not go together" in done.errors


def test_ctrl_c_says_how_to_go_on(ending: Callable[[BaseException], None]) -> None:
    ending(KeyboardInterrupt())
    done = run_py()
    assert done.status == 130
    assert "the same command continues" in done.errors


def test_a_defect_is_not_taken_for_a_wrong_option(
    ending: Callable[[BaseException], None],
) -> None:
    ending(KeyError("a defect"))
    with pytest.raises(KeyError, match="a defect"):
        run_py()


def test_the_error_is_the_first_line_and_repeats_no_key(
    ending: Callable[[BaseException], None],
) -> None:
    key = "sk-" + "abcdefghijklmnopqrstuvwxyz"
    ending(UserError(f"{key} at http://me:hunter2@host/v1?a=1&api-key=hunter2 was refused"))
    done = run_py("seed=1")
    address = "http://[password]@host/v1?a=1&api-key=[key]"
    assert done.errors == f"error: [key] at {address} was refused\n"
    for command in (["seed=1", f"llm.model={key}"], [f"task.name={key}"], ["-m", f"llm={key},x"]):
        done = run_py(*command)
        assert done.status == 2
        assert done.errors.startswith("error: ")
        assert key not in done.errors + done.output


def test_a_sweep_goes_on_after_an_error_and_says_whose_it_was(
    runs: list[Noted], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run_py("-m", "seed=-1,2", "task=rte")
    assert done.status == 2
    assert [run[0] for run in runs] == [2]
    assert done.errors == "job 1 of 2: seed=-1: error: seed must be at least 0, not -1\n"


def test_nothing_is_written_outside_the_root(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "task").mkdir()
    text = (ROOT / "s3" / "conf" / "task" / "rte.yaml").read_text()
    (tmp_path / "mine" / "out.yaml").write_text(text)
    done = run_py("task=../out", "dry_run=true", "--config-dir=mine")
    assert done.status == 2
    assert "may not lead out of its folder" in done.errors
    assert {path.name for path in tmp_path.iterdir()} <= {"mine", "cache"}


@pytest.mark.parametrize("path", ["multirun/mine", "{here}/multirun/mine"])
def test_a_runs_own_configuration_runs_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    noted: list[tuple[Any, ...]] = []

    def run(self: Experiment, config: Any, choices: Any, changed: Any, *_: Any) -> RunFolder:
        noted.append((self, {**config, "choices": dict(choices)}, changed))
        return RunFolder(Path("nowhere"))

    monkeypatch.setattr(Experiment, "run", run)
    root = str(tmp_path / "multirun")
    made = ("task=imdb", "method=zerogen", "seed=3", "method.size=7", f"root={root}")
    assert run_py(*made, "fresh=true").status == 0
    folder = tmp_path / "multirun" / "mine"
    folder.mkdir(parents=True)
    write_text(folder / "config.yaml", OmegaConf.to_yaml(OmegaConf.create(noted[0][1])))
    again = (f"--config-path={path.format(here=tmp_path)}", "--config-name=config")
    assert run_py(*again).status == 0
    assert run_py(*again, "fresh=true").status == 0
    (first, config, changed), (found, refound, rechanged), (anew, *_) = noted
    assert found == replace(first, fresh=False)
    assert anew == first
    mains = ("task", "llm", "model", "method", "preset")
    assert [refound["choices"][one] for one in mains] == [config["choices"][one] for one in mains]
    assert rechanged == changed == {"method.size": 7}
    assert {path.name for path in tmp_path.iterdir()} == {"cache", "multirun"}


def test_an_option_that_one_method_of_a_sweep_has_applies_to_that_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    noted: list[Any] = []

    def run(self: Experiment, config: Any, choices: Any, *_: Any) -> RunFolder:
        noted.append((choices["method"], config["method"].get("rounds")))
        return RunFolder(Path("nowhere"))

    monkeypatch.setattr(Experiment, "run", run)
    done = run_py("-m", "method=s3,gold", "method.rounds=1")
    assert done.status == 0
    assert noted == [("s3", 1), ("gold", None)]
    assert done.errors.splitlines() == [
        "job 2 of 2: method=gold: has no method.rounds, and runs without it"
    ]
    wrong = run_py("-m", "method=s3,gold", "method.ronds=1")
    assert wrong.status == 2
    assert "method.ronds: no such option" in wrong.errors
    assert len(noted) == 2
