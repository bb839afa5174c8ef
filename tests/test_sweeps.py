"""Sweeps as processes: Ctrl-C ends all jobs, the same command continues; a run is found again;
W&B's own agent gives out the runs of a sweep.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from tests.runs.helpers import ROOT
from tests.runs.lab import Lab
from tests.runs.test_every_run import reply
from tests.server import FakeLLM
from tests.wandb_server import SweepServer

pytestmark = pytest.mark.slow
SWEEP = (
    "-m", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "task=rte", "method=s3,gold",
    "seed=0,1", "method.rounds=1", "model.epochs=1", "wandb.mode=disabled", "gold_baseline=false",
)  # fmt: skip


def test_ctrl_c_ends_all_jobs_and_the_same_command_does_what_is_missing(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("joblib")
    lab = Lab(tiny, tmp_path)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    with FakeLLM(reply) as author:
        author.manners.delay = 1.0
        command = [sys.executable, str(ROOT / "run.py"), "-m", *lab.options]
        command += [f"llm.base_url={author.url}", *SWEEP[1:]]
        process = subprocess.Popen(
            command, cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        while not author.requests and process.poll() is None:
            time.sleep(0.1)
        time.sleep(2)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 130
        assert said.splitlines()[-1].startswith("Interrupted.")
        assert said.count("Interrupted") == 1
        assert "Traceback" not in said
        with pytest.raises(ProcessLookupError):
            wait_for_end(process.pid)
        author.manners.delay = 0.0
        said = lab.run(author, *SWEEP)
        for number in range(1, 5):
            assert f"job {number} of 4: method=" in said
        table = said.partition("python -m s3 compare multirun/sweep-")[2].splitlines()
        assert [line.split()[1:3] for line in table[3:5]] == [["gold", "2"], ["s3", "2"]]
        paid = len(author.requests)
        assert lab.run(author, *SWEEP).count("finished before") == 4
        assert len(author.requests) == paid


def wait_for_end(group: int) -> None:
    """Return when 10 s have passed; raise ProcessLookupError as soon as a group has no process."""
    for _ in range(100):
        os.killpg(group, 0)
        time.sleep(0.1)


def test_a_finished_run_is_found_again_by_its_folder(tiny: Path, tmp_path: Path) -> None:
    lab = Lab(tiny, tmp_path)
    with FakeLLM(reply) as author:
        lab.run(author, "task=imdb", "method=zerogen", "seed=3", "model.epochs=1")
        paid = len(author.requests)
    (made,) = lab.folders()
    before = {path: path.stat().st_mtime_ns for path in (made / "model").rglob("*")}
    command = [sys.executable, str(ROOT / "run.py"), f"--config-path={made}"]
    done = subprocess.run(
        [*command, "--config-name=config"],
        cwd=tmp_path,
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"finished before (fresh=true runs it again): {made}" in done.stdout
    assert "training" not in done.stderr
    assert lab.folders() == [made]
    assert {path: path.stat().st_mtime_ns for path in (made / "model").rglob("*")} == before
    assert paid > 0
    log = re.sub(r"(?m)^.{21}", "", (made / "run.log").read_text())
    assert log.count("finished before") == 1
    assert "round 0 training" in log


def test_an_agent_of_wandb_gives_out_the_runs_of_a_sweep(tiny: Path, tmp_path: Path) -> None:
    lab = Lab(tiny, tmp_path)
    sweep = yaml.safe_load((ROOT / "s3/conf/wandb_sweep.yaml").read_text())
    (tmp_path / "run.py").symlink_to(ROOT / "run.py")  # as if the checkout were here
    folder = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    with FakeLLM(reply) as author, SweepServer(runs=2) as server:
        options = [*lab.options, f"llm.base_url={author.url}", "method.rounds=1"]
        fixed = (one.split("=", 1) for one in options)
        sweep["parameters"] |= {name: {"value": yaml.safe_load(value)} for name, value in fixed}
        sweep["parameters"]["model.epochs"]["value"] = 1
        (tmp_path / "sweep.yaml").write_text(yaml.safe_dump(sweep))
        own = {"WANDB_BASE_URL": server.url, "WANDB_API_KEY": "0" * 40, "PATH": folder}
        for command in (["sweep", "--project", "s3", "sweep.yaml"], ["agent", "me/s3/abcd1234"]):
            done = subprocess.run(
                ["wandb", *command], cwd=tmp_path, text=True, capture_output=True, check=False,
                timeout=240, env={**os.environ, **own, "WANDB_CONFIG_DIR": str(tmp_path / "own")},
            )  # fmt: skip
            assert done.returncode == 0, done.stdout + done.stderr
    assert server.sweep["parameters"] == sweep["parameters"]
    made = {
        (config["model"]["batch_size"], config["model"]["learning_rate"])
        for config in (yaml.safe_load((one / "config.yaml").read_text()) for one in lab.folders())
    }
    drawn = [(one["model.batch_size"], one["model.learning_rate"]) for one in server.handed]
    assert made == set(drawn)
    assert len(made) == 2
    kept = {path.name.rpartition("-")[2] for path in tmp_path.glob("wandb/offline-run-*")}
    assert kept == {"run1", "run2"}  # as the agent names them
